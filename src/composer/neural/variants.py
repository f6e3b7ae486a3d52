"""Other ways to run the graph of a published checkpoint, measured in turns beside the one that is played.

Each way keeps the same control over every step; what differs is how weights and buffers are kept and who waits how.
Random weights tell how fast a way is, not how true: four bits also cost likelihood.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from composer.neural.blockwise import Coded, nearest
from composer.neural.gpt2_cache import in_eight_bits, ranges
from composer.neural.runtime import Layers
from composer.neural.shapes import PUBLISHED, PUBLISHED_CONTEXT, make_published


@dataclass(frozen=True, slots=True)
class Way:
    """Hold how a graph is kept and run."""

    weights: str = "4"
    """"8" and "4": bits, in blocks of inputs with a scale each; "int8": a scale an output; "float"."""
    cache: str = "float"
    """How keys and values are kept: "int8", a step a channel, or "float"."""
    threads: int = 2
    spin: bool = True
    """Whether threads wait actively while a run is under way."""
    bound: bool = True
    """Whether buffers are bound in place, or copied at every step."""


WAYS = {
    "4-bit weights": Way(),
    "4-bit weights, threads that sleep": Way(spin=False),
    "4-bit weights, one thread": Way(threads=1),
    "4-bit weights, buffers copied at every step": Way(bound=False),
    "4-bit weights, 8-bit keys and values": Way(cache="int8"),
    "8-bit weights": Way("int8"),
    "8-bit weights, keys and values": Way("int8", "int8"),
    "8-bit weights in blocks": Way("8"),
    "float weights": Way("float"),
}


def runners(name: str) -> dict[str, Any]:
    """Return a graph of the published shape `name` for each of WAYS, with random weights."""
    n_layer, n_head, n_embd = PUBLISHED[name]
    out: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="composer-") as scratch:
        folder = Path(scratch)
        for int8 in (True, False):
            make_published(folder, n_layer, n_head, n_embd, int8=int8, cache=False)
        # Layers normalise what they are given, so anything shows how large keys and values become.
        x = np.random.default_rng(0).standard_normal((PUBLISHED_CONTEXT, n_embd), dtype=np.float32)
        largest = ranges(folder / "trunk.int8.onnx", [x], n_head)
        graphs: dict[tuple[str, str], Path] = {}
        for weights, cache in {(way.weights, way.cache) for way in WAYS.values()}:
            source = folder / ("trunk.int8.onnx" if weights == "int8" else "trunk.onnx")
            path = rewrite(source, folder / f"{weights}.onnx", weights)
            graph = path if cache == "float" else in_eight_bits(path, largest)
            if graph:
                graphs[weights, cache] = graph
        for title, way in WAYS.items():
            if graph := graphs.get((way.weights, way.cache)):
                kind = Layers if way.bound else Copying
                out[title] = kind(graph, PUBLISHED_CONTEXT, n_head, n_embd, way.threads, spin=way.spin)
    return out


class Copying(Layers):
    """Run a graph without bound buffers: keys and values go in and come out as copies."""

    def run(self, x: Any, past: int) -> Any:
        """Return the output (steps, C) of the graph after `past` steps."""
        ends = {"last_index": np.array([past + len(x) - 1], np.int32), "total": np.array([past + len(x)], np.int32)}
        y, *kept = self.session.run(None, {"x": x[None]} | ends | self.buffers)
        self.buffers = dict(zip(self.buffers, kept, strict=True))
        return y[0]


def rewrite(source: Path, target: Path, kept: str) -> Path:
    """Write the graph at `source`, its weights in blocks where `kept` is a number of bits, and return `target`."""
    model = onnx.load(source)
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "MatMul" and kept in ("8", "4"):
            tensor = weights[node.input[1]]
            _in_blocks(graph, node, nearest(numpy_helper.to_array(tensor), int(kept)))
            graph.initializer.remove(tensor)
    big = model.ByteSize() > 1_500_000_000
    onnx.save(model, str(target), save_as_external_data=big, location=target.name + ".data")
    return target


def _in_blocks(graph: Any, node: Any, coded: Coded) -> None:
    arrays = {"codes": coded.packed(), "scales": coded.scales.T}
    for kind, array in arrays.items():
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), f"{node.input[1]}.{kind}"))
    told = [node.input[0], *(f"{node.input[1]}.{kind}" for kind in arrays)]
    node.CopyFrom(helper.make_node("MatMulNBits", told, list(node.output), domain="com.microsoft", **coded.sizes()))
