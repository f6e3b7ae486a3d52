"""Variable-order Markov chains, and sampling from them under constraints without leaving the chain.

The chain is that of Pachet, The Continuator, 2003: the longest suffix of what was played that has been heard before
says what may follow. The sampling is that of Pachet, Roy and Barbieri, Finite-Length Markov Processes with Constraints,
2011: no rejection; every step is re-weighted by the probability that the rest can still be played, worked out backward.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain as joined
from typing import Generic, Protocol, TypeVar

import numpy as np

Symbol = TypeVar("Symbol", bound=Hashable)
State = TypeVar("State", bound=Hashable)
Steps = Sequence[tuple[float, State]]
"""Probability and state of every continuation."""
Odds = list[tuple[Symbol, float]]
"""What may follow, with probabilities."""


class Memory(Protocol[Symbol]):
    """Say what followed what."""

    def levels(self, history: Sequence[Symbol]) -> list[Odds[Symbol]]:
        """Return what followed each known suffix of `history`, the longest first, the empty one last."""
        ...


class Chain(Generic[Symbol]):
    """Hold how one sequence went on, after every suffix of up to `order` symbols; it learns while it grows.

    None in a sequence is a break: nothing follows it, and no suffix reaches across it.
    """

    def __init__(self, order: int) -> None:
        self.order = order
        self._counts: dict[tuple[Symbol, ...], dict[Symbol, int]] = {}
        self._learned: list[Symbol | None] = []

    def learn(self, symbols: Sequence[Symbol | None]) -> None:
        """Learn one sequence; symbols that were learned as its beginning last time are not counted again."""
        known = len(self._learned)
        if list(symbols[:known]) != self._learned:
            self._counts.clear()
            known = 0
        for end in range(known, len(symbols)):
            if (symbol := symbols[end]) is None:
                continue
            suffix: tuple[Symbol, ...] = ()
            for before in (*symbols[max(0, end - self.order) : end][::-1], None):
                following = self._counts.setdefault(suffix, {})
                following[symbol] = following.get(symbol, 0) + 1
                if before is None:
                    break
                suffix = (before, *suffix)
        self._learned = list(symbols)

    def levels(self, history: Sequence[Symbol]) -> list[Odds[Symbol]]:
        """Return what followed each known suffix of `history`, the longest first; empty before learning."""
        lengths = range(min(self.order, len(history)), -1, -1)
        suffixes = (tuple(history[len(history) - length :]) for length in lengths)
        return [_shares(following) for suffix in suffixes if (following := self._counts.get(suffix))]


class Library(Generic[Symbol]):
    """Hold how many sequences went on, after every suffix of up to `order` symbols.

    It says what a Chain of all of them would, in memory and time that grow with the symbols and not with the order: the
    places of all symbols are kept in the order of what came before them, so that a suffix is a stretch of places.
    """

    def __init__(self, sequences: Iterable[Sequence[Symbol]], order: int, breadth: int | None = None) -> None:
        """Learn all `sequences`; only the `breadth` most frequent continuations of a suffix are told of."""
        self.order, self._breadth = order, breadth
        self._ids: dict[Symbol, int] = {}
        flat: list[int] = []
        for sequence in sequences:
            # Marks between sequences keep a suffix inside one of them.
            flat += joined([-1] * order, (self._ids.setdefault(symbol, len(self._ids)) for symbol in sequence))
        self._symbols = tuple(self._ids)
        self._flat = np.array(flat, np.int32)
        places = np.flatnonzero(self._flat >= 0).astype(np.int32)
        before = [self._flat[places - back] for back in range(order, 0, -1)]
        self._places = places[np.lexsort(before)] if order and len(places) else places
        self._latest = self._flat[self._places - 1] if order else self._places
        self._told: dict[tuple[int, int], Odds[Symbol]] = {}

    def levels(self, history: Sequence[Symbol]) -> list[Odds[Symbol]]:
        """Return what followed each known suffix of `history`, the longest first; empty before learning."""
        low, high = 0, len(self._places)
        levels = [self._following(low, high)] if high else []
        for back in range(1, min(self.order, len(history)) + 1 if high else 0):
            symbol = self._ids.get(history[-back], -2)
            column = self._latest if back == 1 else self._flat[self._places[low:high] - back]
            first, end = np.searchsorted(column, (symbol, symbol + 1))
            if first == end:
                break
            low, high = low + int(first), low + int(end)
            levels.append(self._following(low, high))
        return levels[::-1]

    def _following(self, low: int, high: int) -> Odds[Symbol]:
        if (low, high) not in self._told:
            if len(self._told) > 10_000:
                self._told.clear()
            found, counts = np.unique(self._flat[self._places[low:high]], return_counts=True)
            order = np.argsort(-counts, kind="stable")[: self._breadth]
            following = {self._symbols[found[i]]: int(counts[i]) for i in order}
            self._told[low, high] = _shares(following)
        return self._told[low, high]


def _shares(following: dict[Symbol, int]) -> Odds[Symbol]:
    total = sum(following.values())
    return [(symbol, count / total) for symbol, count in following.items()]


def follow(memory: Memory[Symbol], history: Sequence[Symbol]) -> Odds[Symbol]:
    """Return what followed the longest known suffix of `history`; empty before learning."""
    return next(iter(memory.levels(history)), [])


def blend(memory: Memory[Symbol], history: Sequence[Symbol], share: float) -> Odds[Symbol]:
    """Return what followed every known suffix of `history`: each shorter one speaks for `share` of the rest.

    Share 0 is `follow`. More leaves a constraint something to choose from where the longest suffix knows one way.
    """
    blended: dict[Symbol, float] = {}
    rest = 1.0
    levels = memory.levels(history)
    for shorter, level in zip(range(len(levels) - 1, -1, -1), levels, strict=True):
        mine = rest * (1 - share) if shorter else rest
        for symbol, probability in level if mine else ():
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
