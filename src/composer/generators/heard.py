"""What the player has played: the sounds, and how dense, how high and how loud of late, as known at any moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from composer.generators.base import Context
from composer.music import TICKS_PER_QUARTER, Note, Part, Span

TOGETHER = 40
"""Ticks within which notes count as one chord, because fingers do not come down at once."""
REMEMBERED = 128
"""Sounds, durations and loudnesses that are looked back on, the latest ones."""


@dataclass(frozen=True, slots=True)
class Manner:
    """Hold how the player plays: notes a quarter, mean and spread of the pitches, and the mean velocity."""

    density: float
    pitch: float
    spread: float
    velocity: float


class Heard:
    """Hold what is known of the player.

    Every question is about a moment and answered from the notes that began before it, so that what is decided at a
    place stays decided when more is heard. Where nobody else plays, the machine's own music behind the span (of a gap
    that is filled) is what it listens to.
    """

    def __init__(self, parts: Sequence[Part], known_until: int, is_gap: bool = False) -> None:
        """Hear the notes of `parts`; `is_gap` says that they stand behind the span and count as heard everywhere."""
        self._is_gap = is_gap
        self._known_until = known_until
        self._notes = sorted(note for part in parts for note in part.notes)
        self._onsets = [note.onset for note in self._notes]
        self._velocities = _sums([note.velocity for note in self._notes])
        pitched = sorted(note for part in parts if not part.is_drums for note in part.notes)
        self._pitched = [note.onset for note in pitched]
        self._pitches = _sums([note.pitch for note in pitched])
        self._squares = _sums([note.pitch**2 for note in pitched])
        self._chords = _chords(pitched)
        self._chord_onsets = [chord[0].onset for chord in self._chords]
        beats = [chord[0].onset for chord in _chords(self._notes)]
        self._gaps = [(after, after - before) for before, after in pairwise(beats)]
        self._gap_ends = beats[1:]

    def count(self, tick: int) -> int:
        """Return how many notes had begun before `tick`."""
        return len(self._notes) if self._is_gap else bisect_left(self._onsets, tick)

    def chords(self, span: Span) -> list[tuple[int, ...]]:
        """Return the pitches of each sound that began in `span`, as heard by its end, the latest first."""
        low, high = self._within(self._chord_onsets, span)
        sounds = [tuple(note.pitch for note in chord) for chord in self._chords[low:high]]
        if sounds and not self._is_gap:
            sounds[-1] = tuple(note.pitch for note in self._chords[high - 1] if note.onset < span.end)
        return sounds[::-1]

    def gaps(self, span: Span) -> list[int]:
        """Return the ticks from each beginning to the next one, drums among them, the latest first."""
        low, high = self._within(self._gap_ends, span)
        return [gap for _, gap in self._gaps[low:high]][::-1]

    def velocities(self, span: Span) -> list[int]:
        """Return the velocities of the notes that began in `span`, the latest first."""
        low, high = self._within(self._onsets, span)
        return [note.velocity for note in self._notes[low:high]][::-1]

    def manner(self, tick: int, memory: int) -> Manner | None:
        """Return how the player played in the last `memory` ticks of playing before `tick`, None before the first note.

        Once the player rests for a quarter, the time of the rest no longer counts.
        """
        if not self._notes:
            return None
        now = self._onsets[0] + memory if self._is_gap else min(tick, self._known_until)
        # What began at the very tick until which the player is known has been heard.
        until = bisect_left(self._onsets, now) if now == tick else bisect_right(self._onsets, now)
        if not until:
            return None
        now = min(now, self._onsets[until - 1] + TICKS_PER_QUARTER)
        since = bisect_left(self._onsets, now - memory, 0, until)
        length = max(TICKS_PER_QUARTER, min(memory, now - self._onsets[since]))
        velocity = _mean(self._velocities, since, until)
        density = (until - since) * TICKS_PER_QUARTER / length
        low = bisect_left(self._pitched, self._onsets[since])
        high = bisect_right(self._pitched, self._onsets[until - 1])
        if low == high:
            return Manner(density, 60.0, 0.0, velocity)
        pitch = _mean(self._pitches, low, high)
        spread = max(0.0, _mean(self._squares, low, high) - pitch**2) ** 0.5
        return Manner(density, pitch, spread, velocity)

    def _within(self, ticks: Sequence[int], span: Span) -> tuple[int, int]:
        if self._is_gap:
            return 0, min(REMEMBERED, len(ticks))
        high = bisect_left(ticks, span.end)
        return max(bisect_left(ticks, span.start), high - REMEMBERED), high


class Ear:
    """Hear the player of each question, and keep what was heard while the player is the same."""

    def __init__(self) -> None:
        self._parts: tuple[Part, ...] = ()
        self._known_until = 0
        self._heard = Heard((), 0)

    def hear(self, context: Context, span: Span) -> Heard:
        """Return what is heard when `span` is asked for; the same object for the same parts."""
        parts = context.players
        if not any(part.notes for part in parts):
            behind = [p.with_notes(n for n in p.notes if n.onset >= span.end) for p in context.machines]
            return Heard(behind, context.known_until, is_gap=True)
        is_same = len(parts) == len(self._parts) and all(a is b for a, b in zip(parts, self._parts, strict=True))
        if not is_same or self._known_until != context.known_until:
            self._parts, self._known_until = parts, context.known_until
            self._heard = Heard(parts, context.known_until)
        return self._heard


def _sums(values: list[int]) -> list[int]:
    return list(accumulate(values, initial=0))


def _mean(sums: Sequence[int], low: int, high: int) -> float:
    return (sums[high] - sums[low]) / (high - low)


def _chords(notes: Sequence[Note]) -> list[list[Note]]:
    chords: list[list[Note]] = []
    for note in notes:
        if chords and note.onset - chords[-1][0].onset < TOGETHER:
            chords[-1].append(note)
        else:
            chords.append([note])
    return chords
