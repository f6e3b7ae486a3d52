"""What a slot of a phrase wishes for: agreement with what is played and heard there, a label, a place and a texture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer.generators.groupings import REST, STEPS, Database, Ints, masks
from composer.generators.recombination import Floats, Lexicon
from composer.music import Note
from composer.music.chords import Chord

EARLY = 60
"""Ticks by which the player may be late and still be on the beat."""
_SETS = np.arange(4096)
_SIZES = np.array([bin(number).count("1") for number in range(4096)], dtype=float)


@dataclass(frozen=True, slots=True)
class Slot:
    """Hold one place for a grouping, and what is known of it; pitch classes are counted from the tonic."""

    tick: int
    length: int
    """Ticks until the next slot, less than a grouping's where a bar ends."""
    place: int
    """As in Database.place."""
    top: int | None = None
    """The pitch class that the player's line has when the slot begins."""
    first: tuple[int, ...] = ()
    """The player's pitch classes when the slot begins."""
    second: tuple[int, ...] = ()
    """The player's pitch classes in its second half."""
    chord: tuple[int, ...] = ()
    """The pitch classes of the chord that is heard or expected."""


@dataclass(frozen=True, slots=True)
class Taste:
    """Hold how much everything counts."""

    agreement: float = 1.0
    harmony: float = 0.5
    form: float = 1.0
    texture: float = 0.5
    freedom: float = 0.5


class Facts:
    """Hold what wishes need to know of the groupings of a lexicon, worked out once; chance depends on `seed` alone."""

    def __init__(self, lexicon: Lexicon, labels: NDArray[np.int8], seed: int) -> None:
        """Look at the groupings of `lexicon`; `labels` are those of the whole database."""
        self.lexicon, database = lexicon, lexicon.database
        ids = lexicon.ids
        self.first, self.second = masks(database, 0, STEPS // 2)[ids], masks(database, STEPS // 2, STEPS)[ids]
        self.entry = masks(database, 0, 1)[ids]
        self.labels, self.places = labels[ids], database.place[ids]
        self.chance: Floats = np.random.default_rng([seed, 1]).gumbel(size=len(ids))
        own = [voice for voice in range(lexicon.entering.shape[1]) if voice not in lexicon.sung]
        theirs = own[0] if own else 0
        self.tops: Ints = np.where(lexicon.entering[:, theirs] == REST, 12, lexicon.entering[:, theirs] % 12)
        """The pitch class of the voice that the player sings."""
        self.closing: Floats = 0.5 * np.log(np.maximum(1, lexicon.works))
        """What a cadence is worth: the more works close so, the more."""
        count = np.diff(database.first)[ids]
        self.motion: Floats = (count - count.mean()) / max(1e-9, float(count.std()))

    def wish(self, slot: Slot, label: int, taste: Taste, rng: np.random.Generator) -> Floats:
        """Return what each grouping is worth in a slot."""
        worth: Floats = taste.form * (0.8 * (self.labels == label) + 0.4 * (self.places == slot.place))
        worth += (2 * taste.texture - 1) * np.clip(self.motion, -1.5, 1.5)
        if taste.freedom:
            # One long table of chance, begun elsewhere for each slot: a table of its own would cost more than the rest.
            worth += taste.freedom * np.roll(self.chance, int(rng.integers(max(1, len(self.chance)))))
        if taste.agreement and slot.first:
            worth += taste.agreement * (3 * _agreement(slot.first)[self.first] + 1.5 * (self.tops == slot.top))
        if taste.agreement and slot.second:
            worth += taste.agreement * _agreement(slot.second)[self.second]
        if taste.harmony and slot.chord:
            worth += 2 * taste.harmony * _kinship(slot.chord)[self.entry]
        return worth


def opening(
    database: Database,
    lexicon: Lexicon,
    pitches: Sequence[int],
    is_new: bool,
    among: NDArray[np.bool_] | None = None,
) -> Floats:
    """Return what each grouping is worth as the first one after `pitches` have sounded, the highest last.

    A new phrase (`is_new`) prefers what begins phrases of the works, and chords of the tonic. Those that are not
    `among` the ones in question are worth nothing.
    """
    worth = np.zeros(len(lexicon.ids))
    places = np.arange(len(worth)) if among is None else np.flatnonzero(among)
    if is_new:
        begins = ~np.append(False, database.is_followed()[:-1]) | np.append(False, database.closes[:-1])
        worth[places] += 1.5 * begins[lexicon.ids[places]]
    if not len(pitches):
        return worth
    sung = lexicon.entering[places][:, list(lexicon.sung)]
    near = np.min(np.abs(sung[:, :, None] - np.array(pitches)[None, None, :]), axis=2)
    worth[places] -= 0.15 * np.where(sung == REST, 12, np.minimum(near, 12)).mean(1)
    if 0 in lexicon.sung:
        top = lexicon.entering[places, 0]
        same = 3.0 * (top == pitches[-1]) + 1.0 * (top % 12 == pitches[-1] % 12)
        worth[places] += same - 0.1 * np.abs(top - pitches[-1])
    return worth


def sounding(notes: Iterable[Note], start: int, end: int) -> list[Note]:
    """Return the notes that sound between two ticks, those aside that end as it begins or begin as it ends."""
    return [note for note in notes if note.onset < end and note.end > start + EARLY // 2]


def classes(notes: Iterable[Note], tonic: int) -> tuple[int, ...]:
    """Return the pitch classes of notes, counted from the tonic."""
    return tuple(sorted({(note.pitch - tonic) % 12 for note in notes}))


def chord_classes(chord: Chord, tonic: int) -> tuple[int, ...]:
    """Return the pitch classes of a chord, counted from the tonic."""
    return tuple(sorted((pitch - tonic) % 12 for pitch in chord.pitch_classes))


def _agreement(played: Sequence[int]) -> Floats:
    """Return for each set of pitch classes how well those that are played agree with it, -1 to 1."""
    total = np.zeros(4096)
    for pitch in played:
        total += np.where(_SETS >> pitch & 1, 1.0, -1.0)
    found: Floats = total / len(played)
    return found


def _kinship(chord: Sequence[int]) -> Floats:
    """Return for each set of pitch classes what share of it is in a chord, 0 to 1."""
    bits = sum(1 << pitch for pitch in chord)
    found: Floats = _SIZES[_SETS & bits] / np.maximum(1, _SIZES)
    return found
