"""Keep keys and values in eight bits: after a thousand tokens there is more of them to read at every step than weights.

Keys have channels that are always large, and one step for all would drown the others; values have none (Liu et al.,
KIVI, 2024). So every channel of the keys has a step of its own, found once by reading a sample. Queries and keys are
made so that it is 1: what a query gains a key loses, and reading needs not multiply.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from composer.neural.gpt2 import read_in_pieces
from composer.neural.runtime import Floats, Layers

_ROOM = 1.25
"""How much larger than in the sample a key or value may be; what is larger still is cut off there."""
_LARGEST = 127
_WORTH = 0.85
"""How long a token may take, as a share of one in float: reading many at once takes longer in eight bits."""
_SINK, _NOTHING = 11, "nothing"
"""The input of GroupQueryAttention for a score of each head that stands for no key, and the name of such that take
nothing: with them attention is not cut into tiles, which are for longer pasts, and a token takes 6 % less."""
_TRIED, _ROUNDS, _TOKENS = 1000, 5, 6
"""Tokens in the buffers while the two take turns, and how many turns of how many tokens they take."""


def ranges(path: Path, read: Sequence[Floats], heads: int) -> dict[str, Floats]:
    """Return by name the largest size (1, heads, 1, channels) of keys and values while pieces (steps, C) are read."""
    layers = Layers(path, max(map(len, read)), heads, read[0].shape[1], threads=2)
    largest = {name: np.zeros((1, heads, 1, buffer.shape[3]), np.float32) for name, buffer in layers.buffers.items()}
    for x in read:
        read_in_pieces(layers, x)
        for name, buffer in layers.buffers.items():
            np.maximum(largest[name], np.abs(buffer[:, :, : len(x)]).max(2, keepdims=True), out=largest[name])
    return largest


def steps(largest: dict[str, Floats]) -> dict[str, Floats]:
    """Return by name the steps in which keys and values of these largest sizes are rounded to eight bits."""
    return {name: np.maximum(size, 1e-9) * np.float32(_ROOM / _LARGEST) for name, size in largest.items()}


def shrink(path: Path, largest: dict[str, Floats], *, always: bool = False) -> bool:
    """Rewrite a graph to keep keys and values in eight bits where that is clearly faster; return whether it was.

    What is saved in reading is lost in unpacking on some processors, so the two are played in turns here and now,
    unless it is `always` to be done. ONNX Runtime before 1.27 cannot play eight bits.
    """
    smaller = in_eight_bits(path, largest)
    if smaller is None:
        return False
    faster = always or _is_faster(smaller, path, largest)
    if faster:
        os.replace(smaller, path)
    else:
        smaller.unlink()
    return faster


def in_eight_bits(path: Path, largest: dict[str, Floats]) -> Path | None:
    """Write a graph beside `path` that keeps keys and values in eight bits; None where it cannot be played."""
    model = onnx.load(path)
    _, heads, _, channels = next(iter(largest.values())).shape
    model.graph.initializer.append(numpy_helper.from_array(np.full(heads, -1e30, np.float32), _NOTHING))
    for node in model.graph.node:
        if node.op_type == "GroupQueryAttention":
            _in_eight_bits(model.graph, node, largest)
    smaller = path.with_name(f".{path.name}")
    onnx.save(model, str(smaller))
    try:
        # Version 1.26 loads it and stumbles at the first step.
        Layers(smaller, 2, heads, heads * channels, 1).run(np.zeros((1, heads * channels), np.float32), 0)
    except Exception:
        smaller.unlink()
        return None
    return smaller


def _is_faster(smaller: Path, path: Path, largest: dict[str, Floats]) -> bool:
    _, heads, _, channels = next(iter(largest.values())).shape
    x = np.zeros((1, heads * channels), np.float32)
    both = [Layers(each, _TRIED, heads, heads * channels, threads=2) for each in (smaller, path)]
    seconds: tuple[list[float], list[float]] = [], []
    for _ in range(_ROUNDS):
        for layers, taken in zip(both, seconds, strict=True):
            for _ in range(_TOKENS):
                begun = time.perf_counter()
                layers.run(x, _TRIED - 1)
                taken.append(time.perf_counter() - begun)
    few, whole = map(median, seconds)
    return few < _WORTH * whole


def _in_eight_bits(graph: Any, node: Any, largest: dict[str, Floats]) -> None:
    buffers = {*node.input[3:5], *node.output[1:3]}
    for info in (*graph.input, *graph.output):
        if info.name in buffers:
            info.type.tensor_type.elem_type = TensorProto.INT8
    found = steps(largest)
    keys, values = (found[name].ravel() for name in node.input[3:5])
    _scale(graph, f"{node.input[3].removesuffix('.k')}.attn.c_attn", np.r_[keys, 1 / keys, np.ones_like(values)])
    scales = {f"{node.input[3]}.step": 1.0, f"{node.input[4]}.step": values.max()}
    graph.initializer.extend(
        numpy_helper.from_array(np.array([scale], np.float32), name) for name, scale in scales.items()
    )
    node.input.extend([""] * (_SINK - len(node.input)) + [_NOTHING, *scales])
    kinds = {"k_quant_type": "PER_TENSOR", "v_quant_type": "PER_TENSOR", "kv_cache_bit_width": 8}
    node.attribute.extend(helper.make_attribute(key, value) for key, value in kinds.items())


def _scale(graph: Any, name: str, factors: Floats) -> None:
    """Multiply what the matrix of a name and its bias give out by a factor for each output."""
    for weight in graph.initializer:
        if weight.name in {f"{name}.{kind}" for kind in ("bias", "scale", "scales")}:
            scaled = numpy_helper.to_array(weight).T * factors
            weight.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(scaled.T, np.float32), weight.name))
