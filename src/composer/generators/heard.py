"""What the player has played: the sounds, and how dense, how high and how loud of late, as known at any moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from composer.generators.base import Context
from composer.music import TICKS_PER_QUARTER, Note, Span

TOGETHER = 40
"""Ticks within which notes count as one chord, because fingers do not come down at once."""


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

    def __init__(self, context: Context, span: Span) -> None:
        parts = context.players
        self._is_gap = not any(part.notes for part in parts)
        if self._is_gap:
            parts = tuple(p.with_notes(n for n in p.notes if n.onset >= span.end) for p in context.machines)
        self._notes = sorted(note for part in parts for note in part.notes)
        self._onsets = [note.onset for note in self._notes]
        self._pitched = sorted(note for part in parts if not part.is_drums for note in part.notes)
        self._known_until = context.known_until
        self._chords = _chords(self._pitched)
        self._chord_onsets = [chord[0].onset for chord in self._chords]
        beats = sorted({chord[0].onset for chord in _chords(self._notes)})
        self._gaps = [(after, after - before) for before, after in pairwise(beats)]
        self._gap_ends = [end for end, _ in self._gaps]

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
        if not self._is_gap:
            now = min(tick, self._known_until)
            until = bisect_left(self._onsets, now)
            now = min(now, self._onsets[until - 1] + TICKS_PER_QUARTER) if until else now
            since = bisect_left(self._onsets, now - memory, 0, until)
        else:
            since, until = 0, bisect_left(self._onsets, self._onsets[0] + memory) if self._onsets else 0
            now = self._onsets[0] + memory if self._onsets else 0
        if since == until:
            return None
        recent = self._notes[since:until]
        length = max(TICKS_PER_QUARTER, min(memory, now - recent[0].onset))
        low, high = bisect_left(self._pitched, recent[0]), bisect_right(self._pitched, recent[-1])
        return _manner(recent, self._pitched[low:high], length)

    def _within(self, ticks: Sequence[int], span: Span) -> tuple[int, int]:
        if self._is_gap:
            return 0, len(ticks)
        return bisect_left(ticks, span.start), bisect_left(ticks, span.end)


def _manner(notes: Sequence[Note], pitched: Sequence[Note], length: int) -> Manner:
    pitches = [note.pitch for note in pitched]
    middle = sum(pitches) / len(pitches) if pitches else 60.0
    spread = (sum((pitch - middle) ** 2 for pitch in pitches) / len(pitches)) ** 0.5 if pitches else 0.0
    velocity = sum(note.velocity for note in notes) / len(notes)
    return Manner(len(notes) * TICKS_PER_QUARTER / length, middle, spread, velocity)


def _chords(notes: Sequence[Note]) -> list[list[Note]]:
    chords: list[list[Note]] = []
    for note in notes:
        if chords and note.onset - chords[-1][0].onset < TOGETHER:
            chords[-1].append(note)
        else:
            chords.append([note])
    return chords
