"""Square-root form: the same series of proportions holds for the whole, its sections and their phrases.

In a whole of 29 5/8 times 29 5/8 measures each of the six sections has as many units of 29 5/8 measures as the series
says, each unit six phrases of as many measures (Cage, "To Describe the Process of Composition Used in Music of Changes
and Imaginary Landscape No. 4", 1952).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate

from composer.music import Score

SERIES = (Fraction(3), Fraction(5), Fraction(27, 4), Fraction(27, 4), Fraction(5), Fraction(25, 8))
"""3, 5, 6 3/4, 6 3/4, 5, 3 1/8."""
UNIT = sum(SERIES, Fraction(0))
"""Measures in a unit, and units in the whole: 29 5/8."""
WHOLE = UNIT * UNIT


@dataclass(frozen=True, slots=True)
class Point:
    """Hold where a phrase begins, in measures: its own place, and the places of its unit and its section."""

    phrase: Fraction
    unit: Fraction
    section: Fraction


@dataclass(frozen=True, slots=True)
class Phrase:
    """Hold one phrase in ticks, the tick at which its unit began, and the number of that unit from 0."""

    start: int
    end: int
    unit_start: int
    unit: int


def structure() -> list[Point]:
    """Return every structural point of the whole in order; where a section ends inside a unit, the unit is cut."""
    points = []
    section = Fraction(0)
    for share in SERIES:
        unit, end = section, section + share * UNIT
        while unit < end:
            starts = (unit + before for before in accumulate(SERIES[:-1], initial=Fraction(0)))
            points += [Point(start, unit, section) for start in starts if start < end]
            unit += UNIT
        section = end
    return points


def phrase_at(score: Score, tick: int, measure: float) -> Phrase:
    """Return the phrase in which `tick` falls; a measure lasts `measure` bars, and the form begins with the meter.

    After the whole it begins again. A change of meter cuts the phrase.
    """
    meter = score.meter_at(tick)
    starts, units, total = _ticks(round(measure * meter.bar))
    times, place = divmod(tick - meter.tick, total)
    index = bisect_right(starts, place) - 1
    origin = meter.tick + times * total
    end = origin + (starts[index + 1] if index + 1 < len(starts) else total)
    following = min((m.tick for m in score.meters if m.tick > tick), default=end)
    unit = times * len(set(units)) + bisect_right(sorted(set(units)), units[index]) - 1
    return Phrase(origin + starts[index], min(end, following), origin + units[index], unit)


@lru_cache(maxsize=8)
def _ticks(measure: int) -> tuple[list[int], list[int], int]:
    """Return where the phrases begin, where the unit of each began, and how long the whole is, in ticks."""
    points = structure()
    return (
        [round(point.phrase * measure) for point in points],
        [round(point.unit * measure) for point in points],
        round(WHOLE * measure),
    )
