"""The course of time: every tempo and meter since the session began, in its ticks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from composer.music import Meter, Part, Score, Tempo

NEW_TEMPO = 0.01
"""A MIDI clock's tempo trembles; it is a new one when it differs by more than this share from the last."""


def is_new_tempo(known: float, told: float, source: str) -> bool:
    """Return whether the tempo that `source` tells is a change of the one that is known, in quarters a minute."""
    return abs(told - known) > (NEW_TEMPO * known if source == "clock" else 0.0)


class Course:
    """Hold the tempo map and the meters of a session, both from tick 0 on. One thread uses a course."""

    def __init__(self, tempo: float, meter: tuple[int, int]) -> None:
        self._score = Score((), (Tempo(0, tempo),), (Meter(0, *meter),))

    @property
    def meters(self) -> tuple[Meter, ...]:
        """Return every meter, the first at tick 0."""
        return self._score.meters

    def score(self, parts: Iterable[Part] = ()) -> Score:
        """Return a score of `parts` under these tempos and meters."""
        return replace(self._score, parts=tuple(parts))

    def next_line(self, tick: float) -> int:
        """Return the first bar line at or after `tick`, tick 0 for a tick before the beginning."""
        at = max(0, -int(-tick // 1))
        line = self._score.bar_start(at)
        return line if line == at else line + self._score.meter_at(line).bar

    def set_tempo(self, tick: float, qpm: float, source: str) -> None:
        """Take the tempo that `source` ("internal" or "clock") tells at `tick`, if it is a new one."""
        at = max(0, round(tick))
        before = tuple(tempo for tempo in self._score.tempos if tempo.tick < at)
        if is_new_tempo(self._score.tempos[-1].qpm, qpm, source):
            self._score = replace(self._score, tempos=(*before, Tempo(at, tempo_of(qpm, source))))

    def set_meter(self, tick: float, numerator: int, denominator: int) -> None:
        """Change the meter at the next bar line from `tick` on; ValueError when there is no such meter."""
        at = self.next_line(tick)
        before = tuple(meter for meter in self._score.meters if meter.tick < at)
        self._score = replace(self._score, meters=_told_once((*before, Meter(at, numerator, denominator))))

    def shift(self, ticks: int) -> None:
        """Move every change later by `ticks` (earlier when negative); what was in force at the beginning still is."""
        moved = self._score.shift(ticks)
        self._score = replace(moved, tempos=_told_once(moved.tempos), meters=_told_once(moved.meters))


def tempo_of(qpm: float, source: str) -> float:
    """Return the tempo that is written down: of a MIDI clock, whose last digits mean nothing, to a tenth."""
    return round(qpm, 1) if source == "clock" else qpm


_C = TypeVar("_C", Tempo, Meter)


def _told_once(changes: tuple[_C, ...]) -> tuple[_C, ...]:
    """Return `changes` without those to what is in force already, bar lines included."""
    told = [changes[0]]
    for change in changes[1:]:
        since = change.tick - told[-1].tick
        is_whole = since % change.bar == 0 if isinstance(change, Meter) else True
        if not (is_whole and replace(change, tick=told[-1].tick) == told[-1]):
            told.append(change)
    return tuple(told)
