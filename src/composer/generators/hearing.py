"""The ear: which chord each block has, judged from what the player plays and from nothing else.

A model that reads the chords it chose itself believes them: on held-out songs, free running, its chords were worse than
those of the counted model. The same model that reads the player alone hears better than either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.generators.reading import look, read, slide
from composer.neural.sampling import probabilities
from composer.tokenizers import blocks as B
from composer.tokenizers.blocks import Ints

Floats = NDArray[np.float64]
MOST_ROWS = 32
"""Rows of the player that are heard in a block; more is a cluster."""
EMPTY = np.zeros((0, 8), dtype=np.int64)


class _Heard(NamedTuple):
    block: int
    told: bytes
    start: int
    """Where its BLOCK row begins in the decoder."""
    row: Ints
    chord: Floats


class Hearing:
    """Follow a player through the model, block by block, in a decoder of its own; one thread uses it."""

    def __init__(self, decoder: Any) -> None:
        self.decoder = decoder
        self._identity: tuple[int, ...] = ()
        self._blocks: list[_Heard] = []
        self._unread = EMPTY
        """The BLOCK row that is read together with what comes next: half the calls."""

    def listen(
        self,
        identity: tuple[int, ...],
        origin: int,
        first: int,
        last: int,
        told: Callable[[int], Ints],
        row: Callable[[int], Ints],
    ) -> dict[int, Floats]:
        """Return the probability of each key-relative chord in the blocks first..last.

        What is told of the blocks before `first` is what was told in the last question; blocks that have left
        the window are missing. `told` returns the player's rows that are known at a block, `row` its BLOCK row
        without a chord. A new `identity` (key shift, lead) begins anew at block `origin`; otherwise only what
        changed is read again.
        """
        follows_on = self._blocks and self._blocks[0].block <= first <= self._blocks[-1].block + 1
        if identity != self._identity or not follows_on:
            self._identity = identity
            self._go_back(0)
        for block in range(first if self._blocks else origin, last + 1):
            rows = told(block)[:MOST_ROWS]
            at = block - self._blocks[0].block if self._blocks else 0
            if at < len(self._blocks):
                if self._blocks[at].told == rows.tobytes():
                    continue
                self._go_back(at)
            self._read(block, rows, row(block))
        return {heard.block: heard.chord for heard in self._blocks if first <= heard.block <= last}

    def _go_back(self, at: int) -> None:
        del self._blocks[at:]
        # The BLOCK row before is unread again: weights of eight bits round by what is read together, and what is heard
        # must not depend on how often a block was asked for.
        self._unread = self._blocks[-1].row if self._blocks else EMPTY
        self.decoder.rollback(self._blocks[-1].start - self.decoder.forgotten if self._blocks else 0)

    def _read(self, block: int, rows: Ints, row: Ints) -> None:
        """Read the player's rows of a block, one block at a time for the same reason, and ask for its chord."""
        self._make_room()
        events = np.concatenate([self._unread, rows])
        read(self.decoder, events)
        self._unread = row[None]
        chord = np.full(B.CHORDS, 1 / B.CHORDS)
        if self.decoder.length:
            chord = probabilities(self.decoder.chord(look(self.decoder, row)))
        start = self.decoder.forgotten + self.decoder.length
        self._blocks.append(_Heard(block, rows.tobytes(), start, self._unread, chord))

    def _make_room(self) -> None:
        if self.decoder.length + MOST_ROWS + 2 < self.decoder.context:
            return
        del self._blocks[: slide(self.decoder, [heard.start for heard in self._blocks])]
