"""Convert a published checkpoint of GPT-2's layout (transformers' GPT2LMHeadModel) into the folder that plays.

Scores of attention are divided by the layer's number as well where the configuration says so: released versions of
transformers ignored that, and played another model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnx import TensorProto, helper

from composer.errors import ModelError
from composer.neural.export import Graph
from composer.neural.gpt2 import TABLES
from composer.neural.runtime import Floats

CONFIG = ("model_type", "n_layer", "n_head", "n_embd", "scale_attn_by_inverse_layer_idx", "layer_norm_epsilon")
LARGEST_GRAPH = 1_500_000_000
"""Bytes of weights up to which a graph is one file."""
_SHAPES = {
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
Tensors = dict[str, Floats]


def convert(source: Path, folder: Path, heads: Iterable[slice], *, int8: bool = True) -> None:
    """Write to `folder` what composer.neural.gpt2 plays, with a head of its own for each of `heads`' rows.

    `source` holds config.json and model.safetensors or pytorch_model.bin. ModelError says in one sentence what is wrong
    with it. The configuration is written last: a folder without one is not finished.
    """
    from safetensors.numpy import save_file

    config, tensors = read_checkpoint(source)
    folder.mkdir(parents=True, exist_ok=True)
    suffix = ".int8.onnx" if int8 else ".onnx"
    _trunk(config, tensors, folder / f"trunk{suffix}", int8)
    table = tensors["wte.weight"]
    for rows in heads:
        g = Graph()
        g.inputs.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, config["n_embd"]]))
        g.outputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, rows.stop - rows.start]))
        g.node("Identity", [_linear(g, "head", "x", table[rows].T, None, int8)], ["y"])
        g.save(folder / f"head.{rows.start}-{rows.stop}{suffix}")
    save_file({"wte": table, "wpe": tensors["wpe.weight"]}, folder / TABLES)
    (folder / TABLES).chmod(0o644)  # save_file keeps it from everybody else
    kept = {name: config[name] for name in CONFIG} | {
        "vocab_size": len(table),
        "n_positions": len(tensors["wpe.weight"]),
    }
    (folder / "config.json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


# --- reading ----------------------------------------------------------------------------------------------------------


def read_checkpoint(folder: Path) -> tuple[dict[str, Any], Tensors]:
    """Return a checkpoint's configuration and its tensors by GPT-2's names, without the prefix that some files have."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        config = {"scale_attn_by_inverse_layer_idx": False, "layer_norm_epsilon": 1e-5} | config
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{folder / 'config.json'} cannot be read as a configuration ({error})") from error
    if config.get("model_type") != "gpt2":
        raise ModelError(
            f"{folder} holds a model of type {config.get('model_type')!r}; checkpoints of type 'gpt2' can be converted"
        )
    wrong = [name for name in ("n_layer", "n_head", "n_embd") if not isinstance(config.get(name), int)]
    if wrong or config["n_embd"] % config["n_head"]:
        raise ModelError(f"{folder / 'config.json'} does not say a possible shape ({', '.join(wrong) or 'heads'})")
    if config.get("activation_function", "gelu_new") != "gelu_new":
        raise ModelError(f"{folder} has the activation {config['activation_function']!r}; only 'gelu_new' is played")
    found = {re.sub(r"^transformer\.", "", name): tensor for name, tensor in _tensors(folder).items()}
    return config, _checked(folder, config, found)


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    safe, pickled = folder / "model.safetensors", folder / "pytorch_model.bin"
    path = safe if safe.is_file() else pickled
    if not path.is_file():
        raise ModelError(f"{folder} holds neither {safe.name} nor {pickled.name}; download the checkpoint again")
    try:
        if path == safe:
            from safetensors.torch import load_file

            return dict(load_file(safe))
        # A pickle may hold a program; only tensors are taken out of it.
        loaded = torch.load(pickled, map_location="cpu", weights_only=True)
        return {name: value for name, value in loaded.items() if isinstance(value, torch.Tensor)}
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"{path} cannot be read ({reason}); it may be cut off: download it again") from error


