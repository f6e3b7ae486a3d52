"""Write a trained model as the two ONNX graphs that play: the trunk, and the last layer.

Each graph keeps its keys and values in buffers of the full context, given as past and present at once, so that going
back to an earlier step means counting fewer of them (GroupQueryAttention, a contrib operator of ONNX Runtime). Tables
and heads are small and stay in model.safetensors: NumPy adds the rows and multiplies the last step only.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from composer.neural.checkpoint import load_model
from composer.neural.model import Anticipator, Layer

EPSILON = float(torch.finfo(torch.float32).eps)
GRAPHS = ("trunk", "last")


class Graph:
    """Collect the nodes and weights of a graph."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def node(
        self, op: str, inputs: list[str], outputs: int | list[str] = 1, domain: str = "", **attributes: Any
    ) -> Any:
        """Add an operation and return the name of its output, or the names when there are several."""
        names = outputs if isinstance(outputs, list) else [f"{op}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, domain=domain, **attributes))
        return names[0] if len(names) == 1 else names

    def weight(self, name: str, value: Any) -> str:
        """Add an array under a name, which is returned."""
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def attention(self, name: str, qkv: str, heads: int, width: int, scale: float, turns: Sequence[str] = ()) -> str:
        """Attend to the buffers `name`.k and `name`.v, which are past and present at once; return the output's name.

        `qkv` holds queries, keys and values side by side. `turns` names tables of cosines and sines, a row for each
        place in the buffers, by which queries and keys are rotated.
        """
        past, present = [f"{name}.k", f"{name}.v"], [f"{name}.k.out", f"{name}.v.out"]
        for tensor in (*past, *present):
            info = helper.make_tensor_value_info(tensor, TensorProto.FLOAT, [1, heads, "context", width])
            (self.inputs if tensor in past else self.outputs).append(info)
        y, *_ = self.node(
            "GroupQueryAttention",
            [qkv, "", "", *past, "last_index", "total", *turns],
            [f"{name}.y", *present],
            domain="com.microsoft",
            num_heads=heads,
            kv_num_heads=heads,
            scale=scale,
            do_rotary=int(bool(turns)),
        )
        return str(y)

    def save(self, path: Path, *, apart: bool = False) -> None:
        """Write the graph; `apart` puts the weights into a file beside it, which they need from 2 GB on."""
        graph = helper.make_graph(self.nodes, path.stem, self.inputs, self.outputs, self.weights)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="composer")
        model.ir_version = 9
        onnx.save(model, str(path), save_as_external_data=apart, location=path.name + ".data")


def _array(tensor: torch.Tensor) -> Any:
    return tensor.detach().float().numpy()


def _norm(g: Graph, name: str, weight: torch.Tensor, x: str, added: str | None) -> tuple[str, str]:
    """Return x with what is `added` to it, and the same normalised: one operation, where two would take twice as long.

    At this size an operation costs more than what it computes.
    """
    scale = g.weight(name, _array(weight))
    if added is None:
        return x, str(g.node("SimplifiedLayerNormalization", [x, scale], axis=-1, epsilon=EPSILON, stash_type=1))
    both = [x, added, scale]
    y, _, _, total = g.node("SkipSimplifiedLayerNormalization", both, 4, domain="com.microsoft", epsilon=EPSILON)
    return str(total), str(y)


def _layer(g: Graph, name: str, layer: Layer, x: str, added: str | None) -> tuple[str, str]:
    """Return the names of what the layer leaves as it is, and of what is still to be added to it."""
    H, C = layer.n_head, layer.out.weight.shape[0]

    def matmul(value: Any, weight: str, linear: torch.nn.Linear) -> str:
        return str(g.node("MatMul", [value, g.weight(f"{name}.{weight}", _array(linear.weight).T)]))

    x, normed = _norm(g, f"{name}.norm_1", layer.norm_1.weight, x, added)
    heads = g.node("Reshape", [matmul(normed, "qkv", layer.qkv), "to_heads"])
    turned, v = g.node("Split", [heads, "queries_and_keys"], 2, axis=2)
    gain = np.concatenate([_array(layer.gain), np.ones(H, np.float32)]).reshape(1, 1, 2 * H, 1)
    turned = g.node("SimplifiedLayerNormalization", [turned, "ones"], axis=-1, epsilon=EPSILON, stash_type=1)
    turned = g.node("Mul", [turned, g.weight(f"{name}.gain", gain)])
    qkv = g.node("Reshape", [g.node("Concat", [turned, v], axis=2), "to_width"])
    y = g.attention(name, qkv, H, C // H, float(C // H) ** -0.5, ("cos", "sin"))
    x, normed = _norm(g, f"{name}.norm_2", layer.norm_2.weight, x, matmul(y, "out", layer.out))
    up = g.node("Relu", [matmul(normed, "up", layer.up)])
    return x, matmul(g.node("Mul", [up, up]), "down", layer.down)


def _start(model: Anticipator) -> Graph:
    C, H = model.config.n_embd, model.config.n_head
    D = C // H
    g = Graph()
    g.inputs += [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "steps", C]),
        helper.make_tensor_value_info("cos", TensorProto.FLOAT, ["context", D // 2]),
        helper.make_tensor_value_info("sin", TensorProto.FLOAT, ["context", D // 2]),
        helper.make_tensor_value_info("last_index", TensorProto.INT32, [1]),
        helper.make_tensor_value_info("total", TensorProto.INT32, [1]),
    ]
    g.outputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "steps", C]))
    g.weight("ones", np.ones(D, np.float32))
    g.weight("queries_and_keys", np.array([2 * H, H], np.int64))
    g.weight("to_heads", np.array([0, 0, 3 * H, D], np.int64))
    g.weight("to_width", np.array([0, 0, 3 * C], np.int64))
    return g


def export(folder: Path, *, int8: bool = True) -> None:
    """Write the graphs of the model in `folder`: trunk and last, .int8.onnx when quantised, .onnx in float."""
    model = load_model(folder)
    for name, layers in zip(GRAPHS, (model.layers[:-1], model.layers[-1:]), strict=True):
        g = _start(model)
        x, added = "x", None
        for i, layer in enumerate(layers):
            assert isinstance(layer, Layer)
            x, added = _layer(g, f"layer{i}", layer, x, added)
        assert added
        y = g.node("Add", [x, added]) if name == "trunk" else _norm(g, "norm", model.norm_last.weight, x, added)[1]
        g.node("Identity", [y], ["y"])
        path = folder / f"{name}.onnx"
        g.save(path)
        if int8:
            _quantise(path, folder / f"{name}.int8.onnx")
            path.unlink()


def _quantise(source: Path, path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # It advises every caller to simplify the graph first, which this one needs not.
    logging.disable(logging.WARNING)
    try:
        quantize_dynamic(
            source,
            path,
            weight_type=QuantType.QInt8,
            per_channel=True,
            # Shapes are not inferred through contrib operators; every tensor that is multiplied is a float.
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
    finally:
        logging.disable(logging.NOTSET)
