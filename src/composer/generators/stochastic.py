"""The laws of chance of Xenakis's Formalized Music (1963), and the fields of notes that they fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log1p, sqrt
from statistics import NormalDist

import numpy as np

from composer.music import TICKS_PER_QUARTER, Span

TIMBRES = 7
WINDOW = TICKS_PER_QUARTER
"""Ticks for which the density holds; then the player is listened to again."""
DRAWS = 8
"""Numbers drawn for each note, whatever becomes of it, so that no note depends on another one's use of them."""
Draws = list[float]


@dataclass(frozen=True, slots=True)
class Field:
    """Hold a stretch of time in which notes fall by one law.

    `place` names its chance, `density` is relative to the player's, `timbres` are the odds of the seven timbres and
    `loudness` the differences from the player's loudness that are equally likely. Pitches wander by intervals, or fall
    evenly into `regions`: (lowest, highest), as differences from the player's middle pitch.
    """

    span: Span
    place: tuple[int, ...]
    density: float
    timbres: tuple[float, ...]
    loudness: tuple[int, ...] = (0,)
    regions: tuple[tuple[int, int], ...] = ()


def exponential(u: float) -> float:
    """Return an exponentially distributed number of mean 1 for `u` evenly distributed in [0, 1)."""
    return -log1p(-u)


def linear(u: float, largest: float) -> float:
    """Return a number x in [0, a], a the `largest`, of density (2/a)(1 - x/a), for an even `u`."""
    return largest * (1 - sqrt(1 - u))


def gaussian(u: float, mean_size: float) -> float:
    """Return a number of the Gaussian law around 0, for an even `u`; `mean_size` is the mean without the signs."""
    return NormalDist().inv_cdf(min(1 - 1e-9, max(1e-9, u))) * mean_size * sqrt(np.pi / 2)


def arrivals(span: Span, rate: Callable[[int], float], rng: np.random.Generator) -> Iterator[tuple[int, Draws]]:
    """Yield the onsets of a Poisson process in `span`, each with seven more numbers for its note.

    `rate` gives the mean number of notes a quarter from a tick on, for one window; the times between onsets are
    exponential wherever it stays the same.
    """
    draws = rng.random(DRAWS).tolist()
    missing = exponential(draws[0])
    for window in _windows(span):
        density = rate(window.start) / TICKS_PER_QUARTER
        at = float(window.start)
        while density > 0 and missing < density * (window.end - at):
            at += missing / density
            yield int(at), draws[1:]
            draws = rng.random(DRAWS).tolist()
            missing = exponential(draws[0])
        missing -= density * (window.end - at)


def _windows(span: Span) -> Iterator[Span]:
    for start in range(span.start, span.end, WINDOW):
        yield Span(start, min(span.end, start + WINDOW))
