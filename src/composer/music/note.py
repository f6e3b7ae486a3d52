"""A note, and the unit in which all musical time is counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

TICKS_PER_QUARTER = 480
"""Ticks in a quarter note: about one millisecond at 120 quarters a minute."""


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """Hold one sounding note; notes sort by onset, then pitch.

    Onset and duration are ticks; pitch 0..127; velocity 1..127. Raises ValueError when a field is out of range.
    """

    onset: int
    pitch: int
    duration: int
    velocity: int = 80

    def __post_init__(self) -> None:
        if self.onset < 0:
            raise ValueError(f"onset {self.onset} is before the beginning (0)")
        if self.duration < 1:
            raise ValueError(f"duration {self.duration} is shorter than one tick")
        if not 0 <= self.pitch <= 127:
            raise ValueError(f"pitch {self.pitch} is not in 0..127")
        if not 1 <= self.velocity <= 127:
            raise ValueError(f"velocity {self.velocity} is not in 1..127")

    @property
    def end(self) -> int:
        """Return the tick at which the note stops sounding."""
        return self.onset + self.duration

    def shift(self, ticks: int) -> Note:
        """Return the note moved later by `ticks` (earlier when negative)."""
        return replace(self, onset=self.onset + ticks)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Hold a half-open stretch of time [start, end) in ticks."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"span [{self.start}, {self.end}) does not run forward from 0 or later")

    def __contains__(self, tick: int) -> bool:
        return self.start <= tick < self.end

    @property
    def length(self) -> int:
        """Return the span's length in ticks."""
        return self.end - self.start

    def split(self, grid: int) -> list[Span]:
        """Return the span cut at every multiple of `grid` ticks."""
        cuts = [self.start, *range((self.start // grid + 1) * grid, self.end, grid), self.end]
        return [Span(a, b) for a, b in pairwise(cuts) if a < b]
