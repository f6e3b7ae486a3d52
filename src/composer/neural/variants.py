"""Ways to run the layers of a published checkpoint, measured in turns: compiled, and as graphs of several kinds.

Each way keeps the same control over every step; what differs is how weights and buffers are kept and who waits how.
Random weights tell how fast a way is, not how true: four bits also cost likelihood.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from composer.neural.gpt2_cache import in_eight_bits, ranges
from composer.neural.gpt2_compiled import FILE, CompiledLayers
from composer.neural.runtime import Floats, Layers
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


KEPT: dict[str, dict[str, Any]] = {"int8": {}, "8": {"bits": 8}, "4": {"bits": 4}, "float": {"int8": False}}
"""What composer.neural.shapes is asked for, for each kind of weights."""
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


COMPILED = {"4-bit weights, compiled": 4, "8-bit weights, compiled": 8}
"""Bits, in blocks of inputs; keys and values are in eight."""


def runners(name: str) -> dict[str, Any]:
    """Return the published shape `name` with random weights, compiled where that is possible and for each of WAYS."""
    return compiled(name) | graphs(name)


def compiled(name: str) -> dict[str, CompiledLayers]:
    """Return the layers of a published shape for each of COMPILED, none where nothing can be compiled."""
    out = {}
    for title, bits in COMPILED.items():
        with tempfile.TemporaryDirectory(prefix="composer-") as scratch:
            folder = Path(scratch)
            make_published(folder, *PUBLISHED[name], bits=bits)
            if (path := folder / FILE).is_file():
                config = json.loads((folder / "config.json").read_text("utf-8"))
                out[title] = CompiledLayers(path, config, PUBLISHED_CONTEXT, threads=2)
    return out


def graphs(name: str) -> dict[str, Layers]:
    """Return a graph of a published shape for each of WAYS."""
    n_layer, n_head, n_embd = PUBLISHED[name]
    wanted = {(way.weights, way.cache) for way in WAYS.values()}
    out: dict[str, Layers] = {}
    with tempfile.TemporaryDirectory(prefix="composer-") as scratch:
        largest: dict[str, Floats] = {}
        paths: dict[tuple[str, str], Path] = {}
        for weights, keeps in KEPT.items():
            folder = Path(scratch) / weights
            make_published(folder, n_layer, n_head, n_embd, cache=False, **keeps)
            paths[weights, "float"] = next(folder.glob("trunk*.onnx"))
            if not largest:
                # Layers normalise what they are given, so anything shows how large keys and values become.
                x = np.random.default_rng(0).standard_normal((PUBLISHED_CONTEXT, n_embd), dtype=np.float32)
                largest = ranges(paths[weights, "float"], [x], n_head)
            if (weights, "int8") in wanted and (smaller := in_eight_bits(paths[weights, "float"], largest)):
                paths[weights, "int8"] = smaller
        for title, way in WAYS.items():
            if graph := paths.get((way.weights, way.cache)):
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
