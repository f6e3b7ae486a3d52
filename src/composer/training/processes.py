"""The processes of a training run: one, or several that share every batch (torchrun), and how they are asked to end.

All of them read one folder; the first writes it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import torch
import torch.distributed as dist


@dataclass(frozen=True, slots=True)
class World:
    """Say which of how many processes this one is, and on what it computes."""

    rank: int
    size: int
    device: torch.device

    def sum(self, values: list[float]) -> list[float]:
        """Return the sums of the values over all processes, which all have to ask."""
        if self.size == 1:
            return values
        summed = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(summed)
        out: list[float] = summed.tolist()
        return out


def is_first() -> bool:
    """Return whether this process is the one that writes and speaks; true of a process alone."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def joined() -> Iterator[World]:
    """Join the processes that torchrun started (its environment variables say so), and leave them at the end."""
    rank, size, local = (int(os.environ.get(f"{name}", "0")) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if size <= 1:
        yield World(0, 1, device)
        return
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield World(rank, size, device)
    finally:
        dist.destroy_process_group()


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Yield a question: has SIGINT or SIGTERM asked for the end? A second one ends the process as usual.

    Of the main thread only.
    """
    asked = False
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(number, before[signal.Signals(number)])

    for name in before:
        signal.signal(name, ask)
    try:
        yield lambda: asked
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
