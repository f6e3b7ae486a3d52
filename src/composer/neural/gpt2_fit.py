"""Fit the matrices of a model of GPT-2's layout to four bits by what it reads, and ask what that costs (torch).

Each is fitted to what the layers before it, already in four bits, give it: so it makes up for their errors too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from composer.errors import ModelError
from composer.neural.blockwise import BLOCK, Coded, compensated
from composer.neural.gpt2_graph import Tensors, embedded, head_name, matrices
from composer.neural.gpt2_layout import attention_scale
from composer.neural.runtime import Floats

HALVINGS = 3
"""How often the number of matrices in four bits is halved or made half as large again."""
Linear = Callable[[str, Tensor], Tensor]
"""Multiply inputs (..., in) by the matrix of a name."""
Scores = Callable[[Floats, slice], Floats]
"""Return the logits (n, rows) of these rows of the vocabulary after what stands after n tokens (n, C)."""


def fit(
    config: dict[str, Any],
    tensors: Tensors,
    heads: Sequence[slice],
    pieces: Sequence[Sequence[int]],
    told: Callable[[float], object] = lambda share: None,
) -> dict[str, Coded]:
    """Return the matrices of layers and `heads` in four bits, by name, fitted to pieces of equal length.

    They come in the order of how little of what they say is spoiled. `told` hears after each what share of them is
    done. Nothing is fitted where blocks of inputs do not fit into the width. ModelError when what the layers compute
    are no numbers.
    """
    if config["n_embd"] % BLOCK:
        return {}
    coded: dict[str, Coded] = {}
    spoiled: dict[str, float] = {}
    weights = matrices(config["n_layer"], tensors, heads)

    def fitted(name: str, x: Tensor) -> Tensor:
        heard = x.flatten(0, -2)
        products = heard.T @ heard
        if not bool(torch.isfinite(products).all()):
            raise ModelError(f"what the checkpoint computes at {name} are no numbers; download it again")
        coded[name] = compensated(weights[name], products.numpy())
        kept, weight = (torch.from_numpy(each) for each in (coded[name].matrix(), weights[name]))
        spoiled[name] = _energy(kept - weight, products) / max(_energy(weight, products), 1e-9)
        told(len(coded) / len(weights))
        return x @ kept

    y = _read(config, tensors, np.stack([embedded(tensors, piece) for piece in pieces]), fitted)
    for rows in heads:
        fitted(head_name(rows), torch.from_numpy(y))
    return {name: coded[name] for name in sorted(coded, key=spoiled.__getitem__)}


def _energy(weight: Tensor, products: Tensor) -> float:
    """Return the sum of squares of what a matrix makes of the inputs whose products are given."""
    return float((weight * (products @ weight)).sum())


def most(coded: dict[str, Coded], is_allowed: Callable[[dict[str, Coded]], bool]) -> dict[str, Coded]:
    """Return as many of the first matrices as are allowed, all of them or so many quarters and eighths."""
    if not coded or is_allowed(coded):
        return coded
    names, known, forbidden = list(coded), 0, len(coded)
    for _ in range(HALVINGS):
        tried = (known + forbidden) // 2
        if is_allowed({name: coded[name] for name in names[:tried]}):
            known = tried
        else:
            forbidden = tried
    return {name: coded[name] for name in names[:known]}


def read(
    config: dict[str, Any], tensors: Tensors, tokens: Sequence[int], coded: Mapping[str, Coded] | None = None
) -> Floats:
    """Return what stands after each of `tokens`: (tokens, C), to be multiplied by rows of the embedding.

    The layers' matrices are those of `coded` where they are there, all else is in float.
    """

    def linear(name: str, x: Tensor) -> Tensor:
        few = (coded or {}).get(name)
        return x @ torch.from_numpy(few.matrix() if few else tensors[name])

    found: Floats = _read(config, tensors, embedded(tensors, tokens)[None], linear)[0]
    return found


def multiply(table: Floats, coded: Mapping[str, Coded]) -> Scores:
    """Return how hidden states are multiplied by rows of the embedding, in the bits of `coded` where they are there."""

    def scores(hidden: Floats, rows: slice) -> Floats:
        few = coded.get(head_name(rows))
        found: Floats = hidden @ (few.matrix() if few else table[rows].T)
        return found

    return scores


def loss(heads: Sequence[slice], scores: Scores, read: Iterable[tuple[Sequence[int], Floats]]) -> float:
    """Return nats a token of pieces, each with what stands after each of its tokens.

    Tokens count that are in one of the `heads`, each among the rows that are legal there. The first token of a piece is
    given.
    """
    lost = []
    for tokens, hidden in read:
        told = np.array(tokens[1:])
        for rows in heads:
            at = np.flatnonzero((rows.start <= told) & (told < rows.stop))
            logits = torch.from_numpy(scores(hidden[at], rows))
            lost.append(F.cross_entropy(logits, torch.from_numpy(told[at] - rows.start), reduction="none"))
    return float(torch.cat(lost).mean())


@torch.no_grad()
def _read(config: dict[str, Any], tensors: Tensors, x: Floats, linear: Linear) -> Floats:
    """Return the output (B, T, C) of the layers for x (B, T, C)."""
    C, H = config["n_embd"], config["n_head"]

    def parameter(name: str) -> Tensor:
        return torch.from_numpy(tensors[name])

    def norm(name: str, x: Tensor) -> Tensor:
        weight, bias = (parameter(f"{name}.{kind}") for kind in ("weight", "bias"))
        return F.layer_norm(x, (C,), weight, bias, config["layer_norm_epsilon"])

    def project(name: str, x: Tensor) -> Tensor:
        return linear(f"{name}.weight", x) + parameter(f"{name}.bias")

    read = torch.from_numpy(x)
    for layer in range(config["n_layer"]):
        name = f"h.{layer}"
        qkv = project(f"{name}.attn.c_attn", norm(f"{name}.ln_1", read))
        q, k, v = qkv.view(*qkv.shape[:2], 3, H, C // H).permute(2, 0, 3, 1, 4)  # (B, H, T, C / H)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=attention_scale(config, layer))
        read = read + project(f"{name}.attn.c_proj", y.transpose(1, 2).flatten(2))
        up = F.gelu(project(f"{name}.mlp.c_fc", norm(f"{name}.ln_2", read)), approximate="tanh")
        read = read + project(f"{name}.mlp.c_proj", up)
    found: Floats = norm("ln_f", read).numpy()
    return found
