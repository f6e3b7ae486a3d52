"""Beat-sized groupings of real works: what a database of recombination holds, and how a score is cut into them.

Cope, Computers and Musical Style (1991) and Virtual Music (2001): every grouping is stored with the pitch at which each
voice enters it and the pitch to which each voice goes from it, its destination.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.music import TICKS_PER_QUARTER, Note, Part, Score

STEPS = 24
"""Steps of time in a grouping, which is a quarter long."""
VOICES = 4
"""Voices of a grouping, from the top down; polyphonic parts give the top, the highest inner one and the bass."""
MOST = 24
"""Notes of a grouping at most; more is a cluster."""
REST = -1
"""The pitch of a voice that is silent."""
GOES_ON = 1
"""The tie of a note that sounds into the next grouping."""
BEGAN = 2
"""The tie of a note that began before its grouping."""
MAJOR, MINOR = 0, 1

Ints = NDArray[np.int64]
Row = tuple[int, int, int, int, int]
"""Onset and length in steps, pitch, voice and tie of a note of a grouping."""

# How strongly each degree belongs to a key: Krumhansl and Kessler, Tracing the Dynamic Changes in Perceived Tonal
# Organization (1982).
_PROFILES = np.array(
    [
        [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
        [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
    ]
)
_LAST_BASS = 1.0
"""How much the last bass note says about the key, as a share of how far keys are apart."""


class Work(NamedTuple):
    """Hold a piece to be cut, and the ticks at which its phrases end (fermatas), None where the score does not say."""

    score: Score
    ends: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Database:
    """Hold the groupings of all works one after another, every work moved to a tonic of C."""

    notes: NDArray[np.uint8]
    """A Row for each note."""
    first: Ints
    """Where the notes of each grouping begin, and where the last ones end."""
    work: Ints
    """The number of the work of each grouping."""
    beat: Ints
    """Which beat of its work each grouping is; one that follows has the next number."""
    place: NDArray[np.uint8]
    """0 for the first beat of a bar, 1 for its middle, 2 for the others."""
    mode: NDArray[np.uint8]
    """MAJOR or MINOR."""
    closes: NDArray[np.bool_]
    """Whether a phrase of the work ends here."""

    @property
    def size(self) -> int:
        """Return the number of groupings."""
        return len(self.work)

    def rows(self, grouping: int) -> list[Row]:
        """Return the notes of a grouping."""
        return [tuple(row) for row in self.notes[self.first[grouping] : self.first[grouping + 1]].tolist()]

    def owner(self) -> Ints:
        """Return the grouping of each note."""
        return np.repeat(np.arange(self.size), np.diff(self.first))

    def entering(self) -> Ints:
        """Return the pitch at which each voice enters each grouping, (groupings, VOICES); REST where it is silent."""
        pitches: Ints = np.full((self.size, VOICES), REST, dtype=np.int64)
        at = self.notes[:, 0] == 0
        owner, pitch, voice = self.owner()[at], self.notes[at, 2], self.notes[at, 3]
        # Of several notes of the highest voices the highest counts, in the bass the lowest.
        order = np.argsort(np.where(voice == VOICES - 1, -pitch.astype(np.int64), pitch), kind="stable")
        pitches[owner[order], voice[order]] = pitch[order]
        return pitches

    def is_followed(self) -> NDArray[np.bool_]:
        """Return whether the next grouping follows each one in its work."""
        following = (self.work[1:] == self.work[:-1]) & (self.beat[1:] == self.beat[:-1] + 1)
        return np.append(following, False)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is to be kept, small."""
        return {
            "notes": self.notes,
            "counts": np.diff(self.first).astype(np.uint8),
            "work": self.work.astype(np.uint32),
            "beat": self.beat.astype(np.uint32),
            "place": self.place,
            "mode": self.mode,
            "closes": self.closes,
        }

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]]) -> Database:
        """Return the database of such arrays; KeyError when one is missing."""
        first = np.concatenate([[0], np.cumsum(arrays["counts"], dtype=np.int64)])
        work, beat = arrays["work"].astype(np.int64), arrays["beat"].astype(np.int64)
        return cls(arrays["notes"], first, work, beat, arrays["place"], arrays["mode"], arrays["closes"])


