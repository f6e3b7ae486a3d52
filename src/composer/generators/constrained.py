"""Variable-order Markov chains, and sampling from them under constraints without leaving the chain.

The chain is that of Pachet, The Continuator, 2003: the longest suffix of what was played that has been heard before
says what may follow. The sampling is that of Pachet, Roy and Barbieri, Finite-Length Markov Processes with Constraints,
2011: no rejection; every step is re-weighted by the probability that the rest can still be played, worked out backward.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

import numpy as np

Symbol = TypeVar("Symbol", bound=Hashable)
State = TypeVar("State", bound=Hashable)
Steps = Sequence[tuple[float, State]]
"""Probability and state of every continuation."""


class Chain(Generic[Symbol]):
    """Hold how sequences went on, after every suffix of up to `order` symbols."""

    def __init__(self, order: int) -> None:
        self.order = order
        self._counts: dict[tuple[Symbol, ...], dict[Symbol, int]] = {}
        self._learned: list[Symbol] = []

    def learn(self, symbols: Sequence[Symbol]) -> None:
        """Learn one sequence; symbols that were learned as its beginning last time are not counted again."""
        known = len(self._learned)
        if list(symbols[:known]) != self._learned:
            self._counts.clear()
            known = 0
        for end in range(known, len(symbols)):
            for length in range(min(self.order, end) + 1):
                following = self._counts.setdefault(tuple(symbols[end - length : end]), {})
                following[symbols[end]] = following.get(symbols[end], 0) + 1
        self._learned = list(symbols)

    def suffix(self, history: Sequence[Symbol]) -> tuple[Symbol, ...]:
        """Return the longest suffix of `history` after which something was heard, at most `order` symbols."""
        for length in range(min(self.order, len(history)), 0, -1):
            if tuple(history[-length:]) in self._counts:
                return tuple(history[-length:])
        return ()

    def follow(self, history: Sequence[Symbol]) -> list[tuple[Symbol, float]]:
        """Return what followed the longest known suffix of `history`, with probabilities; empty before learning."""
        following = self._counts.get(self.suffix(history), {})
        total = sum(following.values())
        return [(symbol, count / total) for symbol, count in following.items()]

    def blend(self, history: Sequence[Symbol], share: float) -> list[tuple[Symbol, float]]:
        """Return what followed every known suffix of `history`: each shorter one speaks for `share` of the rest.

        Share 0 is `follow`. More leaves a constraint something to choose from where the longest suffix knows one way.
        """
        longest = self.suffix(history)
        blended: dict[Symbol, float] = {}
        rest = 1.0
        for length in range(len(longest), -1, -1):
            mine = rest * (1 - share) if length else rest
            for symbol, probability in self.follow(longest[len(longest) - length :]) if mine else ():
                blended[symbol] = blended.get(symbol, 0.0) + mine * probability
            rest -= mine
        return list(blended.items())


def sample(
    start: State,
    steps: Callable[[State], Steps[State]],
    weight: Callable[[int, State], float],
    length: int,
    rng: np.random.Generator,
) -> list[State]:
    """Return `length` states drawn from the chain that `steps` describes, conditioned on the weights.

    `weight(i, state)` is 0 where the state is forbidden at place i, 1 where it is free, or anything between. The
    probability of a sequence is its probability in the chain times its weights, over the sum of all. Returns an empty
    list when no sequence is possible.
    """
    futures: dict[tuple[int, State], float] = {}

    def future(place: int, state: State) -> float:
        """Return the weight of everything that may follow `state` from `place` on."""
        if place == length:
            return 1.0
        if (place, state) not in futures:
            futures[place, state] = sum(p * promise(place, following) for p, following in steps(state))
        return futures[place, state]

    def promise(place: int, state: State) -> float:
        here = weight(place, state)
        return here * future(place + 1, state) if here else 0.0

    path: list[State] = []
    state = start
    for place in range(length):
        options = [(p * promise(place, following), following) for p, following in steps(state)]
        total = sum(p for p, _ in options)
        if not total:
            return []
        state = options[pick((p for p, _ in options), rng)][1]
        path.append(state)
    return path


def pick(weights: Iterable[float], rng: np.random.Generator) -> int:
    """Return an index drawn in proportion to `weights`, which are not all zero."""
    sums = np.cumsum(list(weights))
    return min(int(np.searchsorted(sums, rng.random() * sums[-1], side="right")), len(sums) - 1)
