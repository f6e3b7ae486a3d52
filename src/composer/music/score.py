"""A piece of music: parts, tempo map and meters. Immutable; every change returns a copy."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from composer.music.note import TICKS_PER_QUARTER, Note, Span

DRUM_CHANNEL = 9
"""The zero-based MIDI channel that General MIDI reserves for drums."""


@dataclass(frozen=True, slots=True)
class Part:
    """Hold one player's line: notes sorted by onset, a MIDI channel 0..15 and a General MIDI program 0..127."""

    name: str
    notes: tuple[Note, ...] = ()
    channel: int = 0
    program: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.channel <= 15:
            raise ValueError(f"channel {self.channel} is not in 0..15")
        if not 0 <= self.program <= 127:
            raise ValueError(f"program {self.program} is not in 0..127")
        if any(a > b for a, b in pairwise(self.notes)):
            object.__setattr__(self, "notes", tuple(sorted(self.notes)))

    @property
    def is_drums(self) -> bool:
        """Return whether the part plays the drum channel."""
        return self.channel == DRUM_CHANNEL

    @property
    def end(self) -> int:
        """Return the tick at which the last note stops, 0 for an empty part."""
        return max((note.end for note in self.notes), default=0)

    def within(self, span: Span) -> tuple[Note, ...]:
        """Return the notes whose onset lies in `span`."""
        low = bisect_right(self.notes, span.start - 1, key=lambda note: note.onset)
        high = bisect_right(self.notes, span.end - 1, key=lambda note: note.onset)
        return self.notes[low:high]

    def with_notes(self, notes: Iterable[Note]) -> Part:
        """Return a copy of the part that holds `notes` instead."""
        return replace(self, notes=tuple(sorted(notes)))


@dataclass(frozen=True, slots=True, order=True)
class Tempo:
    """Hold a tempo in quarters a minute that begins at a tick."""

    tick: int
    qpm: float

    def __post_init__(self) -> None:
        if not 0 < self.qpm < 10_000:
            raise ValueError(f"tempo {self.qpm} is not between 0 and 10000 quarters a minute")


@dataclass(frozen=True, slots=True, order=True)
class Meter:
    """Hold a time signature that begins at a tick; the denominator is a power of two."""

    tick: int
    numerator: int = 4
    denominator: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.numerator <= 255:
            raise ValueError(f"meter numerator {self.numerator} is not in 1..255")
        if self.denominator not in (1, 2, 4, 8, 16, 32, 64):
            raise ValueError(f"meter denominator {self.denominator} is not a power of two up to 64")

    @property
    def bar(self) -> int:
        """Return the length of one bar in ticks."""
        return TICKS_PER_QUARTER * 4 * self.numerator // self.denominator

    @property
    def beat(self) -> int:
        """Return the length of one beat (the denominator's note value) in ticks."""
        return TICKS_PER_QUARTER * 4 // self.denominator


@dataclass(frozen=True, slots=True)
class Score:
    """Hold a piece: parts, and the tempos and meters in force, each list sorted and beginning at tick 0."""

    parts: tuple[Part, ...] = ()
    tempos: tuple[Tempo, ...] = field(default=(Tempo(0, 120.0),))
    meters: tuple[Meter, ...] = field(default=(Meter(0),))

    def __post_init__(self) -> None:
        tempos, meters = tuple(sorted(self.tempos)), tuple(sorted(self.meters))
        if not tempos or tempos[0].tick != 0:
            tempos = (Tempo(0, 120.0), *tempos)
        if not meters or meters[0].tick != 0:
            meters = (Meter(0), *meters)
        object.__setattr__(self, "tempos", tempos)
        object.__setattr__(self, "meters", meters)

    @property
    def end(self) -> int:
        """Return the tick at which the last note of any part stops."""
        return max((part.end for part in self.parts), default=0)

    def part(self, name: str) -> Part:
        """Return the part called `name`; KeyError names the parts there are."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(f"no part {name!r}; the parts are {', '.join(p.name for p in self.parts) or 'none'}")

    def with_part(self, part: Part) -> Score:
        """Return a copy in which `part` replaces the part of the same name, or is added last."""
        names = [p.name for p in self.parts]
        if part.name not in names:
            return replace(self, parts=(*self.parts, part))
        return replace(self, parts=tuple(part if p.name == part.name else p for p in self.parts))

    def slice(self, span: Span) -> Score:
        """Return the notes that begin inside `span`, at the same ticks."""
        return replace(self, parts=tuple(part.with_notes(part.within(span)) for part in self.parts))

    def shift(self, ticks: int) -> Score:
        """Return the score moved later by `ticks` (earlier when negative); notes and changes before 0 are cut."""
        parts = tuple(p.with_notes(n.shift(ticks) for n in p.notes if n.onset + ticks >= 0) for p in self.parts)
        tempos = [Tempo(max(0, t.tick + ticks), t.qpm) for t in self.tempos]
        meters = [Meter(max(0, m.tick + ticks), m.numerator, m.denominator) for m in self.meters]
        # What was in force at the beginning still is; of several changes moved to tick 0 the last one counts.
        tempos.insert(0, Tempo(0, self.tempos[0].qpm))
        meters.insert(0, Meter(0, self.meters[0].numerator, self.meters[0].denominator))
        return Score(
            parts,
            tuple({t.tick: t for t in tempos}.values()),
            tuple({m.tick: m for m in meters}.values()),
        )

    def merge(self, other: Score) -> Score:
        """Return this score with the notes and parts of `other` added; this score's tempos and meters are kept."""
        merged = self
        for part in other.parts:
            mine = next((p.notes for p in self.parts if p.name == part.name), ())
            merged = merged.with_part(part.with_notes((*mine, *part.notes)))
        return merged

    def meter_at(self, tick: int) -> Meter:
        """Return the meter in force at `tick`."""
        return self.meters[bisect_right(self.meters, tick, key=lambda m: m.tick) - 1]

    def bar_start(self, tick: int) -> int:
        """Return the tick of the bar line at or before `tick`."""
        meter = self.meter_at(tick)
        return tick - (tick - meter.tick) % meter.bar

    def bar_number(self, tick: int) -> int:
        """Return the number of the bar in which `tick` lies, from 0 where its meter began."""
        meter = self.meter_at(tick)
        return (tick - meter.tick) // meter.bar

    def bar_tick(self, bar: int) -> int:
        """Return the tick of the bar line that begins `bar` (counted from 0)."""
        tick = 0
        for meter, following in zip(self.meters, (*self.meters[1:], None), strict=True):
            bars = None if following is None else -(-(following.tick - meter.tick) // meter.bar)
            if bars is None or bar < bars:
                return tick + bar * meter.bar
            bar -= bars
            tick = meter.tick + bars * meter.bar
        raise AssertionError("the last meter holds for ever")

    def seconds(self, tick: int) -> float:
        """Return the time in seconds from tick 0 to `tick` under the tempo map."""
        total = 0.0
        for tempo, following in zip(self.tempos, (*self.tempos[1:], None), strict=True):
            until = tick if following is None else min(tick, following.tick)
            if until > tempo.tick:
                total += (until - tempo.tick) * 60 / (tempo.qpm * TICKS_PER_QUARTER)
        return total
