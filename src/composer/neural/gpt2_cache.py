"""Keep keys and values in eight bits: at a thousand tokens they are as much to read at every step as the weights.

Every channel of every head has a step of its own, found once by reading a sample: keys have channels that are always
large, and one step for all would drown the others (Liu et al., KIVI, 2024).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from composer.neural.gpt2 import read_in_pieces
from composer.neural.runtime import Floats, Layers

_ROOM = 1.25
"""How much larger than in the sample a key or value may be; what is larger still is cut off there."""
_LARGEST = 127


def ranges(path: Path, x: Floats, heads: int) -> dict[str, Floats]:
    """Return by name the largest size (1, heads, 1, channels) of keys and values while the graph reads x (steps, C)."""
    layers = Layers(path, len(x), heads, x.shape[1], threads=2)
    read_in_pieces(layers, x)
    return {name: np.abs(buffer).max(2, keepdims=True) for name, buffer in layers.buffers.items()}


def shrink(path: Path, largest: dict[str, Floats]) -> bool:
    """Rewrite a graph to keep keys and values in eight bits; return whether this ONNX Runtime can play it.

    Versions before 1.27 cannot: the graph then stays as it was.
    """
    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type == "GroupQueryAttention":
            _in_eight_bits(model.graph, node, largest)
    smaller = path.with_name(f".{path.name}")
    onnx.save(model, str(smaller))
    _, heads, _, channels = next(iter(largest.values())).shape
    try:
        # Version 1.26 loads it and stumbles at the first step.
        Layers(smaller, 2, heads, heads * channels, 1).run(np.zeros((1, heads * channels), np.float32), 0)
    except Exception:
        smaller.unlink()
        return False
    os.replace(smaller, path)
    return True


def _in_eight_bits(graph: Any, node: Any, largest: dict[str, Floats]) -> None:
    buffers = {*node.input[3:5], *node.output[1:3]}
    for info in (*graph.input, *graph.output):
        if info.name in buffers:
            info.type.tensor_type.elem_type = TensorProto.INT8
    steps = {f"{name}.step": np.maximum(largest[name], 1e-9) * (_ROOM / _LARGEST) for name in node.input[3:5]}
    graph.initializer.extend(numpy_helper.from_array(step.astype(np.float32), name) for name, step in steps.items())
    node.input.extend([""] * (12 - len(node.input)) + list(steps))
    kinds = {"k_quant_type": "PER_CHANNEL", "v_quant_type": "PER_CHANNEL", "kv_cache_bit_width": 8}
    node.attribute.extend(helper.make_attribute(key, value) for key, value in kinds.items())