def _checked(folder: Path, config: dict[str, Any], found: dict[str, torch.Tensor]) -> Tensors:
    width = config["n_embd"]
    shapes: dict[str, tuple[int | None, ...]] = {
        "wte.weight": (None, width),
        "wpe.weight": (None, width),
        "ln_f.weight": (width,),
        "ln_f.bias": (width,),
    }
    for layer in range(config["n_layer"]):
        shapes |= {f"h.{layer}.{name}": tuple(width * n for n in shape) for name, shape in _SHAPES.items()}
    tensors: Tensors = {}
    for name, shape in shapes.items():
        tensor = found.get(name)
        if tensor is None:
            raise ModelError(
                f"the checkpoint in {folder} has no tensor {name}; it is cut off or of another architecture"
            )
        if len(tensor.shape) != len(shape) or any(a != b for a, b in zip(tensor.shape, shape, strict=True) if b):
            raise ModelError(
                f"the tensor {name} in {folder} has the shape {tuple(tensor.shape)}, which config.json contradicts"
            )
        if not bool(torch.isfinite(tensor).all()):
            raise ModelError(f"the tensor {name} in {folder} holds values that are not numbers; download it again")
        tensors[name] = tensor.float().numpy()
    head = found.get("lm_head.weight")
    if head is not None and not torch.equal(head, found["wte.weight"]):
        raise ModelError(
            f"{folder} has an output layer of its own; only checkpoints that share the embedding are played"
        )
    return tensors


# --- graphs -----------------------------------------------------------------------------------------------------------


def _trunk(config: dict[str, Any], tensors: Tensors, path: Path, int8: bool) -> None:
    C = config["n_embd"]
    g = Graph()
    g.inputs += [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "steps", C]),
        helper.make_tensor_value_info("last_index", TensorProto.INT32, [1]),
        helper.make_tensor_value_info("total", TensorProto.INT32, [1]),
    ]
    g.outputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "steps", C]))
    g.weight("thirds", np.array([C, C, C], np.int64))
    x = "x"
    for layer in range(config["n_layer"]):
        x = _layer(g, config, tensors, layer, x, int8)
    g.node("Identity", [_norm(g, config, tensors, "ln_f", x)], ["y"])
    size = sum(tensor.nbytes for name, tensor in tensors.items() if name.startswith("h."))
    g.save(path, apart=not int8 and size > LARGEST_GRAPH)


def _layer(g: Graph, config: dict[str, Any], tensors: Tensors, layer: int, x: str, int8: bool) -> str:
    H, D = config["n_head"], config["n_embd"] // config["n_head"]
    name = f"h.{layer}"

    def linear(part: str, value: str) -> str:
        weight, bias = (tensors[f"{name}.{part}.{kind}"] for kind in ("weight", "bias"))
        return _linear(g, f"{name}.{part}", value, weight, bias, int8)

    q, k, v = g.node(
        "Split", [linear("attn.c_attn", _norm(g, config, tensors, f"{name}.ln_1", x)), "thirds"], 3, axis=-1
    )
    inverse = layer + 1 if config["scale_attn_by_inverse_layer_idx"] else 1
    y = g.attention(name, [q, k, v], H, D, float(D) ** -0.5 / inverse)
    x = g.node("Add", [x, linear("attn.c_proj", y)])
    up = g.node("FastGelu", [linear("mlp.c_fc", _norm(g, config, tensors, f"{name}.ln_2", x))], domain="com.microsoft")
    return str(g.node("Add", [x, linear("mlp.c_proj", up)]))


def _norm(g: Graph, config: dict[str, Any], tensors: Tensors, name: str, x: str) -> str:
    weights = [g.weight(f"{name}.{kind}", tensors[f"{name}.{kind}"]) for kind in ("weight", "bias")]
    return str(g.node("LayerNormalization", [x, *weights], axis=-1, epsilon=config["layer_norm_epsilon"]))


def _linear(g: Graph, name: str, x: str, weight: Floats, bias: Floats | None, int8: bool) -> str:
    """Multiply by weight (in, out); in eight bits each output has a scale of its own, and inputs one for each call."""
    told = [g.weight(f"{name}.bias", bias)] if bias is not None else []
    if int8:
        scale = np.maximum(np.abs(weight).max(axis=0), 1e-12) / 127
        weights = [
            g.weight(f"{name}.weight", np.round(weight / scale).astype(np.int8)),
            g.weight(f"{name}.scale", scale.astype(np.float32)),
        ]
        return str(g.node("DynamicQuantizeMatMul", [x, *weights, "", *told], domain="com.microsoft"))
    product = str(g.node("MatMul", [x, g.weight(f"{name}.weight", weight)]))
    return str(g.node("Add", [product, *told])) if told else product
