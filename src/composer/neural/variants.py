"""Other ways to run the graph of a published checkpoint, measured in turns beside the one that is played.

Each way keeps the same control over every step; what differs is how weights and buffers are kept and who waits how.
Random weights tell how fast a way is, not how true: four bits and an eight-bit buffer also cost likelihood.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from composer.neural.runtime import Layers
from composer.neural.shapes import PUBLISHED, PUBLISHED_CONTEXT, make_published

BLOCK = 32
"""Inputs that share a scale where weights are kept in blocks."""
CACHE_SCALE = 3.5 / 127
"""The step of an eight-bit buffer; random keys and values stay below 3.5."""


@dataclass(frozen=True, slots=True)
class Way:
    """Hold how a graph is kept and run."""

    weights: str = "int8"
    """"int8": a scale an output; "float"; "8" and "4": bits in blocks with a scale each."""
    cache: str = "float"
    threads: int = 2
    spin: bool = True
    """Whether threads wait actively while a run is under way."""
    bound: bool = True
    """Whether buffers are bound in place, or copied at every step."""


WAYS = {
    "as played": Way(),
    "sleeping threads": Way(spin=False),
    "one thread": Way(threads=1),
    "buffers copied at every step": Way(bound=False),
    "float weights": Way("float"),
    "8 bits in blocks of 32": Way("8"),
    "4 bits in blocks of 32": Way("4"),
    "int8 keys and values": Way(cache="int8"),
    "int8 keys and values, one thread": Way(cache="int8", threads=1),
    "int8 keys and values, 4 bits in blocks": Way("4", "int8"),
}


def runners(name: str) -> dict[str, Any]:
    """Return a graph of the published shape `name` for each of WAYS, with random weights."""
    n_layer, n_head, n_embd = PUBLISHED[name]
    out: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="composer-") as scratch:
        folder = Path(scratch)
        for int8 in (True, False):
            make_published(folder, n_layer, n_head, n_embd, int8=int8)
        for title, way in WAYS.items():
            path = folder / ("trunk.int8.onnx" if way.weights == "int8" else "trunk.onnx")
            if way.weights in ("8", "4") or way.cache != "float":
                path = rewrite(path, folder / f"{len(out)}.onnx", way)
            kind = Layers if way.bound else Copying
            out[title] = kind(path, PUBLISHED_CONTEXT, n_head, n_embd, way.threads, spin=way.spin)
    return out


class Copying(Layers):
    """Run a graph without bound buffers: keys and values go in and come out as copies."""

    def run(self, x: Any, past: int) -> Any:
        """Return the output (steps, C) of the graph after `past` steps."""
        ends = {"last_index": np.array([past + len(x) - 1], np.int32), "total": np.array([past + len(x)], np.int32)}
        y, *kept = self.session.run(None, {"x": x[None]} | ends | self.buffers)
        self.buffers = dict(zip(self.buffers, kept, strict=True))
        return y[0]


def rewrite(source: Path, target: Path, way: Way) -> Path:
    """Write the graph at `source` with its weights in blocks, or its buffers in eight bits, and return `target`."""
    model = onnx.load(source)
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "MatMul" and way.weights in ("8", "4"):
            tensor = weights[node.input[1]]
            _in_blocks(graph, node, numpy_helper.to_array(tensor), int(way.weights))
            graph.initializer.remove(tensor)
        if node.op_type == "GroupQueryAttention" and way.cache == "int8":
            _cache_in_eight_bits(graph, node)
    big = model.ByteSize() > 1_500_000_000
    onnx.save(model, str(target), save_as_external_data=big, location=target.name + ".data")
    return target


def _in_blocks(graph: Any, node: Any, weight: Any, bits: int) -> None:
    inputs, outputs = weight.shape
    blocks = weight.T.reshape(outputs, inputs // BLOCK, BLOCK)
    middle = 2 ** (bits - 1)
    scale = np.maximum(np.abs(blocks).max(2, keepdims=True), 1e-9) / (middle - 1)
    coded = np.clip(np.round(blocks / scale) + middle, 0, 2 * middle - 1).astype(np.uint8)
    if bits == 4:
        coded = coded[..., 0::2] | (coded[..., 1::2] << 4)
    name = node.input[1]
    scales = np.ascontiguousarray(scale[..., 0], np.float32)
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(coded), name + ".coded"))
    graph.initializer.append(numpy_helper.from_array(scales, name + ".scales"))
    sizes = {"K": inputs, "N": outputs, "bits": bits, "block_size": BLOCK, "accuracy_level": 4}
    told = [node.input[0], name + ".coded", name + ".scales"]
    node.CopyFrom(helper.make_node("MatMulNBits", told, list(node.output), domain="com.microsoft", **sizes))


def _cache_in_eight_bits(graph: Any, node: Any) -> None:
    buffers = {*node.input[3:5], *node.output[1:3]}
    for info in (*graph.input, *graph.output):
        if info.name in buffers:
            info.type.tensor_type.elem_type = TensorProto.INT8
            heads, width = (info.type.tensor_type.shape.dim[i].dim_value for i in (1, 3))
    scale = node.output[0] + ".scale"
    steps = np.full((1, heads, 1, width), CACHE_SCALE, np.float32)
    graph.initializer.append(numpy_helper.from_array(steps, scale))
    node.input.extend([""] * 5 + [scale, scale])
    kinds = {"k_quant_type": "PER_CHANNEL", "v_quant_type": "PER_CHANNEL", "kv_cache_bit_width": 8}
    node.attribute.extend(helper.make_attribute(key, value) for key, value in kinds.items())
