"""Train our own anticipatory transformer on every set that is there: songs in, a model folder out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from composer.errors import FileError
from composer.neural.checkpoint import load_facts
from composer.tokenizers import blocks as B
from composer.tokenizers.blocks import Ints
from composer.training import corpora, loop
from composer.training.arrays import SongArrays
from composer.training.bands import accompany, by_corpus, has_beat, nearest
from composer.training.groove import DRUMS
from composer.training.processes import is_first
from composer.training.publish import publish
from composer.training.sequences import Asked, arrange, example

log = logging.getLogger(__name__)

VALIDATION_SONGS = 16
VALIDATION_LEADS = (1, 0, 2)
FIRST = 32
"""The block at which held-out sequences begin, after the introductions."""
Batches = list[dict[str, Tensor]]


def find_pop909(data: Path) -> Path:
    """Return the folder of POP909 in or under `data`; FileError says how to get it."""
    found = corpora.CORPORA[0].find(data)
    if found is None:
        raise FileError(f"there is no POP909 in {data}; unpack the set there (a folder with 001/001.mid in it)")
    return found


def validation(items: list[SongArrays], length: int) -> dict[str, Batches]:
    """Return fixed batches of held-out songs at each lead, with the player and with the player silenced.

    `lead1` and the like are POP909's melodies to its piano. Where the sets are there `lieder` is the same of lieder at
    lead 1, and `drums` a drummer to POP909's melody and piano.
    """
    found = by_corpus(items)
    pop, lieder, drummers = (found.get(name, []) for name in ("pop909", "lieder", "groove"))
    piano = {"PIANO": "piano"}
    sets: dict[str, list[dict[str, Ints]]] = {}
    for lead in VALIDATION_LEADS:
        for name, silent in ((f"lead{lead}", False), (f"lead{lead}_silent", True)):
            sets[name] = [held_out(s, ("MELODY",), piano, lead, length, silent) for s in pop[:VALIDATION_SONGS]]
    sets["lieder"] = [held_out(s, ("MELODY",), piano, 1, length) for s in lieder[:VALIDATION_SONGS]]
    sets["drums"] = [
        held_out(s, ("MELODY", "PIANO"), {DRUMS: "drums"}, 1, length) for s in with_drummers(pop, drummers, length)
    ]
    return {name: batches(drawn) for name, drawn in sets.items() if drawn}


def held_out(
    song: SongArrays,
    players: tuple[str, ...],
    machines: dict[str, str],
    lead: int,
    length: int,
    silent: bool = False,
) -> dict[str, Ints]:
    """Return the sequence of a song as it is, without augmentation; `silent` leaves the player's notes out of it."""
    events = arrange(song, players, machines, lead, min(FIRST, song.blocks // 2), length, song.shift)
    events = events[events[:, B.KIND] != B.PLAYER] if silent else events
    return example(events, events, length, Asked(velocities=song.performed))


def with_drummers(songs: Sequence[SongArrays], drummers: Sequence[SongArrays], length: int) -> list[SongArrays]:
    """Return the first songs in four quarters, each with a drummer of the nearest tempo, the same every time."""
    blocks = range(FIRST, FIRST + length)
    four = [song for song in songs if drummers and has_beat(song, blocks)][:VALIDATION_SONGS]
    chosen = [nearest(song, drummers, np.random.default_rng(i)) for i, song in enumerate(four)]
    return [
        replace(song, parts=song.parts | {DRUMS: accompany(song, drummer, blocks)})
        for song, drummer in zip(four, chosen, strict=True)
    ]


def batches(drawn: list[dict[str, Ints]], size: int = 8) -> Batches:
    """Return sequences stacked into batches."""
    import torch

    groups = (drawn[i : i + size] for i in range(0, len(drawn), size))
    return [{key: torch.from_numpy(np.stack([d[key] for d in group])) for key in group[0]} for group in groups]


def train(data: Path, out: Path, run: loop.Run) -> None:
    """Train on the sets in `data` and keep model, state and log in `out`; resumes where `out` holds a state."""
    cache = out / "cache"
    train_songs, valid_songs = corpora.load(data, "train", cache), corpora.load(data, "validation", cache)
    log.info("%d songs to train on, %d to validate", len(train_songs), len(valid_songs))
    loop.train(train_songs, validation(valid_songs, run.length), run, out)
    if not is_first():
        return
    publish(out, out)
    log.info("published: %s", ", ".join(f"{name} {value}" for name, value in load_facts(out).items()))
    log.info("the model is in %s; copy it to a models folder, or name it: --set model=%s", out, out)
