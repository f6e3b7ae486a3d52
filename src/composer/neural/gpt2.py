"""Play a published checkpoint of GPT-2's layout without torch: append tokens, take them back, ask for logits.

The folder is made by composer.neural.gpt2_export. Integers and arrays only: which rows of the vocabulary are asked for
is the caller's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from composer.errors import ModelError
from composer.neural.runtime import Floats, Layers

TABLES = "tables.safetensors"
"""Embeddings of tokens and positions, in float32: wte and wpe."""


class Decoder:
    """Hold the state of one sequence of tokens; itself the function that answers with the logits of what comes next.

    One thread uses it at a time. Published models look 1024 tokens back at most: `context`.
    """

    def __init__(self, folder: Path, *, threads: int = 2, precision: str = "int8") -> None:
        """Load a converted folder. Raises ModelError when a file is missing, damaged or of another shape."""
        try:
            self.config = json.loads((folder / "config.json").read_text("utf-8"))
            tables = _mapped(folder / TABLES)
            self.embedding, self._positions = tables["wte"], np.array(tables["wpe"])
            C, H = int(self.config["n_embd"]), int(self.config["n_head"])
            self.context = len(self._positions)
            suffix = ".int8.onnx" if precision == "int8" else ".onnx"
            self._trunk = Layers(folder / f"trunk{suffix}", self.context, H, C, threads)
            self._heads = {_rows(path): _session(path) for path in folder.glob("head.*") if _rows(path, suffix)}
        except Exception as error:
            raise ModelError(
                f"the model in {folder} cannot be loaded ({error}); convert or download it again, or choose another"
            ) from error
        self._tokens: list[int] = []
        self._hidden = np.zeros((self.context, C), np.float32)

    @property
    def length(self) -> int:
        """Return how many tokens are in the buffers."""
        return len(self._tokens)

    def append(self, tokens: Sequence[int]) -> None:
        """Append tokens; ValueError when there is no such token, or no room for so many."""
        start, stop = self.length, self.length + len(tokens)
        if start == stop:
            return
        if stop > self.context:
            raise ValueError(f"{len(tokens)} more tokens do not fit after {start} of {self.context}")
        if min(tokens) < 0 or max(tokens) >= len(self.embedding):
            raise ValueError(f"a token lies outside of 0..{len(self.embedding) - 1}")
        x = self.embedding[list(tokens)] + self._positions[start:stop]
        self._hidden[start:stop] = self._trunk.advance({"x": x[None]}, start)
        self._tokens += tokens

    def rollback(self, length: int) -> None:
        """Go back to the state after `length` tokens."""
        del self._tokens[length:]

    def logits(self, rows: slice) -> Floats:
        """Return the logits of these rows of the vocabulary for the token that comes next."""
        hidden = self._hidden[self.length - 1]
        head = self._heads.get((rows.start, rows.stop))
        found: Floats = self.embedding[rows] @ hidden if head is None else head.run(None, {"x": hidden[None]})[0][0]
        return found

    def __call__(self, tokens: Sequence[int], rows: slice) -> Floats:
        """Return the logits of `rows` after `tokens`; what they share with the last question is not computed again."""
        same = sum(1 for _ in takewhile(bool, (a == b for a, b in zip(self._tokens, tokens, strict=False))))
        self.rollback(same)
        self.append(tokens[same:])
        return self.logits(rows)


def _mapped(path: Path) -> dict[str, Floats]:
    """Return the float32 arrays of a safetensors file without reading them: a step needs few of their rows."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    return {
        name: np.memmap(path, "<f4", "r", 8 + length + entry["data_offsets"][0], tuple(entry["shape"]))
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _rows(path: Path, suffix: str = "") -> tuple[int, int] | None:
    """Return the rows that a head's file name tells, None when it is no head of this precision."""
    found = re.fullmatch(r"head\.(\d+)-(\d+)((?:\.int8)?\.onnx)", path.name)
    return (int(found[1]), int(found[2])) if found and suffix in ("", found[3]) else None


def _session(path: Path) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    # Every session with a pool of its own would make decoding four times slower.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