def learn(works: Iterable[Work]) -> Database:
    """Return the groupings of `works`; time and memory grow with the number of notes."""
    notes: list[NDArray[np.uint8]] = []
    counts: list[int] = []
    facts: list[tuple[int, int, int, int, bool]] = []
    for number, (score, ends) in enumerate(works):
        parts = [part for part in score.parts if part.notes and not part.is_drums]
        if not parts:
            continue
        tonic, mode = key_of(parts)
        up = -((tonic + 6) % 12 - 6)
        seats = _seats(parts)
        beats = _cut(parts, seats, up)
        cut: list[Row] = []
        for beat in sorted(beats):
            rows = sorted(beats[beat])[:MOST] if seats else _voiced(beats[beat])
            cut += rows
            counts.append(len(rows))
            closes = _closes(beats, beat) if ends is None else any(t // TICKS_PER_QUARTER == beat for t in ends)
            facts.append((number, beat, _place(score, beat * TICKS_PER_QUARTER), mode, closes))
        notes.append(np.array(cut, dtype=np.uint8).reshape(-1, 5))
    table = np.array(facts, dtype=np.int64).reshape(-1, 5)
    return Database(
        np.concatenate(notes) if notes else np.zeros((0, 5), dtype=np.uint8),
        np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
        table[:, 0],
        table[:, 1],
        table[:, 2].astype(np.uint8),
        table[:, 3].astype(np.uint8),
        table[:, 4].astype(bool),
    )


def key_of(parts: Sequence[Part]) -> tuple[int, int]:
    """Return tonic and mode of a piece: by how long each pitch class sounds, and by its last bass note."""
    sounding = np.zeros(12)
    for part in parts:
        for note in part.notes:
            sounding[note.pitch % 12] += note.duration
    fit = np.array(
        [[np.corrcoef(np.roll(profile, tonic), sounding)[0, 1] for tonic in range(12)] for profile in _PROFILES]
    )
    fit = np.nan_to_num(fit)
    end = max(part.end for part in parts)
    last = [n.pitch for part in parts for n in part.notes if n.end > end - TICKS_PER_QUARTER // 2]
    fit[:, min(last) % 12] += _LAST_BASS * fit.std()
    mode, tonic = divmod(int(fit.argmax()), 12)
    return tonic, mode


def _seats(parts: Sequence[Part]) -> tuple[int, ...]:
    """Return the voice of each part, from the top down, nothing where the parts are not single lines."""
    if len(parts) > VOICES or any(_overlaps(part.notes) for part in parts):
        return ()
    return {1: (0,), 2: (0, 3), 3: (0, 1, 3), 4: (0, 1, 2, 3)}[len(parts)]


def _overlaps(notes: Sequence[Note]) -> bool:
    return sum(a.end - b.onset > TICKS_PER_QUARTER // 8 for a, b in pairwise(notes)) > len(notes) // 20


def _cut(parts: Sequence[Part], seats: Sequence[int], up: int) -> dict[int, list[Row]]:
    """Return the notes of each beat in which something sounds; single lines have a voice each."""
    if seats:
        # Voices are told apart by how high they lie, whatever the order of the parts.
        parts = sorted(parts, key=lambda part: -sum(n.pitch for n in part.notes) / len(part.notes))
    beats: dict[int, list[Row]] = {}
    step = TICKS_PER_QUARTER // STEPS
    for part, voice in zip(parts, seats or (0,) * len(parts), strict=True):
        for note in part.notes:
            start, pitch = round(note.onset / step), note.pitch + up
            end = max(start + 1, round(note.end / step))
            if not 0 <= pitch <= 127:
                continue
            for beat in range(start // STEPS, -(-end // STEPS)):
                low, high = max(start, beat * STEPS), min(end, (beat + 1) * STEPS)
                tie = GOES_ON * (end > high) | BEGAN * (start < low)
                beats.setdefault(beat, []).append((low - beat * STEPS, high - low, pitch, voice, tie))
    return beats


def _voiced(rows: list[Row]) -> list[Row]:
    """Return rows with voices: of what begins together the highest is the top, the lowest the bass, the rest inner."""
    found: list[Row] = []
    for onset in sorted({row[0] for row in rows}):
        chord = sorted({row[2]: row for row in rows if row[0] == onset}.values(), key=lambda row: -row[2])
        for rank, (at, length, pitch, _, tie) in enumerate(chord):
            is_bass = rank == len(chord) - 1 and (rank > 0 or pitch < 60)
            found.append((at, length, pitch, VOICES - 1 if is_bass else min(rank, 1), tie))
    return found[:MOST]


def _closes(beats: dict[int, list[Row]], beat: int) -> bool:
    """Return whether a phrase seems to end in a beat: the top begins a note there and nothing in the next one."""
    top = max(row[2] for row in beats[beat])
    is_begun = any(row[2] == top and not row[4] & BEGAN for row in beats[beat])
    following = beats.get(beat + 1, [])
    return is_begun and not any(row[2] > top - 12 and not row[4] & BEGAN for row in following)


def _place(score: Score, tick: int) -> int:
    bar, meter = score.bar_start(tick), score.meter_at(tick)
    if tick - bar < TICKS_PER_QUARTER // 2:
        return 0
    return 1 if meter.numerator % 2 == 0 and tick - bar == meter.bar // 2 else 2


def masks(database: Database, low: int = 0, high: int = STEPS) -> Ints:
    """Return the pitch classes that sound in the steps [low, high) of each grouping, a bit for each, (groupings,)."""
    notes = database.notes.astype(np.int64)
    inside = (notes[:, 0] < high) & (notes[:, 0] + notes[:, 1] > low)
    if not database.size:
        return np.zeros(0, dtype=np.int64)
    # Every grouping has a note, so that none of the slices is empty.
    found: Ints = np.bitwise_or.reduceat(np.where(inside, 1 << notes[:, 2] % 12, 0), database.first[:-1])
    return found
