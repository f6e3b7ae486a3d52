"""Play the layers of a model of GPT-2's layout by code compiled for this processor, in place of ONNX Runtime.

Matrices are in four or eight bits, keys and values in eight, all with a scale for each block of inputs. Where the
processor, the model's shape or the installation does not allow it, the graph is played.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.neural.blockwise import BLOCK, Coded, nearest
from composer.neural.gpt2_layout import LAYER, attention_scale
from composer.neural.runtime import Floats

FILE = "layers.safetensors"
_MATRICES = {name.removesuffix(".weight"): sizes for name, sizes in LAYER.items() if len(sizes) == 2}
_NORMS = tuple(name for name in LAYER if name.startswith("ln_"))
_MOST = 32
"""Tokens that are read at once."""


@cache
def is_possible() -> bool:
    """Return whether this processor and this installation can compile; asking takes half a second once."""
    try:
        from llvmlite import binding

        import composer.neural.gpt2_kernel

        features = binding.get_host_cpu_features()
    except Exception:
        # Not installed, broken, of another NumPy, no folder to keep what was compiled: the graph plays all the same.
        return False
    return bool(composer.neural.gpt2_kernel.run and features.get("avx2") and features.get("fma"))


def save(
    folder: Path,
    config: dict[str, Any],
    tensors: dict[str, Floats],
    coded: Mapping[str, Coded],
    steps: Mapping[str, Floats],
) -> None:
    """Write the layers to `folder`, if they can be played here and have a shape that can.

    `tensors` are those of GPT-2's names; matrices of `coded` stay as they are there, the others are rounded to eight
    bits. `steps` are those of keys and values (1, heads, 1, channels) by name, as in "h.0.k".
    """
    from safetensors.numpy import save_file

    (folder / FILE).unlink(missing_ok=True)  # Of another checkpoint, it would play.
    if not is_possible():
        return
    from composer.neural.gpt2_vectors import CHANNELS

    C, H = config["n_embd"], config["n_head"]
    if C % BLOCK or C != H * CHANNELS:
        return
    kept: dict[str, NDArray[Any]] = {}
    for layer in range(config["n_layer"]):
        name = f"h.{layer}"
        key, value = steps[f"{name}.k"].ravel(), steps[f"{name}.v"].max()
        # What a query gains a key loses, and what a value loses its output gains: they are rounded to whole numbers.
        gains = {"attn.c_attn": np.r_[key * attention_scale(config, layer), 1 / key, np.full(C, 1 / value)]}
        for part in _MATRICES:
            weight = f"{name}.{part}.weight"
            few = coded[weight] if weight in coded else nearest(tensors[weight], bits=8)
            gain = gains.get(part, np.float32(1))
            scales = few.scales * gain * (value if part == "attn.c_proj" else 1)
            kept[f"{name}.{part}.codes"] = _packed(few)
            kept[f"{name}.{part}.scales"] = np.ascontiguousarray(scales.T, np.float32)
            kept[f"{name}.{part}.bias"] = (tensors[f"{name}.{part}.bias"] * gain).astype(np.float32)
        kept |= {f"{name}.{part}": tensors[f"{name}.{part}"] for part in _NORMS}
    save_file(kept | {part: tensors[part] for part in ("ln_f.weight", "ln_f.bias")}, folder / FILE)
    (folder / FILE).chmod(0o644)  # save_file keeps it from everybody else


def _packed(few: Coded) -> NDArray[np.uint8]:
    """Return codes (outputs, bytes): in eight bits signed, in four two runs of 32 inputs in as many bytes."""
    by_output = few.codes.T
    if few.bits == 8:
        return np.ascontiguousarray(by_output ^ 128)
    runs = by_output.reshape(len(by_output), -1, 2, 32)
    return np.ascontiguousarray(runs[:, :, 0] | runs[:, :, 1] << 4).reshape(len(by_output), -1)


class CompiledLayers:
    """Run the layers over their buffers of keys and values."""

    depends_on_pieces = False

    def __init__(self, path: Path, config: dict[str, Any], context: int, threads: int) -> None:
        """Load what `save` wrote. What is not compiled yet takes some seconds, once for an installation.

        ValueError says which tensor is of another shape or holds what is no number, KeyError which one is missing.
        """
        from safetensors.numpy import load_file

        from composer.neural import gpt2_kernel
        from composer.neural.gpt2_vectors import CHANNELS

        layers, heads, C = (int(config[name]) for name in ("n_layer", "n_head", "n_embd"))
        if heads * CHANNELS != C:
            raise ValueError(f"config.json tells of {heads} heads in a width of {C}")
        tensors = load_file(path)
        self._last = _norms(tensors, "ln_f", ("weight", "bias"), C)
        self.width, self._kernel, self._threads = C, gpt2_kernel, threads
        self._epsilon = np.float32(config["layer_norm_epsilon"])
        self._weights = gpt2_kernel.Weights._make((*_laid_out(tensors, layers, C), self._epsilon))
        self._space = _space(gpt2_kernel, layers, C, context, threads)
        self._others = ThreadPoolExecutor(max(1, threads - 1), "layers")
        self._numbers = count(1)
        self._make_buffers((2, layers, heads, context, C // heads))
        self.run(np.zeros((1, C), np.float32), 0)

    def twin(self) -> CompiledLayers:
        """Return the same layers, loaded once, over buffers of their own; one thread at a time uses either."""
        other = copy(self)
        other._make_buffers(self.buffers.shape)
        return other

    def _make_buffers(self, shape: tuple[int, ...]) -> None:
        # Written to at once: memory that never was is taken while music plays.
        self.buffers = np.empty(shape, np.int8)
        self.buffers.fill(0)

    def run(self, x: Floats, past: int) -> Floats:
        """Return the output (steps, C) of steps x (steps, C) that follow `past` steps in the buffers.

        ValueError when there is no room for so many.
        """
        if past + len(x) > self.buffers.shape[3]:
            raise ValueError(f"{len(x)} more steps do not fit after {past} of {self.buffers.shape[3]}")
        y = np.empty(x.shape, np.float32)
        for first in range(0, len(x), _MOST):
            now = slice(first, first + _MOST)
            self._run(x[now], past + first)
            for hidden, into in zip(self._space.x, y[now], strict=False):
                self._kernel.norm(hidden, *self._last, self._epsilon, into)
        return y

    def _run(self, x: Floats, past: int) -> None:
        space, number = self._space, next(self._numbers)
        space.x[: len(x)] = x
        for counters in (space.begun, space.done):
            counters[:] = self._kernel.beginning(number)
        given: tuple[Any, ...] = number, len(x), past, self._weights, self.buffers, space
        for rank in range(1, self._threads):
            self._others.submit(self._kernel.run, rank, *given)
        self._kernel.run(0, *given)


def _laid_out(tensors: Mapping[str, NDArray[Any]], layers: int, C: int) -> tuple[NDArray[Any], ...]:
    """Return what composer.neural.gpt2_kernel.Weights holds of all layers, up to the norms."""
    parts: list[list[NDArray[Any]]] = [[], [], []]
    where, begins = [], [0, 0, 0]
    for name, sizes in ((f"h.{n}.{part}", sizes) for n in range(layers) for part, sizes in _MATRICES.items()):
        inputs, outputs = (C * size for size in sizes)
        found = [tensors[f"{name}.{kind}"] for kind in ("codes", "scales", "bias")]
        bits = 8 * found[0].size // (outputs * inputs)
        shapes = [(outputs, inputs * bits // 8), (outputs, inputs // BLOCK), (outputs,)]
        if bits not in (4, 8) or found[0].dtype != np.uint8 or [each.shape for each in found] != shapes:
            raise ValueError(f"{name} has a shape that config.json contradicts")
        where.append([outputs, inputs, bits, *begins])
        for all_of_them, each in zip(parts, found, strict=True):
            all_of_them.append(each.ravel())
        begins = [begin + each.size for begin, each in zip(begins, found, strict=True)]
    # In one piece they get large pages, which are read faster.
    codes, scales, biases = (np.concatenate(each) for each in parts)
    norms = np.stack([_norms(tensors, f"h.{n}", _NORMS, C) for n in range(layers)])
    if not all(each.dtype == np.float32 and np.isfinite(each).all() for each in (scales, biases)):
        raise ValueError("scales or biases are not numbers")
    return np.array(where, np.int64).reshape(layers, len(_MATRICES), -1), codes, scales, biases, norms


def _norms(tensors: Mapping[str, NDArray[Any]], name: str, parts: Sequence[str], C: int) -> Floats:
    """Return the gains and biases (parts, C) of norms."""
    found = np.stack([tensors[f"{name}.{part}"] for part in parts])
    if found.dtype != np.float32 or found.shape != (len(parts), C) or not np.isfinite(found).all():
        raise ValueError(f"the norms of {name} are not numbers, or not {C}")
    return found


def _space(kernel: Any, layers: int, C: int, context: int, threads: int) -> Any:
    def floats(*shape: int) -> Floats:
        return np.zeros(shape, np.float32)

    blocks = 4 * C // BLOCK
    return kernel.Space(
        begun=np.zeros(layers * kernel.PHASES, np.int64),
        done=np.zeros(layers * kernel.PHASES, np.int64),
        x=floats(_MOST, C),
        qkv=floats(_MOST, 3 * C),
        attended=floats(_MOST, C),
        up=floats(_MOST, 4 * C),
        product=floats(_MOST, C),
        normed=floats(threads, C),
        inputs=np.zeros((threads, _MOST, 4 * C), np.int8),
        input_scales=floats(threads, _MOST, blocks),
        shifts=np.zeros((threads, _MOST, blocks, 8), np.int32),
        shares=floats(threads, kernel.TILE, context),
    )
