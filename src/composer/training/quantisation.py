"""What eight bits cost: the loss of the model that plays beside the loss of the one that was trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from composer.errors import UsageError
from composer.training.anticipation import find_pop909
from composer.training.loop import validate
from composer.training.pop909 import songs
from composer.training.sequences import arrange, arrays, example

LEADS = (0, 1, 2, 4)
"""How late the melody is heard, in half quarters, from song to song in turn."""


def loss(folder: Path, data: Path, count: int | None = None, length: int = 512, threads: int = 2) -> dict[str, Any]:
    """Return nats a machine note on POP909's test songs in float and in int8, and the difference in percent (torch).

    The melody is heard, the piano asked for, a block or so at once; `count` limits the songs. The float model is the
    one that was trained, the other the graphs that play. UsageError for a model that is not of our own kind.
    """
    import numpy as np
    import torch

    from composer.neural.checkpoint import load_model
    from composer.neural.played import Played

    if json.loads((folder / "config.json").read_text("utf-8")).get("model_type") == "gpt2":
        raise UsageError(
            f"the model in {folder} is kept in int8 only; name a model of our own, which is kept in float too"
        )
    torch.set_num_threads(threads)
    drawn: list[dict[str, Any]] = []
    for song, lead in zip(songs(find_pop909(data), "test"), [*LEADS] * 1000, strict=False):
        if len(drawn) == count:
            break
        held_out = arrays(song)
        events = arrange(held_out, ("MELODY",), {"PIANO": "piano"}, lead, 0, length, held_out.shift)
        drawn.append(example(events, events, length))
    batches = [
        {k: torch.from_numpy(np.stack([d[k] for d in drawn[i : i + 8]])) for k in drawn[0]}
        for i in range(0, len(drawn), 8)
    ]
    nats = {"float": validate(load_model(folder), batches), "int8": validate(Played(folder, length, threads), batches)}
    whole = {name: found["note"] for name, found in nats.items()}
    return {
        "songs": len(drawn),
        "nats_a_note": {name: round(value, 4) for name, value in whole.items()},
        "difference_percent": round(100 * (whole["int8"] / whole["float"] - 1), 3),
        "nats": {name: {key: round(value, 4) for key, value in found.items()} for name, found in nats.items()},
    }
