"""What the machine has sounded, read back from its notes as the groupings that may have sounded so."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from composer.generators.groupings import STEPS
from composer.generators.recombination import Content, Lexicon, fingerprint
from composer.generators.wishes import Slot
from composer.music import TICKS_PER_QUARTER, Note

RECENT = 16 * TICKS_PER_QUARTER
"""Ticks before a beginning in which what sounded last is taken up."""
_onset = attrgetter("onset")


class Sounded:
    """Hold what the machine's voices have sounded before a span, and what they are about to sound in it."""

    def __init__(self, notes: Iterable[Note], begin: int, unit: int, up: int) -> None:
        """Read `notes` as groupings of `unit` ticks that were moved by `up` semitones; the span begins at `begin`."""
        self.notes = sorted(notes)
        self._begin, self._unit, self._up = begin, unit, up

    def content(self, slot: Slot) -> Content:
        """Return what has sounded in a slot, as a grouping would say it."""
        low = bisect_left(self.notes, slot.tick - 8 * self._unit, key=_onset)
        high = bisect_left(self.notes, slot.tick + slot.length, key=_onset)
        return frozenset(
            (max(0, note.onset - slot.tick) * STEPS // self._unit, min(127, max(0, note.pitch - self._up)))
            for note in self.notes[low:high]
            if note.end > slot.tick
        )

    def matches(self, slot: Slot, lexicon: Lexicon) -> NDArray[np.bool_]:
        """Return which groupings sound in a slot what has sounded there before the span."""
        content = self.content(slot)
        before = min(self._begin - slot.tick, slot.length)
        if before >= self._unit:
            found: NDArray[np.bool_] = lexicon.prints == np.uint64(fingerprint(content))
            return found
        found = _enters(lexicon, content)
        for place in np.flatnonzero(found).tolist():
            heard = {(onset, pitch) for onset, pitch in lexicon.content(place) if onset * self._unit // STEPS < before}
            found[place] = heard == content
        return found

    def prints(self, ticks: Iterable[int], end: int) -> list[int]:
        """Return the fingerprints of what sounded just before `end`, in the slots that begin at `ticks`."""
        prints: list[int] = []
        for tick in ticks:
            number = fingerprint(self.content(Slot(tick, min(self._unit, end - tick), 0)))
            prints = [*prints, number] if number else []
        return prints

    def last(self, tick: int, others: Sequence[Note]) -> list[int]:
        """Return the pitches that sounded last before `tick`, in the notes or in `others`, from low to high."""
        high = bisect_left(self.notes, tick, key=_onset)
        recent = [note for note in (*self.notes[max(0, high - 8) : high], *others) if note.end > tick - RECENT]
        last = max((note.onset for note in recent), default=0)
        return sorted({note.pitch - self._up for note in recent if note.end > last})


def _enters(lexicon: Lexicon, heard: Content) -> NDArray[np.bool_]:
    """Return whether the voices that are sung enter each grouping at the pitches that were heard, and at no other."""
    pitches = [pitch for onset, pitch in heard if onset == 0]
    own = lexicon.entering[:, list(lexicon.sung)]
    matches: NDArray[np.bool_] = np.all(np.isin(own, [*pitches, -1]), axis=1)
    # Inner notes of a polyphonic grouping enter, too, without being voices.
    for pitch in pitches if len(pitches) <= own.shape[1] else ():
        matches &= np.any(own == pitch, axis=1)
    return matches
