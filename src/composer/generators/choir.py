"""Groupings as music: which part sings which voice, and notes that go on from one grouping into the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from composer.generators.base import PartNote
from composer.generators.groupings import BEGAN, GOES_ON, STEPS
from composer.generators.recombination import Lexicon
from composer.generators.wishes import Slot
from composer.music import Note

GAP = 10
"""Ticks between a note and the next one of its voice."""


@dataclass(frozen=True, slots=True)
class Choir:
    """Hold who sings groupings, how long they last, and in which key."""

    lexicon: Lexicon
    singers: Mapping[int, str]
    """The part of each voice that is sung, 0 for the highest voice."""
    unit: int
    """Ticks of a grouping."""
    up: int
    """Semitones from C to the key."""

    def sing(self, found: Iterable[tuple[Slot, int, int]]) -> Iterator[PartNote]:
        """Yield the notes of groupings that follow each other: a slot, a place in the lexicon and a velocity for each.

        A note that goes on into the next grouping is struck once.
        """
        held: dict[tuple[int, int], PartNote] = {}
        taken: set[tuple[str, int, int]] = set()
        for slot, place, velocity in found:
            going: dict[tuple[int, int], PartNote] = {}
            for onset, length, pitch, voice, tie in self.lexicon.database.rows(int(self.lexicon.ids[place])):
                start = slot.tick + onset * self.unit // STEPS
                end = min(slot.tick + (onset + length) * self.unit // STEPS, slot.tick + slot.length)
                if voice not in self.singers or start >= end:
                    continue
                before = held.pop((voice, pitch), None) if tie & BEGAN else None
                since, loud = (before.note.onset, before.note.velocity) if before else (start, velocity)
                note = Note(since, _legal(pitch + self.up), max(GAP, end - since - GAP), loud)
                if tie & GOES_ON and end == slot.tick + self.unit:
                    going[voice, pitch] = PartNote(self.singers[voice], note)
                else:
                    yield from _once(PartNote(self.singers[voice], note), taken)
            for entry in held.values():
                yield from _once(entry, taken)
            held = going
        for entry in held.values():
            yield from _once(entry, taken)


def _once(entry: PartNote, taken: set[tuple[str, int, int]]) -> Iterator[PartNote]:
    """Yield a note and remember it in `taken`, unless another voice of its part has struck its key at that moment."""
    struck = entry.part, entry.note.onset, entry.note.pitch
    if struck not in taken:
        taken.add(struck)
        yield entry


def _legal(pitch: int) -> int:
    return pitch % 12 + 12 * min(9, max(0, pitch // 12))
