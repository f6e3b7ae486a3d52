"""Play a published checkpoint of GPT-2's layout without torch: append tokens, take them back, ask for logits.

The folder is made by composer.neural.gpt2_export. Integers and arrays only: which rows of the vocabulary are asked for
is the caller's business.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.errors import ModelError
from composer.neural import gpt2_compiled
from composer.neural.gpt2_compiled import CompiledLayers
from composer.neural.runtime import Floats, Layers, session

TABLES = "tables.safetensors"
"""Embeddings of tokens and positions, in float32: wte and wpe."""


PIECE = 24
"""Tokens that are read at once. In a graph eight-bit inputs share a scale for each call, so what is read depends on its
pieces; in compiled layers it does not."""
_PROBED = 700
"""Tokens behind the decoder while its speed is measured."""
_FLOAT_ROWS = 2_048
"""Rows up to which multiplying by them in float takes less time than by a whole head in few bits."""
_KEPT_TABLES = 8
Rows = slice | NDArray[np.intp]
"""Rows of the vocabulary as arrays are indexed, rising."""


def row(rows: Rows, place: int) -> int:
    """Return which row of the vocabulary stands at a place of `rows`."""
    return rows.start + place if isinstance(rows, slice) else int(rows[place])


def read_in_pieces(layers: Layers | CompiledLayers, x: Floats, past: int = 0) -> None:
    """Run the layers over x (steps, C) as playing reads what it has not read, after `past` steps."""
    for start in range(0, len(x), PIECE):
        layers.run(x[start : start + PIECE], past + start)


class Decoder:
    """Answer with the logits of what comes after any sequence of tokens; what was read before is not read again.

    It holds two sequences: one is played from, the other may be read ahead of its time (`prepare`). After `settle` an
    answer depends on the tokens alone, bit for bit. One thread uses it at a time. Published models look 1024 tokens
    back at most: `context`.
    """

    def __init__(self, folder: Path, *, threads: int = 2, precision: str = "int8") -> None:
        """Load a converted folder. Raises ModelError when a file is missing, damaged or of another shape."""
        self._folder = folder
        try:
            self.config = json.loads((folder / "config.json").read_text("utf-8"))
            if self.config.get("model_type") != "gpt2":
                raise ValueError("it is none of GPT-2's layout")
            tables = _mapped(folder / TABLES)
            self.embedding, self._positions = tables["wte"], np.array(tables["wpe"])
            C, H = int(self.config["n_embd"]), int(self.config["n_head"])
            self.context = len(self._positions)
            suffix = ".int8.onnx" if precision == "int8" else ".onnx"
            compiled = _compiled(folder, self.config, self.context, threads) if precision == "int8" else None
            self.is_compiled = compiled is not None
            layers = compiled or Layers(folder / f"trunk{suffix}", self.context, H, C, threads)
            self._heads = {
                rows: session(path, threads) for path in folder.glob("head.*") if (rows := _rows(path, suffix))
            }
        except Exception as error:
            raise ModelError(
                f"the model in {folder} cannot be loaded ({error}); convert or download it again, or choose another"
            ) from error
        self._tables: dict[bytes, Floats] = {}
        self._now, self._spare = (_Sequence(each, self.context) for each in (layers, layers.twin()))

    @property
    def length(self) -> int:
        """Return how many tokens are in the buffers."""
        return self._now.length

    def append(self, tokens: Sequence[int]) -> None:
        """Append tokens; ValueError when there is no such token, or no room for so many.

        ModelError when the weights turn out to be no numbers: to look for them all while loading would take too long.
        """
        self._append(self._now, tokens)

    def _append(self, to: _Sequence, tokens: Sequence[int]) -> None:
        start, stop = to.length, to.length + len(tokens)
        if start == stop:
            return
        if stop > self.context:
            raise ValueError(f"{len(tokens)} more tokens do not fit after {start} of {self.context}")
        if min(tokens) < 0 or max(tokens) >= len(self.embedding):
            raise ValueError(f"a token lies outside of 0..{len(self.embedding) - 1}")
        x = self.embedding[list(tokens)] + self._positions[start:stop]
        edges = [start, *range(start // PIECE * PIECE + PIECE, stop, PIECE), stop]
        for first, end in pairwise(edges):
            to.read(tokens[first - start : end - start], x[first - start : end - start])
        # Eight bits hide in the layers what is no number in the tables. A sum of squares tells it of all at once.
        if not isfinite(np.vdot(x, x) + np.vdot(to.last, to.last)):
            raise ModelError(
                f"the model in {self._folder} holds values that are not numbers; convert or download it again"
            )

    def rollback(self, length: int) -> None:
        """Go back to the state after `length` tokens."""
        self._now.rollback(length)

    def read(self, tokens: Sequence[int]) -> Floats:
        """Return what stands after each of `tokens`, read from the beginning: (tokens, C), to be multiplied by rows."""
        self.rollback(0)
        self.append(tokens)
        return self._now.hidden(len(tokens))

    def logits(self, rows: Rows) -> Floats:
        """Return the logits of these rows of the vocabulary for the token that comes next."""
        if isinstance(rows, slice):
            return self._scores(self._now.last, rows)
        if len(rows) > _FLOAT_ROWS:
            for start, stop in self._heads:
                if start <= rows[0] and rows[-1] < stop:
                    return self._scores(self._now.last, slice(start, stop))[rows - start]
        # Not by the linear algebra's threads, which would take the cores from those of the layers.
        found: Floats = np.einsum("rc,c->r", self._table(rows), self._now.last)
        return found

    def _table(self, rows: NDArray[np.intp]) -> Floats:
        """Return these rows of the embedding in one piece: gathering them takes longer than multiplying by them."""
        key = rows.tobytes()
        if key not in self._tables:
            if len(self._tables) == _KEPT_TABLES:
                del self._tables[next(iter(self._tables))]
            self._tables[key] = self.embedding[rows]
        return self._tables[key]

    def scores(self, hidden: Floats, rows: slice) -> Floats:
        """Return the logits (n, rows) of these rows of the vocabulary for what stands after n tokens (n, C)."""
        # One by one, as playing asks: eight-bit inputs share a scale for each call.
        return np.array([self._scores(each, rows) for each in hidden], np.float32).reshape(-1, rows.stop - rows.start)

    def _scores(self, hidden: Floats, rows: slice) -> Floats:
        head = self._heads.get((rows.start, rows.stop))
        found: Floats = self.embedding[rows] @ hidden if head is None else head.run(None, {"x": hidden[None]})[0][0]
        return found

    def __call__(self, tokens: Sequence[int], rows: Rows) -> Floats:
        """Return the logits of `rows` after `tokens`."""
        if self._spare.shares(tokens) // PIECE * PIECE > self._now.shares(tokens):
            self._now, self._spare = self._spare, self._now
        self._now.rollback_to_shared(tokens)
        self.append(tokens[self.length :])
        return self.logits(rows)

    def settle(self) -> None:
        """Forget what would be read differently from the beginning on, so that no answer depends on the last."""
        for each in (self._now, self._spare):
            each.rollback(each.whole)

    def prepare(self, tokens: Sequence[int]) -> Iterator[None]:
        """Read what will be asked for, a piece at every step; what is played from is given up for its sequel only."""
        wanted = tokens[: len(tokens) // PIECE * PIECE]
        to = max((self._now, self._spare), key=lambda each: min(each.whole, each.shares(wanted)))
        if to is self._now and 2 * self._now.shares(wanted) < len(wanted):
            to = self._spare
        shared = min(to.whole, to.shares(wanted)) // PIECE * PIECE
        if shared == len(wanted):
            return
        to.rollback(shared)
        for first in range(shared, len(wanted), PIECE):
            if to.length != first:  # a question came in between
                return
            self._append(to, wanted[first : first + PIECE])
            yield

    def tokens_per_second(self, rows: Rows, tries: int = 9) -> float:
        """Measure how fast single tokens are decoded with a long past; what was read ahead is forgotten."""
        probe, seconds = self._spare, []
        probe.pretend(min(_PROBED, self.context // 2))
        kept, self._now = self._now, probe
        for _ in range(tries):
            begun = time.perf_counter()
            self.append([0])
            self.logits(rows)
            seconds.append(time.perf_counter() - begun)
        self._now = kept
        probe.rollback(0)
        return 1 / median(seconds)


class _Sequence:
    """Hold tokens that were read, in buffers of their own; the first `whole` of them as they would be read anew."""

    def __init__(self, layers: Layers | CompiledLayers, context: int) -> None:
        self._layers = layers
        self._unit = PIECE if layers.depends_on_pieces else 1
        self._tokens: list[int] = []
        self._hidden = np.zeros((context, layers.width), np.float32)
        self.whole = 0

    @property
    def length(self) -> int:
        return len(self._tokens)

    @property
    def last(self) -> Floats:
        found: Floats = self._hidden[self.length - 1]
        return found

    def hidden(self, stop: int) -> Floats:
        return self._hidden[:stop].copy()

    def read(self, tokens: Sequence[int], x: Floats) -> None:
        start = self.length
        self._hidden[start : start + len(tokens)] = self._layers.run(x, start)
        self._tokens += tokens
        if start == self.whole and len(tokens) % self._unit == 0:
            self.whole += len(tokens)

    def shares(self, tokens: Sequence[int]) -> int:
        return sum(1 for _ in takewhile(bool, (a == b for a, b in zip(self._tokens, tokens, strict=False))))

    def rollback(self, length: int) -> None:
        del self._tokens[length:]
        self.whole = min(self.whole, length // self._unit * self._unit)

    def rollback_to_shared(self, tokens: Sequence[int]) -> None:
        shared = self.shares(tokens)
        # Half a piece may be read differently from a whole one.
        self.rollback(shared if shared >= self.whole else shared // self._unit * self._unit)

    def pretend(self, length: int) -> None:
        self._tokens, self.whole = [0] * length, 0


def _compiled(folder: Path, config: dict[str, Any], context: int, threads: int) -> CompiledLayers | None:
    """Return the compiled layers of a folder, None where only its graph can be played."""
    path = folder / gpt2_compiled.FILE
    if not path.is_file() or not gpt2_compiled.is_possible():
        return None
    try:
        return CompiledLayers(path, config, context, threads)
    except OSError:
        return None  # There is no room to keep what was compiled, for example.


def _mapped(path: Path) -> dict[str, Floats]:
    """Return the float32 arrays of a safetensors file without reading them: a step needs few of their rows."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    return {
        # As a plain array: what is computed from the other kind is of that kind as well, and slower.
        name: np.asarray(np.memmap(path, "<f4", "r", 8 + length + entry["data_offsets"][0], tuple(entry["shape"])))
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _rows(path: Path, suffix: str = "") -> tuple[int, int] | None:
    """Return the rows that a head's file name tells, None when it is no head of this precision."""
    found = re.fullmatch(r"head\.(\d+)-(\d+)((?:\.int8)?\.onnx)", path.name)
    return (int(found[1]), int(found[2])) if found and suffix in ("", found[3]) else None
