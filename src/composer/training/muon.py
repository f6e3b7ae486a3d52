"""Muon: steps of equal size in every direction of a matrix, computed in the precision that the processor is fast at."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of x, x^3 and x^5, chosen by Jordan so that small singular values grow fastest."""
ROUNDS = 5
EPS = 1e-7


def orthogonal(matrices: Tensor) -> Tensor:
    """Return matrices (N, rows, columns) with their singular values brought near to 1, by Newton and Schulz."""
    a, b, c = QUINTIC
    wide = matrices.mT if matrices.shape[1] > matrices.shape[2] else matrices
    x: Tensor = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=EPS)
    for _ in range(ROUNDS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if matrices.shape[1] > matrices.shape[2] else x


class Muon(torch.optim.Optimizer):
    """Move matrices along their orthogonalised momentum (Jordan et al., Muon, 2024), with decoupled weight decay.

    The same as torch's own, which orthogonalises in bfloat16 always: where a processor has to imitate that, it takes
    several times as long as everything else together.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        precision: torch.dtype = torch.bfloat16,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.precision = precision

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step along the gradients that are there."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    alike.setdefault(weight.shape, []).append(weight)
            for weights in alike.values():
                self._move(weights, group["lr"], group["momentum"], group["weight_decay"])

    def _move(self, weights: list[Tensor], lr: float, momentum: float, weight_decay: float) -> None:
        """Move matrices of one shape together, which is quicker."""
        ahead = []
        for weight in weights:
            assert weight.grad is not None
            kept = self.state[weight].setdefault("momentum_buffer", torch.zeros_like(weight))
            kept.lerp_(weight.grad, 1 - momentum)
            ahead.append(weight.grad.lerp(kept, momentum))
        steps = orthogonal(torch.stack(ahead).to(self.precision))
        rows, columns = weights[0].shape
        for weight, step in zip(weights, steps, strict=True):
            weight.mul_(1 - lr * weight_decay).add_(
                step.to(weight.dtype), alpha=-lr * math.sqrt(max(1, rows / columns))
            )
