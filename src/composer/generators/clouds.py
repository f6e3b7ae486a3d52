"""Where notes fall: the cells of Achorripsis, the sections of the ST programme, the screens of Analogique A."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from math import exp

import numpy as np

from composer.generators.compass import reflected
from composer.generators.stochastic import TIMBRES, Field, exponential, linear
from composer.music import Span

COLUMNS = 28
"""Cells of one matrix, in time."""
SCREENS = 4
"""Screens in the time of one cell."""
PERTURBED = 16
"""Screens after which the chain is put into a state by chance, as Xenakis's perturbations do."""
_DENSEST = 1.2
"""The natural logarithm of the largest density of a section, relative to the player's; minus it, of the smallest."""
_ORCHESTRATION = (
    (0.30, 0.15, 0.05, 0.10, 0.05, 0.05, 0.30),
    (0.15, 0.15, 0.15, 0.15, 0.15, 0.10, 0.15),
    (0.05, 0.10, 0.10, 0.30, 0.30, 0.10, 0.05),
)
"""The odds of the timbres in a sparse, a middle and a dense section."""
_FORMS = (-36, -12, 12, 30)
"""Velocities by which ppp, p, f and fff differ from the player's mean."""
_CELLS, _SECTIONS, _CHAIN, _NOTES = range(4)
"""Streams of chance."""

_RESTLESS = ((0.2, 0.8), (0.8, 0.2))
_CALM = ((0.85, 0.15), (0.4, 0.6))
"""The odds of going from state 0 (the first row) or 1 to state 0 or 1: Xenakis's two matrices."""
_NEAR, _FAR = ((-7, 7),), ((-24, -12), (12, 24))
_SOFT, _LOUD = (-28, -16), (8, 20)
_STRINGS = (0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.5)


def matrix(seed: int, number: int, events: float) -> np.ndarray:
    """Return how many events each cell has, as (timbre, column): by Poisson's law, `events` in the mean."""
    return np.random.default_rng([seed, _CELLS, number]).poisson(events, (TIMBRES, COLUMNS))


def cells(seed: int, origin: int, length: int, events: float, span: Span) -> Iterator[Field]:
    """Yield the cells that touch `span` and are not empty; each column lasts `length` ticks, the first from `origin`.

    The density of a cell is proportional to its events, and all timbres together are as dense as the player.
    """
    for column in range((span.start - origin) // length, -(-(span.end - origin) // length)):
        number, place = divmod(column, COLUMNS)
        start = origin + column * length
        for timbre, found in enumerate(matrix(seed, number, events)[:, place].tolist()):
            if found:
                odds = tuple(float(timbre == other) for other in range(TIMBRES))
                density = found / (TIMBRES * events)
                yield Field(Span(start, start + length), (seed, _NOTES, start, timbre), density, odds)


def sections(seed: int, origin: int, mean: int, span: Span) -> Iterator[Field]:
    """Yield the sections that touch `span`: of exponential length, `mean` ticks in the mean, the first from `origin`.

    The logarithm of the density goes up or down from one to the next by a linear law; the odds of the timbres follow
    it. As a matrix does, a row of sections lasts 28 mean lengths, which cuts the last one; then another row begins.
    """
    length = COLUMNS * mean
    for row in range((span.start - origin) // length, -(-(span.end - origin) // length)):
        start = origin + row * length
        for section, level in _row(seed, Span(start, start + length), mean):
            if section.start >= span.end:
                return
            if section.end > span.start:
                place = (seed, _NOTES, section.start, TIMBRES)
                yield Field(section, place, exp(level), _mixed(level / _DENSEST), _FORMS)


def _row(seed: int, span: Span, mean: int) -> Iterator[tuple[Span, float]]:
    """Yield the sections of one row, each with the logarithm of its density."""
    start, level = float(span.start), 0.0
    for number in count():
        draws = np.random.default_rng([seed, _SECTIONS, span.start, number]).random(3).tolist()
        end = start + mean * exponential(draws[0])
        level += linear(draws[1], 2 * _DENSEST) * (1 if draws[2] < 0.5 else -1)
        level = reflected(level, -_DENSEST, _DENSEST)
        if int(start) >= span.end:
            return
        if int(end) > int(start):
            yield Span(int(start), min(span.end, int(end))), level
        start = end


def screens(seed: int, origin: int, length: int, span: Span) -> Iterator[Field]:
    """Yield the screens that touch `span`, of `length` ticks each, the first from `origin`."""
    for number in range((span.start - origin) // length, -(-(span.end - origin) // length)):
        frequency, intensity, density = screen(seed, origin, number)
        start = origin + number * length
        yield Field(
            Span(start, start + length),
            (seed, _NOTES, start, TIMBRES + 1),
            (0.4, 1.6)[density],
            _STRINGS,
            (_SOFT, _LOUD)[intensity],
            (_NEAR, _FAR)[frequency],
        )


def screen(seed: int, origin: int, number: int) -> tuple[int, int, int]:
    """Return the states, 0 or 1 each, of frequency, intensity and density on a screen.

    Each follows one of two matrices; which one, another variable says: the frequency's the density, the intensity's the
    frequency, the density's the intensity.
    """
    first = number // PERTURBED * PERTURBED
    states = np.random.default_rng([seed, _CHAIN, origin, first]).integers(0, 2, 3).tolist()
    for step in range(first + 1, number + 1):
        draws = np.random.default_rng([seed, _CHAIN, origin, step]).random(3).tolist()
        states = follow((states[0], states[1], states[2]), draws)
    return states[0], states[1], states[2]


def follow(states: tuple[int, int, int], draws: list[float]) -> list[int]:
    """Return the states after `states`, by three even numbers in [0, 1)."""
    frequency, intensity, density = states
    return [
        int(draw >= (_CALM if coupled else _RESTLESS)[state][0])
        for draw, state, coupled in zip(draws, states, (density, frequency, intensity), strict=True)
    ]


def _mixed(level: float) -> tuple[float, ...]:
    """Return the odds of the timbres for a density level from -1 to 1, between the rows of the orchestration."""
    row = 0 if level < 0 else 1
    share = level + 1 - row
    return tuple((1 - share) * a + share * b for a, b in zip(_ORCHESTRATION[row], _ORCHESTRATION[row + 1], strict=True))
