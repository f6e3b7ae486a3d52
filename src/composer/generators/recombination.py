"""Recombination: from the destination of each grouping into any that is entered there, without quoting for long.

Cope, Computers and Musical Style (1991): the pitches to which the voices go in the original choose among all groupings
whose voices enter at those pitches. What is gained until the end of the phrase is worked out backward, so that a phrase
meets its cadence; going forward, a choice that would quote too much is left for the next best.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.generators.groupings import REST, STEPS, Database, Ints
from composer.generators.signatures import Endings

Floats = NDArray[np.float64]
Chosen = NDArray[np.bool_]
"""Says of each grouping whether it is among those in question."""
Gains = tuple[Floats, Floats]
"""What is gained from a slot on by each grouping: freely, or as the beginning of a signature that is kept whole."""
Content = frozenset[tuple[int, int]]
"""What sounds in a grouping: onset in steps and pitch of each note."""

FIRST_TRIED = 400
"""Groupings that a phrase may begin with, the best ones."""
PATIENCE = 4000
"""Groupings tried until a phrase is given up."""
_MIX = np.random.default_rng(1981).integers(0, 2**63, STEPS * 128, dtype=np.uint64)
_SHIFT = np.uint64(0x9E3779B97F4A7C15)


def fingerprint(content: Content) -> int:
    """Return the number that stands for what sounds in a grouping, 0 for silence."""
    total = sum(int(_MIX[onset * 128 + pitch]) for onset, pitch in content)
    return total % 2**64


class Lexicon:
    """Hold the groupings of one mode by the pitches at which the voices that are sung enter them."""

    def __init__(self, database: Database, endings: Endings, mode: int, sung: tuple[int, ...], quotation: int) -> None:
        """Index `database`; `sung` names voices from the top down, `quotation` is the most that may be quoted."""
        self.database, self.mode, self.sung, self.quotation = database, mode, sung, quotation
        self.ids: Ints = np.flatnonzero(database.mode == mode)
        """The groupings in question; every other array here goes by their places in this one."""
        self.entering: Ints = database.entering()[self.ids]
        followed = database.is_followed()[self.ids]
        own = self.entering[:, list(sung)]
        is_silent = (own == REST).all(1)
        code = np.zeros(len(own), dtype=np.int64)
        for pitches in own.T:
            code = code * 129 + pitches + 1
        codes, doors = np.unique(code[~is_silent], return_inverse=True)
        self._doors = len(codes)
        self._door = np.full(len(own), -1, dtype=np.int64)
        self._door[~is_silent] = doors
        self.destination: Ints = np.where(followed, np.append(self._door[1:], -1), -1)
        """Which door each grouping leads to, -1 where it leads nowhere."""
        self._order = np.argsort(self._door, kind="stable")
        self._bounds = np.searchsorted(self._door[self._order], np.arange(self._doors + 1))
        self.kind, self.length = endings.kind[self.ids], np.minimum(endings.length[self.ids], quotation)
        self.works, self.closes = endings.works[self.ids], database.closes[self.ids]
        self.prints = self._prints()
        self._quoted = self._runs(followed)
        self._contents: dict[int, Content] = {}

    def behind(self, door: int) -> Ints:
        """Return the groupings that are entered through a door."""
        return self._order[self._bounds[door] : self._bounds[door + 1]]

    def leading_to(self, pitches: Sequence[int]) -> tuple[Chosen, ...]:
        """Return which groupings lead to `pitches` (from low to high) in every voice, and which in the top one.

        Nothing is returned for no pitches.
        """
        if not pitches:
            return ()
        after = np.append(self.entering[1:, list(self.sung)], np.full((1, len(self.sung)), REST), axis=0)
        follows = self.destination >= 0
        top = follows & (after.max(1) == pitches[-1])
        whole = follows & np.isin(after, [*pitches, REST]).all(1)
        for pitch in pitches:
            whole &= (after == pitch).any(1)
        return whole, top

    def content(self, place: int) -> Content:
        """Return what the voices that are sung sound in a grouping."""
        if place not in self._contents:
            rows = self.database.rows(int(self.ids[place]))
            self._contents[place] = frozenset(
                (onset, pitch) for onset, _, pitch, voice, _ in rows if voice in self.sung
            )
        return self._contents[place]

    def quotes(self, prints: Sequence[int]) -> bool:
        """Return whether the last of `prints` are one more than may be quoted, together in one work."""
        if len(prints) <= self.quotation:
            return False
        run = 0
        for number in prints[-self.quotation - 1 :]:
            run = (run * int(_SHIFT) + number) % 2**64
        place = int(np.searchsorted(self._quoted, np.uint64(run)))
        return place < len(self._quoted) and int(self._quoted[place]) == run

    def best_behind(self, values: Floats) -> Floats:
        """Return for each grouping the best of `values` that its destination allows, -inf where there is none."""
        best = np.full(self._doors + 1, -np.inf)
        if self._doors:
            best[:-1] = np.maximum.reduceat(values[self._order], self._bounds[:-1])
        found: Floats = best[self.destination]
        return found

    def _prints(self) -> NDArray[np.uint64]:
        database = self.database
        heard = np.isin(database.notes[:, 3], self.sung)
        notes = database.notes[heard].astype(np.int64)
        owner = database.owner()[heard]
        # Two voices on one pitch are one sound.
        every = np.sort(owner * (STEPS * 128) + notes[:, 0] * 128 + notes[:, 2], kind="stable")
        distinct = every[np.diff(every, prepend=-1) > 0]
        sums = np.concatenate(
            [np.zeros(1, dtype=np.uint64), np.cumsum(_MIX[distinct % (STEPS * 128)], dtype=np.uint64)]
        )
        bounds = np.searchsorted(distinct, np.arange(database.size + 1) * (STEPS * 128))
        found: NDArray[np.uint64] = (sums[bounds[1:]] - sums[bounds[:-1]])[self.ids]
        return found

    def _runs(self, followed: NDArray[np.bool_]) -> NDArray[np.uint64]:
        """Return, in order, a number for each run of one grouping more than may be quoted."""
        count = len(self.prints) - self.quotation
        if count <= 0:
            return np.zeros(0, dtype=np.uint64)
        run, is_whole = np.zeros(count, dtype=np.uint64), np.ones(count, dtype=bool)
        for i in range(self.quotation + 1):
            run = run * _SHIFT + self.prints[i : i + count]
            if i < self.quotation:
                is_whole &= followed[i : i + count]
        found: NDArray[np.uint64] = np.unique(run[is_whole])
        return found


class Step(NamedTuple):
    """Hold a choice: the grouping's place in the lexicon, and how many more of its signature follow it unasked."""

    place: int
    bound: int = 0


