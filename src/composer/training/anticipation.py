"""Train our own anticipatory transformer on POP909: songs in, a model folder out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from composer.errors import FileError
from composer.tokenizers import blocks as B
from composer.training import loop
from composer.training.pop909 import songs
from composer.training.publish import publish
from composer.training.sequences import SongArrays, arrange, arrays, example

log = logging.getLogger(__name__)

VALIDATION_SONGS = 16
VALIDATION_LEADS = (1, 0)


def find_pop909(data: Path) -> Path:
    """Return the folder of POP909 in or under `data`; FileError says how to get it."""
    for folder in (data, data / "POP909", data / "pop909" / "POP909"):
        if (folder / "001" / "001.mid").exists():
            return folder
    raise FileError(f"there is no POP909 in {data}; unpack the set there (a folder with 001/001.mid in it)")


def load(data: Path, split: str, cache: Path | None = None) -> list[SongArrays]:
    """Return the songs of a split as arrays, kept in `cache` between runs."""
    kept = cache / f"pop909-{split}.npz" if cache else None
    if kept and kept.exists():
        return _read(kept)
    out = [arrays(song) for song in songs(find_pop909(data), split)]
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        _write(kept, out)
    return out


def _write(path: Path, items: list[SongArrays]) -> None:
    flat: dict[str, Any] = {}
    for i, song in enumerate(items):
        flat |= {f"{i}/part/{name}": rows for name, rows in song.parts.items()}
        flat |= {f"{i}/bar_pos": song.bar_pos, f"{i}/bar_length": song.bar_length, f"{i}/chords": song.chords}
        flat[f"{i}/constants"] = np.array([song.shift, song.tempo])
    np.savez_compressed(path, **flat)


def _read(path: Path) -> list[SongArrays]:
    with np.load(path, allow_pickle=False) as kept:
        names = list(kept.files)
        count = 1 + max(int(name.split("/")[0]) for name in names)
        data = {name: kept[name] for name in names}
    parts: list[dict[str, B.Ints]] = [{} for _ in range(count)]
    for name, rows in data.items():
        i, _, part = name.partition("/part/")
        if part:
            parts[int(i)][part] = rows
    return [
        SongArrays(
            parts[i],
            data[f"{i}/bar_pos"],
            data[f"{i}/bar_length"],
            data[f"{i}/chords"],
            int(data[f"{i}/constants"][0]),
            int(data[f"{i}/constants"][1]),
        )
        for i in range(count)
    ]


def validation(items: list[SongArrays], length: int) -> dict[str, list[dict[str, Tensor]]]:
    """Return fixed batches of held-out songs, melody to piano: one set a lead, each also with the player silenced."""
    import torch

    sets: dict[str, list[dict[str, Tensor]]] = {}
    for lead in VALIDATION_LEADS:
        for name, players in ((f"lead{lead}", ("MELODY",)), (f"lead{lead}_silent", ())):
            heard = [
                arrange(s, players, {"PIANO": "piano"}, lead, 32, length, s.shift) for s in items[:VALIDATION_SONGS]
            ]
            drawn = [example(events, events, length) for events in heard]
            batches = [drawn[i : i + 8] for i in range(0, len(drawn), 8)]
            sets[name] = [{k: torch.from_numpy(np.stack([d[k] for d in b])) for k in b[0]} for b in batches]
    return sets


def train(data: Path, out: Path, run: loop.Run) -> None:
    """Train on POP909 in `data` and keep model, state and log in `out`; resumes where `out` holds a state."""
    cache = out / "cache"
    train_songs, valid_songs = load(data, "train", cache), load(data, "validation", cache)
    log.info("%d songs to train on, %d to validate", len(train_songs), len(valid_songs))
    loop.train(train_songs, validation(valid_songs, run.length), run, out)
    publish(out, out)
    log.info("the model is in %s; copy it to a models folder, or name it: --set model=%s", out, out)
