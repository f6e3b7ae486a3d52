"""The I Ching as it is asked with three coins: lines, hexagrams, and the numbers that are read from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count

import numpy as np

MOVING_YIN, YANG, YIN, MOVING_YANG = 6, 7, 8, 9
"""What three coins make of one line, tails counting 2 and heads 3: with odds of 1, 3, 3 and 1 in 8."""

_TRIGRAMS = (0b111, 0b001, 0b010, 0b100, 0b000, 0b110, 0b101, 0b011)
"""Heaven, thunder, water, mountain, earth, wind, fire, lake: the lowest line in the lowest bit, yang as 1."""
_CHART = (
    (1, 34, 5, 26, 11, 9, 14, 43),
    (25, 51, 3, 27, 24, 42, 21, 17),
    (6, 40, 29, 4, 7, 59, 64, 47),
    (33, 62, 39, 52, 15, 53, 56, 31),
    (12, 16, 8, 23, 2, 20, 35, 45),
    (44, 32, 48, 18, 46, 57, 50, 28),
    (13, 55, 63, 22, 36, 37, 30, 49),
    (10, 54, 60, 41, 19, 61, 38, 58),
)
"""The traditional numbers: a row for each lower trigram, a column for each upper one."""
_NUMBERS = {
    lower | upper << 3: number
    for lower, row in zip(_TRIGRAMS, _CHART, strict=True)
    for upper, number in zip(_TRIGRAMS, row, strict=True)
}
_THROWS = 32
"""Hexagrams thrown at once, because one large throw takes no longer than a small one."""


def throw(rng: np.random.Generator, hexagrams: int = 1) -> list[list[int]]:
    """Return so many hexagrams of three coins a line: six of 6, 7, 8 or 9 each, the lowest line first."""
    lines: list[list[int]] = (2 + rng.integers(0, 2, (hexagrams, 6, 3))).sum(axis=2).tolist()
    return lines


def number(lines: Sequence[int]) -> int:
    """Return the number 1..64 of a hexagram in the traditional order."""
    return _NUMBERS[sum((line % 2) << place for place, line in enumerate(lines))]


def changed(lines: Sequence[int]) -> list[int]:
    """Return the hexagram that a hexagram becomes: its moving lines turn into their opposites, the others rest."""
    return [{MOVING_YIN: YANG, MOVING_YANG: YIN}.get(line, line) for line in lines]


def read(lines: Sequence[int]) -> list[int]:
    """Return the numbers of a throw: one, or two when lines move, as first written and then as changed."""
    after = changed(lines)
    return [number(lines)] if after == list(lines) else [number(lines), number(after)]


def numbers(seed: Sequence[int]) -> Iterator[int]:
    """Yield the numbers 1..64 that the oracle answers, without end and the same for the same `seed` (integers >= 0)."""
    for batch in count():
        yield from _answers((*seed, batch))


@lru_cache(maxsize=512)
def _answers(seed: tuple[int, ...]) -> tuple[int, ...]:
    """Return the numbers of one batch of throws; a phrase is asked for step by step and throws them again each time."""
    return tuple(n for lines in throw(np.random.default_rng(seed), _THROWS) for n in read(lines))
