"""Write the graphs that play a model of GPT-2's layout: the layers, and a head for each slice of the vocabulary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from composer.neural import gpt2_compiled
from composer.neural.blockwise import Coded
from composer.neural.export import Graph
from composer.neural.gpt2 import TABLES
from composer.neural.gpt2_cache import ranges, shrink, steps
from composer.neural.gpt2_layout import LAYER, attention_scale
from composer.neural.runtime import Floats

CONFIG = ("model_type", "n_layer", "n_head", "n_embd", "scale_attn_by_inverse_layer_idx", "layer_norm_epsilon")
LARGEST_GRAPH = 1_500_000_000
"""Bytes of weights up to which a graph is one file."""
Tensors = dict[str, Floats]


def write(
    config: dict[str, Any],
    tensors: Tensors,
    folder: Path,
    heads: Sequence[slice],
    *,
    int8: bool = True,
    cache: bool | None = None,
    sample: Sequence[Sequence[int]] = (),
    coded: Mapping[str, Coded] | None = None,
) -> None:
    """Write to `folder` what composer.neural.gpt2 plays, from a configuration and tensors by GPT-2's names.

    Each of `heads` names rows of the vocabulary that get a head of their own. With `int8` weights are kept in eight
    bits, those of `coded` as they are there (heads by `head_name`). With `cache` keys and values are kept in eight bits
    as well, with None where that is faster: how large they become is seen by reading the pieces of `sample`, or tokens
    of all heads in turn. The configuration is written last.
    """
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    suffix = ".int8.onnx" if int8 else ".onnx"
    trunk = folder / f"trunk{suffix}"
    coded = coded or {}
    _trunk(config, tensors, coded, trunk, int8)
    if int8 and cache is not False:
        read = [embedded(tensors, piece) for piece in sample or [_anything(heads, len(tensors["wpe.weight"]))]]
        largest = ranges(trunk, read, config["n_head"])
        gpt2_compiled.save(folder, config, tensors, coded, steps(largest))
        shrink(trunk, largest, always=cache is True)
    products = matrices(config["n_layer"], tensors, heads)
    for rows in heads:
        name = head_name(rows)
        g = Graph()
        g.inputs.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, config["n_embd"]]))
        g.outputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, rows.stop - rows.start]))
        g.node("Identity", [_linear(g, "head", "x", products[name], None, int8, coded.get(name))], ["y"])
        g.save(folder / f"{name}{suffix}")
    save_file({"wte": tensors["wte.weight"], "wpe": tensors["wpe.weight"]}, folder / TABLES)
    (folder / TABLES).chmod(0o644)  # save_file keeps it from everybody else
    bits = [coded[name].bits if name in coded else 8 for name in products]
    kept = {name: config[name] for name in CONFIG} | {
        "vocab_size": len(tensors["wte.weight"]),
        "n_positions": len(tensors["wpe.weight"]),
        "bits": sum(bits) / len(bits) if int8 else 32,
    }
    (folder / "config.json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def head_name(rows: slice) -> str:
    """Return the name of the head of these rows of the vocabulary."""
    return f"head.{rows.start}-{rows.stop}"


def matrices(n_layer: int, tensors: Tensors, heads: Sequence[slice]) -> Tensors:
    """Return by name what inputs are multiplied by (inputs, outputs): matrices of the layers, and rows of each head."""
    names = (f"h.{n}.{name}" for n in range(n_layer) for name, sizes in LAYER.items() if len(sizes) == 2)
    return {name: tensors[name] for name in names} | {head_name(rows): tensors["wte.weight"][rows].T for rows in heads}


def embedded(tensors: Tensors, tokens: Sequence[int]) -> Floats:
    """Return what the layers are given of tokens at the first positions: (tokens, C)."""
    x: Floats = tensors["wte.weight"][list(tokens)] + tensors["wpe.weight"][: len(tokens)]
    return x


def _anything(heads: Sequence[slice], length: int) -> list[int]:
    rng = np.random.default_rng(0)
    return [int(rng.integers(rows.start, rows.stop)) for rows in islice(cycle(heads), length)]


def _trunk(config: dict[str, Any], tensors: Tensors, coded: Mapping[str, Coded], path: Path, int8: bool) -> None:
    C = config["n_embd"]
    g = Graph()
    g.inputs += [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "steps", C]),
        helper.make_tensor_value_info("last_index", TensorProto.INT32, [1]),
        helper.make_tensor_value_info("total", TensorProto.INT32, [1]),
    ]
    g.outputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "steps", C]))
    x = "x"
    for layer in range(config["n_layer"]):
        x = _layer(g, config, tensors, coded, layer, x, int8)
    g.node("Identity", [_norm(g, config, tensors, "ln_f", x)], ["y"])
    size = sum(tensor.nbytes for name, tensor in tensors.items() if name.startswith("h."))
    g.save(path, apart=not int8 and size > LARGEST_GRAPH)


def _layer(
    g: Graph, config: dict[str, Any], tensors: Tensors, coded: Mapping[str, Coded], layer: int, x: str, int8: bool
) -> str:
    H, D = config["n_head"], config["n_embd"] // config["n_head"]
    name = f"h.{layer}"

    def linear(part: str, value: str) -> str:
        weight, bias = (tensors[f"{name}.{part}.{kind}"] for kind in ("weight", "bias"))
        return _linear(g, f"{name}.{part}", value, weight, bias, int8, coded.get(f"{name}.{part}.weight"))

    qkv = linear("attn.c_attn", _norm(g, config, tensors, f"{name}.ln_1", x))
    y = g.attention(name, qkv, H, D, attention_scale(config, layer))
    x = g.node("Add", [x, linear("attn.c_proj", y)])
    up = g.node("FastGelu", [linear("mlp.c_fc", _norm(g, config, tensors, f"{name}.ln_2", x))], domain="com.microsoft")
    return str(g.node("Add", [x, linear("mlp.c_proj", up)]))


def _norm(g: Graph, config: dict[str, Any], tensors: Tensors, name: str, x: str) -> str:
    weights = [g.weight(f"{name}.{kind}", tensors[f"{name}.{kind}"]) for kind in ("weight", "bias")]
    return str(g.node("LayerNormalization", [x, *weights], axis=-1, epsilon=config["layer_norm_epsilon"]))


def _linear(
    g: Graph, name: str, x: str, weight: Floats, bias: Floats | None, int8: bool, few: Coded | None = None
) -> str:
    """Multiply by weight (in, out), or by `few` in its place.

    In eight bits each output has a scale of its own, and inputs one for each call; in few there is a scale for each
    block, of inputs in eight bits as well.
    """
    told = [g.weight(f"{name}.bias", bias)] if bias is not None else []
    if few:
        weights = [g.weight(f"{name}.codes", few.packed()), g.weight(f"{name}.scales", few.scales.T)]
        given = [x, *weights, "", "", *told]
        return str(g.node("MatMulNBits", given, domain="com.microsoft", **few.sizes()))
    if int8:
        scale = np.maximum(np.abs(weight).max(axis=0), 1e-12) / 127
        weights = [
            g.weight(f"{name}.weight", np.round(weight / scale).astype(np.int8)),
            g.weight(f"{name}.scale", scale.astype(np.float32)),
        ]
        return str(g.node("DynamicQuantizeMatMul", [x, *weights, "", *told], domain="com.microsoft"))
    product = str(g.node("MatMul", [x, g.weight(f"{name}.weight", weight)]))
    return str(g.node("Add", [product, *told])) if told else product
