"""Models of random weights in the shapes that are played, made for a measurement and thrown away."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from composer.errors import UsageError

PUBLISHED = {"amt-small": (12, 12, 768), "amt-medium": (24, 16, 1024), "amt-large": (36, 20, 1280)}
"""Layers, heads and width of the published checkpoints of the Anticipatory Music Transformer."""
PUBLISHED_VOCABULARY = 55_028
PUBLISHED_CONTEXT = 1_024
PUBLISHED_ROWS = (slice(0, 10_000), slice(10_000, 11_000), slice(11_000, 27_513))
"""Their tokens of time, duration and note: what is asked for at each third step."""
PUBLISHED_BAND = np.r_[11_000:11_512, 27_512]
"""Their tokens of four instruments' notes and of the rest: the largest band that may be chosen, and a player."""


def make(model: str, folder: Path, bits: int = 4) -> None:
    """Write to `folder` a model of the shape that `model` names ("shape:amt-small", "shape:5x256"), ready to play.

    Weights of a published shape are kept in `bits`, 4 or 8, ours in eight. UsageError says which shapes there are.
    Needs torch and onnx.
    """
    published = PUBLISHED.get(model.removeprefix("shape:"))
    ours = re.fullmatch(r"shape:(\d+)x(\d+)", model)
    if published and model.startswith("shape:"):
        make_published(folder, *published, bits=0 if bits == 8 else bits)
    elif ours and 2 <= int(ours[1]) <= 64 and 32 <= int(ours[2]) <= 4096 and int(ours[2]) % 32 == 0:
        make_random(folder, int(ours[1]), int(ours[2]))
    else:
        known = ", ".join(f"shape:{name}" for name in PUBLISHED)
        raise UsageError(
            f"there is no model {model!r}; name a model, a folder, {known}, or layers x width such as shape:5x256"
            " (2 to 64 layers, a width up to 4096 that 32 divides)"
        )


def make_random(folder: Path, n_layer: int, n_embd: int) -> None:
    """Write a model of random weights that speaks the block vocabulary, in int8 (torch)."""
    from composer.neural.checkpoint import save_model
    from composer.neural.export import export
    from composer.neural.model import Anticipator, Config

    # The sizes of composer.tokenizers.blocks, which this package does not import.
    config = Config(n_layer, n_embd, n_embd // 32, 1100, 80, 49, 13, 109, 256, 33)
    save_model(folder, Anticipator(config))
    export(folder)


def make_published(
    folder: Path,
    n_layer: int,
    n_head: int,
    n_embd: int,
    *,
    int8: bool = True,
    cache: bool | None = None,
    bits: int = 0,
) -> None:
    """Write a checkpoint of GPT-2's layout with random weights, as composer.neural.gpt2 plays it (onnx).

    `int8` and `cache` are those of composer.neural.gpt2_graph.write; `bits` keeps matrices in so many, in blocks.
    """
    from composer.neural.blockwise import BLOCK, nearest
    from composer.neural.gpt2_graph import matrices, write
    from composer.neural.gpt2_layout import LAYER

    config: dict[str, Any] = {
        "model_type": "gpt2",
        "n_layer": n_layer,
        "n_head": n_head,
        "n_embd": n_embd,
        "scale_attn_by_inverse_layer_idx": True,
        "layer_norm_epsilon": 1e-5,
    }
    rng = np.random.default_rng(0)

    def random(*shape: int) -> Any:
        return rng.standard_normal(shape, dtype=np.float32) * np.float32(0.02)

    tensors = {
        "wte.weight": random(PUBLISHED_VOCABULARY, n_embd),
        "wpe.weight": random(PUBLISHED_CONTEXT, n_embd),
        "ln_f.weight": 1 + random(n_embd),
        "ln_f.bias": random(n_embd),
    }
    for layer in range(n_layer):
        for name, sizes in LAYER.items():
            gain = 1 if name in ("ln_1.weight", "ln_2.weight") else 0
            tensors[f"h.{layer}.{name}"] = gain + random(*(n_embd * size for size in sizes))
    weights = matrices(n_layer, tensors, PUBLISHED_ROWS) if bits else {}
    few = {name: nearest(weight, bits, min(BLOCK, n_embd)) for name, weight in weights.items()}
    write(config, tensors, folder, PUBLISHED_ROWS, int8=int8, cache=cache, coded=few)