class Phrase:
    """Hold what each slot of a phrase asks for, and find groupings for it."""

    def __init__(self, lexicon: Lexicon, wishes: Sequence[Floats], closing: Floats) -> None:
        """Work out backward what can be gained; `wishes` has a score a grouping for each slot.

        `closing` says what each grouping is worth as the last one, -inf where the phrase may not end so.
        """
        self._lexicon, self._wishes, self._closing = lexicon, wishes, closing
        ends = np.flatnonzero(np.isfinite(closing))
        size, count = len(lexicon.ids), len(wishes)
        self._plain: list[Floats] = [np.full(size, -np.inf) for _ in range(count)]
        self._bound: list[Floats] = [np.full(size, -np.inf) for _ in range(count)]
        for slot in range(count - 1, -1, -1):
            remaining = count - slot
            here = ends[np.maximum(1, lexicon.length[ends]) == remaining]
            if len(here):
                self._bound[slot][here - remaining + 1] = self._worth(here, remaining)
            if remaining > 1:
                after = np.maximum(self._plain[slot + 1], self._bound[slot + 1])
                self._plain[slot] = wishes[slot] + lexicon.best_behind(after)

    @property
    def is_possible(self) -> bool:
        """Return whether there is any phrase, quotations aside."""
        return bool(np.isfinite(self._plain[0]).any() or np.isfinite(self._bound[0]).any())

    def _worth(self, ends: Ints, length: int) -> Floats:
        """Return what the last `length` slots gain from the signatures that end at `ends`."""
        total: Floats = self._closing[ends].copy()
        for back in range(length):
            total += self._wishes[len(self._wishes) - 1 - back][ends - back]
        return total

    def find(self, start: int, entry: Floats, before: Sequence[int], heard: Sequence[Chosen] = ()) -> list[int]:
        """Return the places of groupings for the slots from `start` on: the first whole phrase, best choices first.

        `entry` is added to what the first grouping is worth, `before` are the prints of what sounded just before;
        `heard` says for the first slots which groupings sound what was heard there. Where there is no whole phrase, the
        longest beginning of one is returned.
        """
        path: list[Step] = []
        prints = [*before]
        gains = self._bound_to(start, heard)
        open_: list[Iterator[Step]] = [self._beginnings(start, entry, heard, gains[0])]
        longest: list[int] = []
        tried = 0
        while open_ and tried < PATIENCE:
            step = next(open_[-1], None)
            if step is None:
                open_.pop()
                if path:
                    path.pop()
                    prints.pop()
                continue
            tried += 1
            number = int(self._lexicon.prints[step.place])
            if (path and number == prints[-1] and not path[-1].bound) or self._lexicon.quotes([*prints, number]):
                continue
            path.append(step)
            prints.append(number)
            if len(path) > len(longest):
                longest = [taken.place for taken in path]
            if start + len(path) == len(self._wishes):
                return longest
            open_.append(self._following(gains[len(path)], step, len(gains) - len(path)))
        return longest

    def _bound_to(self, start: int, heard: Sequence[Chosen]) -> list[Gains]:
        """Return what can be gained from each slot on, from `start` to the end, where the first ones were `heard`."""
        gains = list(zip(self._plain[start:], self._bound[start:], strict=True))
        for i in range(len(heard) - 1, -1, -1):
            plain, bound = gains[i]
            if i + 1 < len(gains):
                after = np.maximum(*gains[i + 1])
                plain = np.where(heard[i], self._wishes[start + i] + self._lexicon.best_behind(after), -np.inf)
            gains[i] = plain, np.where(_in_a_row(heard[i:]), bound, -np.inf)
        return gains

    def _beginnings(self, start: int, entry: Floats, heard: Sequence[Chosen], gains: Gains) -> Iterator[Step]:
        plain, bound = gains[0], gains[1].copy()
        remaining = len(self._wishes) - start
        # A phrase that has room for the end of a signature only begins inside it.
        long = np.flatnonzero(np.isfinite(self._closing) & (self._lexicon.length > remaining))
        if heard:
            long = long[_in_a_row(heard)[long - remaining + 1]]
        if len(long):
            bound[long - remaining + 1] = self._worth(long, remaining)
        yield from _ordered(np.arange(len(entry)), plain + entry, bound + entry, remaining, FIRST_TRIED)

    def _following(self, gains: Gains, step: Step, remaining: int) -> Iterator[Step]:
        if step.bound:
            yield Step(step.place + 1, step.bound - 1)
            return
        door = int(self._lexicon.destination[step.place])
        places = self._lexicon.behind(door) if door >= 0 else np.zeros(0, dtype=np.int64)
        yield from _ordered(places, gains[0][places], gains[1][places], remaining)


def _in_a_row(heard: Sequence[Chosen]) -> Chosen:
    """Return at which groupings a run begins whose first one is among the first of `heard`, and so on."""
    found = heard[0].copy()
    for back, chosen in enumerate(heard[1:], 1):
        found[:-back] &= chosen[back:]
        found[-back:] = False
    return found


def _ordered(places: Ints, plain: Floats, bound: Floats, remaining: int, most: int | None = None) -> Iterator[Step]:
    """Yield the choices from the best to the worst; a `bound` one is followed by the rest of its signature."""
    worth = np.concatenate([plain, bound])
    best = np.argsort(-worth, kind="stable")[:most]
    for index in best[np.isfinite(worth[best])].tolist():
        is_bound = index >= len(places)
        yield Step(int(places[index - len(places) * is_bound]), (remaining - 1) * is_bound)
