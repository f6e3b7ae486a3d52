"""The style of a player or a corpus: what may follow in a line, and how it is played, by variable-order chains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from composer.generators.constrained import Chain, Library, Memory, Odds, blend, pick
from composer.generators.viewpoints import Step, Stroke, Tune, seen, tune
from composer.music import Note

BREADTH = 16
"""How many continuations are considered, the most frequent ones."""
_APART = (5, 3)
"""How many pitches and how many note values are considered where each has a chain of its own."""
ENOUGH = 8
"""Steps to have heard before the player's own manner takes over from the tradition."""

TRADITION: tuple[Step, ...] = (
    *((2, 240), (2, 240), (1, 240), (-1, 240), (-2, 480), (2, 240), (3, 240), (2, 480), (-2, 240), (-2, 240)),
    *((-1, 480), (1, 240), (2, 240), (-3, 480), (-2, 240), (2, 240), (4, 480), (3, 240), (-3, 240), (-2, 480)),
    *((-2, 240), (-2, 240), (5, 480), (-1, 240), (-2, 240), (-2, 960), (2, 240), (1, 240), (2, 240), (2, 480)),
)
"""Steps of an ordinary tune, for a player who has hardly played yet."""


class Corpus:
    """Hold the tunes of a corpus, ready to be asked by one viewpoint."""

    def __init__(self, tunes: Sequence[Tune], viewpoint: str, order: int) -> None:
        """Learn `tunes`, looking back `order` steps."""
        steps = [phrase for one in tunes for phrase in _phrases(seen(one, viewpoint.partition("+")[0]))]
        wide = 2 * BREADTH
        self.steps: tuple[Memory[Any], ...] = tuple(
            Library(sequences, order, wide)
            for sequences in zip(*(_views(one, viewpoint) for one in steps), strict=True)
        )
        self.strokes: Memory[Stroke] = Library([one.strokes for one in tunes], 2, wide)


class Style:
    """Say what may follow by what the player played, by a corpus, and before either by tradition."""

    def __init__(self, viewpoint: str, order: int, corpus: Corpus | None = None, yours: float = 1.0) -> None:
        """Look back `order` steps; with a corpus the player speaks for the share `yours` once there is enough."""
        self.pitch, self.order = viewpoint.partition("+")[0], order
        self._viewpoint, self._corpus = viewpoint, corpus
        self._yours = yours if corpus else 1.0
        chains = 1 if "+" in viewpoint else 2
        self._own: tuple[Chain[Any], ...] = tuple(Chain(order) for _ in range(chains))
        self._tradition: tuple[Chain[Any], ...] = tuple(Chain(order) for _ in range(chains))
        for chain, symbols in zip(self._tradition, _views(seen(_traditional(), self.pitch), viewpoint), strict=True):
            chain.learn(symbols)
        self._strokes: Chain[Stroke] = Chain(2)
        self._knows_enough = False

    def recent(self, line: Sequence[Note], tonic: int) -> tuple[Step, ...]:
        """Return the last steps of a line, as many as are looked back."""
        steps = seen(tune(line[-2 * self.order - 1 :], tonic), self.pitch)
        return tuple(step for step in steps if step is not None)[-self.order :]

    def learn(self, line: Sequence[Note], tonic: int) -> None:
        """Learn the player's line, the whole of it or with what came since."""
        learned = tune(line, tonic)
        steps = seen(learned, self.pitch)
        for chain, symbols in zip(self._own, _views(steps, self._viewpoint), strict=True):
            chain.learn(symbols)
        self._strokes.learn(learned.strokes)
        self._knows_enough = len(steps) - steps.count(None) >= ENOUGH

    def following(self, recent: Sequence[Step], freedom: float) -> list[tuple[Step, float]]:
        """Return the likeliest steps after the `recent` ones, with probabilities that need not sum to one.

        `freedom` is what shorter memories have to say beside the longest one.
        """
        mine = self._yours if self._knows_enough else 0.0
        others = self._corpus.steps if self._corpus else self._tradition
        odds: dict[Step, float] = {}
        for share, memories in ((mine, self._own), (1 - mine, others)):
            for step, probability in _together(memories, recent, freedom) if share else ():
                odds[step] = odds.get(step, 0.0) + share * probability
        return sorted(odds.items(), key=lambda entry: -entry[1])[:BREADTH]

    def strokes(self, values: Sequence[int], rng: np.random.Generator) -> list[Stroke]:
        """Return how notes of these values may be played, one after the other; none before anything was learned."""
        memories: list[tuple[float, Memory[Stroke]]] = []
        if self._knows_enough:
            memories.append((self._yours, self._strokes))
        if self._corpus and not (memories and self._yours == 1.0):
            memories.append((1 - self._yours if memories else 1.0, self._corpus.strokes))
        played: list[Stroke] = []
        for value in values if memories else ():
            memory = memories[pick((share for share, _ in memories), rng)][1]
            played.append(_struck(memory.levels(played[-2:]), value, rng))
        return played


def _struck(levels: Sequence[Odds[Stroke]], value: int, rng: np.random.Generator) -> Stroke:
    """Return a stroke of this value after the longest suffix that such a stroke followed, else any."""
    fitting = ([entry for entry in level if entry[0].value == value] for level in levels)
    odds = next((level for level in fitting if level), levels[-1])
    return odds[pick((p for _, p in odds), rng)][0]


def _together(memories: Sequence[Memory[Any]], recent: Sequence[Step], freedom: float) -> Iterable[tuple[Step, float]]:
    if len(memories) == 1:
        return blend(memories[0], recent, freedom)
    apart = (
        sorted(blend(memory, [step[i] for step in recent], freedom), key=lambda entry: -entry[1])[: _APART[i]]
        for i, memory in enumerate(memories)
    )
    return [((move, value), p * q) for (move, p), (value, q) in product(*apart)]


def _phrases(steps: Sequence[Step | None]) -> Iterator[list[Step]]:
    """Yield the stretches between breaths."""
    phrase: list[Step] = []
    for step in (*steps, None):
        if step is not None:
            phrase.append(step)
        elif phrase:
            yield phrase
            phrase = []


def _views(steps: Sequence[Step | None], viewpoint: str) -> tuple[Sequence[Any], ...]:
    """Return one sequence of linked symbols, or one of moves and one of note values."""
    if "+" in viewpoint:
        return (steps,)
    return tuple([None if step is None else step[i] for step in steps] for i in range(2))


def _traditional() -> Tune:
    pitches = [67]
    for interval, _ in TRADITION:
        pitches.append(pitches[-1] + interval)
    return Tune(pitches, [Stroke(value, 0, 3) for _, value in TRADITION], 0)
