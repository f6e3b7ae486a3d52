"""Write a trained model as the two ONNX graphs that play: the trunk, and the last layer.

Each graph keeps its keys and values in buffers of the full context, given as past and present at once, so that going
back to an earlier step means counting fewer of them (GroupQueryAttention, a contrib operator of ONNX Runtime). Tables
and heads are small and stay in model.safetensors: NumPy adds the rows and multiplies the last step only.
"""

from __future__ import annotations

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

    def attention(self, name: str, qkv: list[str], heads: int, width: int, scale: float) -> str:
        """Attend to the buffers `name`.k and `name`.v, which are past and present at once; return the output's name."""
        past, present = [f"{name}.k", f"{name}.v"], [f"{name}.k.out", f"{name}.v.out"]
        for tensor in (*past, *present):
            info = helper.make_tensor_value_info(tensor, TensorProto.FLOAT, [1, heads, "context", width])
            (self.inputs if tensor in past else self.outputs).append(info)
        y, *_ = self.node(
            "GroupQueryAttention",
            [*qkv, *past, "last_index", "total"],
            [f"{name}.y", *present],
            domain="com.microsoft",
            num_heads=heads,
            kv_num_heads=heads,
            scale=scale,
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


def _layer(g: Graph, name: str, layer: Layer, x: str) -> str:
    H, C = layer.n_head, layer.out.weight.shape[0]
    D = C // H

    def norm(value: str, scale: str) -> str:
        return str(g.node("SimplifiedLayerNormalization", [value, scale], axis=-1, epsilon=EPSILON, stash_type=1))

    def matmul(value: str, weight: str, linear: torch.nn.Linear) -> str:
        return str(g.node("MatMul", [value, g.weight(f"{name}.{weight}", _array(linear.weight).T)]))

    normed = norm(x, g.weight(f"{name}.norm_1", _array(layer.norm_1.weight)))
    q, k, v = g.node("Split", [matmul(normed, "qkv", layer.qkv), "thirds"], 3, axis=-1)
    ones = g.weight(f"{name}.ones", np.ones(D, np.float32))
    gain = g.weight(f"{name}.gain", _array(layer.gain).reshape(1, 1, H, 1))
    q = g.node("Mul", [norm(g.node("Reshape", [q, "to_heads"]), ones), gain])
    k = norm(g.node("Reshape", [k, "to_heads"]), ones)
    q, k = (g.node("Reshape", [_rotate(g, t), "to_width"]) for t in (q, k))
    y = g.attention(name, [q, k, v], H, D, float(D) ** -0.5)
    x = g.node("Add", [x, matmul(y, "out", layer.out)])
    up = g.node("Relu", [matmul(norm(x, g.weight(f"{name}.norm_2", _array(layer.norm_2.weight))), "up", layer.up)])
    return str(g.node("Add", [x, matmul(g.node("Mul", [up, up]), "down", layer.down)]))


def _rotate(g: Graph, x: str) -> str:
    a, b = g.node("Split", [x, "halves"], 2, axis=-1)
    first = g.node("Sub", [g.node("Mul", [a, "cos"]), g.node("Mul", [b, "sin"])])
    second = g.node("Add", [g.node("Mul", [a, "sin"]), g.node("Mul", [b, "cos"])])
    return str(g.node("Concat", [first, second], axis=-1))


def _start(model: Anticipator) -> Graph:
    C, H = model.config.n_embd, model.config.n_head
    D = C // H
    g = Graph()
    g.inputs += [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "steps", C]),
        helper.make_tensor_value_info("cos", TensorProto.FLOAT, [1, "steps", 1, D // 2]),
        helper.make_tensor_value_info("sin", TensorProto.FLOAT, [1, "steps", 1, D // 2]),
        helper.make_tensor_value_info("last_index", TensorProto.INT32, [1]),
        helper.make_tensor_value_info("total", TensorProto.INT32, [1]),
    ]
    g.outputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "steps", C]))
    g.weight("thirds", np.array([C, C, C], np.int64))
    g.weight("halves", np.array([D // 2, D // 2], np.int64))
    g.weight("to_heads", np.array([0, 0, H, D], np.int64))
    g.weight("to_width", np.array([0, 0, C], np.int64))
    return g


def export(folder: Path, *, int8: bool = True) -> None:
    """Write the graphs of the model in `folder`: trunk and last, .int8.onnx when quantised, .onnx in float."""
    model = load_model(folder)
    for name, layers in zip(GRAPHS, (model.layers[:-1], model.layers[-1:]), strict=True):
        g = _start(model)
        x = "x"
        for i, layer in enumerate(layers):
            assert isinstance(layer, Layer)
            x = _layer(g, f"layer{i}", layer, x)
        if name == "last":
            x = g.node(
                "SimplifiedLayerNormalization",
                [x, g.weight("norm", _array(model.norm_last.weight))],
                axis=-1,
                epsilon=EPSILON,
                stash_type=1,
            )
        g.node("Identity", [x], ["y"])
        path = folder / f"{name}.onnx"
        g.save(path)
        if int8:
            from onnxruntime.quantization import QuantType, quantize_dynamic

            quantize_dynamic(
                path,
                folder / f"{name}.int8.onnx",
                weight_type=QuantType.QInt8,
                per_channel=True,
                # Shapes are not inferred through contrib operators; every tensor that is multiplied is a float.
                extra_options={"DefaultTensorType": TensorProto.FLOAT},
            )
            path.unlink()
