"""What a layer of GPT-2's layout is made of, whatever runs it."""

from __future__ import annotations

from typing import Any

LAYER = {
    "ln_1.weight": (1,),
    "ln_1.bias": (1,),
    "attn.c_attn.weight": (1, 3),
    "attn.c_attn.bias": (3,),
    "attn.c_proj.weight": (1, 1),
    "attn.c_proj.bias": (1,),
    "ln_2.weight": (1,),
    "ln_2.bias": (1,),
    "mlp.c_fc.weight": (1, 4),
    "mlp.c_fc.bias": (4,),
    "mlp.c_proj.weight": (4, 1),
    "mlp.c_proj.bias": (1,),
}
"""The tensors of a layer, their sizes in multiples of the width."""


def attention_scale(config: dict[str, Any], layer: int) -> float:
    """Return what the scores of attention are multiplied by in a layer, counted from 0."""
    inverse = layer + 1 if config["scale_attn_by_inverse_layer_idx"] else 1
    return float((config["n_embd"] // config["n_head"]) ** -0.5 / inverse)
