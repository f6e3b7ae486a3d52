"""What few bits cost: the loss of the model that plays beside the loss of the one that was trained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from composer.errors import UsageError
from composer.neural.blockwise import compensated, nearest
from composer.neural.checkpoint import load_model
from composer.neural.model import Anticipator
from composer.neural.played import Played
from composer.training.anticipation import Batches, batches, find_pop909
from composer.training.loop import validate
from composer.training.pop909 import songs
from composer.training.sequences import arrange, arrays, example

LEADS = (0, 1, 2, 4)
"""How late the melody is heard, in half quarters, from song to song in turn."""
HEARD = 16
"""Songs to train on by which layers are fitted to four bits."""


def loss(folder: Path, data: Path, count: int | None = None, length: int = 512, threads: int = 2) -> dict[str, Any]:
    """Return nats a machine note on POP909's test songs in float and in few bits, and the difference in percent.

    The melody is heard, the piano asked for, a block or so at once; `count` limits the songs. "float" is the model that
    was trained, "int8" the graphs that play. Its layers in four bits do not play: they tell what published checkpoints
    may lose by them. UsageError for a model that is not of our own kind.
    """
    if json.loads((folder / "config.json").read_text("utf-8")).get("model_type") == "gpt2":
        raise UsageError(
            f"the model in {folder} is not kept in float; name a model of our own, or convert the checkpoint again,"
            " which says what its bits cost"
        )
    torch.set_num_threads(threads)
    asked = _batches(data, "test", count, length)
    model = load_model(folder)
    nats = {"float": validate(model, asked), "int8": validate(Played(folder, length, threads), asked)}
    few = {name: validate(each, asked) for name, each in in_four_bits(model, _batches(data, "train", HEARD, length))}
    whole = {name: found["note"] for name, found in (nats | few).items()}
    return {
        "songs": sum(len(batch["rows"]) for batch in asked),
        "nats_a_note": {name: round(value, 4) for name, value in whole.items()},
        "difference_percent": round(100 * (whole["int8"] / whole["float"] - 1), 3),
        "four_bits_percent": {name: round(100 * (whole[name] / whole["float"] - 1), 3) for name in few},
        "nats": {name: {key: round(value, 4) for key, value in found.items()} for name, found in nats.items()},
    }


def _batches(data: Path, split: str, count: int | None, length: int) -> Batches:
    found = zip(songs(find_pop909(data), split), cycle(LEADS), strict=False)
    drawn = []
    for song, lead in islice(found, count):
        held_out = arrays(song)
        events = arrange(held_out, ("MELODY",), {"PIANO": "piano"}, lead, 0, length, held_out.shift)
        drawn.append(example(events, events, length))
    return batches(drawn)


def in_four_bits(model: Anticipator, heard: Batches) -> Iterator[tuple[str, Anticipator]]:
    """Yield the model with its layers' matrices in four bits, each in float again: rounded, and fitted to `heard`.

    What a layer is fitted to comes from the layers before it, which are fitted already (composer.neural.blockwise).
    """
    for name, fits in (("rounded", False), ("fitted", True)):
        few = deepcopy(model)
        for linear in few.layers.modules():
            if isinstance(linear, torch.nn.Linear):
                weight = linear.weight.detach().numpy().T
                coded = compensated(weight, _products(few, linear, heard)) if fits else nearest(weight)
                linear.weight.data = torch.from_numpy(coded.matrix().T.copy())
        yield name, few


def _products(model: Anticipator, linear: torch.nn.Linear, heard: Batches) -> Any:
    """Return the sums of products of what a layer's matrix is given, (inputs, inputs)."""
    sums = torch.zeros(linear.in_features, linear.in_features)

    def add(_: torch.nn.Module, given: tuple[Tensor, ...]) -> None:
        x = given[0].flatten(0, -2)
        sums.add_(x.T @ x)

    hook = linear.register_forward_pre_hook(add)
    validate(model, heard)
    hook.remove()
    return sums.numpy()
