"""Our model as it plays, asked for its losses: the ONNX graphs in place of the layers, teacher-forced (torch)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from composer.neural.checkpoint import load_model
from composer.neural.model import Anticipator
from composer.neural.runtime import TURNS, Layers

STEPS = 8
"""Steps that a graph is given at once, about a block: eight-bit inputs share a scale for each call."""


class Played(Anticipator):
    """Answer `losses` as the model that plays would: tables and heads in float, layers as exported."""

    def __init__(self, folder: Path, context: int, threads: int = 2, suffix: str = ".int8.onnx") -> None:
        """Load a model folder; `context` is the longest sequence that will be asked for."""
        model = load_model(folder)
        super().__init__(model.config)
        self.load_state_dict(model.state_dict())
        self.eval()
        C, H = self.config.n_embd, self.config.n_head
        self._turns = tuple(np.zeros((context, C // H // 2), np.float32) for _ in TURNS)
        self._graphs = [
            Layers(folder / (name + suffix), context, H, C, threads, self._turns) for name in ("trunk", "last")
        ]

    def trunk(self, rows: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the hidden state (B, T, C) of events given as table rows (B, T, inputs)."""
        B, T, K = rows.shape
        x = self.inputs(rows.reshape(B * T, K)).view(B, T, -1)
        return self._run(self._graphs[0], x, cos, sin)

    def last(self, hidden: Tensor, places: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return what the last layer knows (B, T, C) once the place (B, T) of each next event is told."""
        return self._run(self._graphs[1], hidden + self.place(places), cos, sin)

    def _run(self, graph: Layers, x: Tensor, *turns: Tensor) -> Tensor:
        out = torch.empty_like(x)
        for b in range(len(x)):
            for table, told in zip(self._turns, turns, strict=True):
                table[: x.shape[1]] = told[b].numpy()
            for t in range(0, x.shape[1], STEPS):
                out[b, t : t + STEPS] = torch.from_numpy(graph.run(x[b, t : t + STEPS].numpy(), t))
        return out
