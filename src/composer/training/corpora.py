"""The data sets that models are trained on: where they lie, how they are read, and their arrays kept between runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from composer.errors import FileError
from composer.tokenizers.blocks import Ints
from composer.training import groove, leadsheets, openscore, pop909
from composer.training.arrays import SongArrays, arrays
from composer.training.song import Song

log = logging.getLogger(__name__)

VERSION = 3
"""Of the readers and of what is kept of their songs: arrays of another version are made again."""
Reader = Callable[[Path, str | None], Iterator[Song]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Describe a data set that shipped weights may be trained on."""

    name: str
    folders: tuple[str, ...]
    """Where it may lie under the folder of all the data."""
    mark: str
    """A pattern of file names that only this set has."""
    songs: Reader
    licence: str
    citation: str

    def find(self, data: Path) -> Path | None:
        """Return the folder of the set in or under `data`, None when it is not there."""
        places = (data, *(data / name for name in self.folders))
        return next((place for place in places if next(place.glob(self.mark), None)), None)


CORPORA = (
    Corpus(
        "pop909",
        ("POP909", "pop909/POP909"),
        "001/001.mid",
        pop909.songs,
        "MIT",
        "Wang et al., POP909: A Pop-song Dataset for Music Arrangement Generation, 2020",
    ),
    Corpus(
        "lieder",
        ("openscore-lieder-midi", "lieder"),
        "*-lc*.mid",
        openscore.lieder,
        "CC0",
        "Gotham and Jonas, The OpenScore Lieder Corpus, 2022",
    ),
    Corpus(
        "quartets",
        ("openscore-quartets-midi", "quartets"),
        "*-sq*.mid",
        openscore.quartets,
        "CC0",
        "Gotham et al., The OpenScore String Quartet Corpus, 2023",
    ),
    Corpus(
        "openewld",
        ("openewld", "OpenEWLD"),
        "OpenEWLD.db",
        leadsheets.openewld,
        "MIT; the scores are in the public domain",
        "Simonetta et al., Symbolic Music Similarity through a Graph-Based Representation, 2018",
    ),
    Corpus(
        "wjazzd",
        ("wjazzd",),
        "mcsv_*",
        leadsheets.wjazzd,
        "MIT, as the repository with its tables states",
        "Pfleiderer et al., Inside the Jazzomat: New Perspectives for Jazz Research, 2017",
    ),
    Corpus(
        "groove",
        ("groove",),
        "info.csv",
        groove.performances,
        "CC BY 4.0",
        "Gillick et al., Learning to Groove with Inverse Sequence Transformations, 2019",
    ),
)
"""Every set, in the order in which they are read."""


def present(data: Path) -> dict[str, Path]:
    """Return the folders of the sets that are in or under `data`; those that are not are named in the log.

    FileError when there is none.
    """
    found = {corpus.name: folder for corpus in CORPORA if (folder := corpus.find(data))}
    if not found:
        names = ", ".join(corpus.folders[0] for corpus in CORPORA)
        raise FileError(f"there is no data set in {data}; unpack one of {names} there")
    if missing := [corpus.name for corpus in CORPORA if corpus.name not in found]:
        log.info("not in %s, and left out: %s", data, ", ".join(missing))
    return found


def load(data: Path, split: str, cache: Path | None = None) -> list[SongArrays]:
    """Return the songs of a split as arrays, of every set in or under `data`, kept in `cache` between runs.

    A set that is kept is not read again, so an interrupted preparation goes on with the first set it had not finished.
    """
    out: list[SongArrays] = []
    folders = present(data)
    for corpus in CORPORA:
        if corpus.name not in folders:
            continue
        kept = cache / f"{corpus.name}-{split}.npz" if cache else None
        songs = read(kept) if kept else None
        if songs is None:
            songs = [
                arrays(song) for song in progress(corpus.songs(folders[corpus.name], split), f"{corpus.name}, {split}")
            ]
            if kept and songs:
                write(kept, songs)
        log.info("%s, %s: %d songs", corpus.name, split, len(songs))
        out += songs
    return out


def progress(songs: Iterator[Song], name: str) -> Iterator[Song]:
    """Yield the songs, counting them on a terminal's error output while they are read."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed} songs read"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield from bar.track(songs, total=None, description=name)


# --- what is kept: the songs' arrays end to end, and how long each is ----------------------------------------------


def write(path: Path, songs: list[SongArrays]) -> None:
    """Keep songs in a file, whole or not at all."""
    columns = [(s.blocks, s.shift, s.tempo, s.performed) for s in songs]
    flat: dict[str, Any] = {
        "version": VERSION,
        "corpus": songs[0].corpus,
        "styles": np.array([s.style for s in songs]),
        "columns": np.array(columns, dtype=np.int64),
    }
    for name in ("bar_pos", "bar_length", "chords"):
        flat[name] = np.concatenate([getattr(s, name) for s in songs])
    for part in sorted({part for s in songs for part in s.parts}):
        flat[f"part/{part}"] = np.concatenate([s.parts[part] for s in songs if part in s.parts])
        # A part that a song does not have is not a part without notes.
        flat[f"lengths/{part}"] = np.array([len(s.parts[part]) if part in s.parts else -1 for s in songs])
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    with unfinished.open("wb") as file:
        np.savez_compressed(file, **flat)
    unfinished.replace(path)


def read(path: Path) -> list[SongArrays] | None:
    """Return the songs kept in a file, None when there is none, or one of another version."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            kept = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, BadZipFile):
        return None
    if kept.get("version") != VERSION:
        return None
    columns = kept["columns"]
    bars, lengths, chords = (_cut(kept[name], columns[:, 0]) for name in ("bar_pos", "bar_length", "chords"))
    parts: list[dict[str, Ints]] = [{} for _ in columns]
    for name in (name.removeprefix("part/") for name in kept if name.startswith("part/")):
        for i, rows in enumerate(_cut(kept[f"part/{name}"], kept[f"lengths/{name}"])):
            if kept[f"lengths/{name}"][i] >= 0:
                parts[i][name] = rows
    corpus = str(kept["corpus"])
    return [
        SongArrays(
            parts[i], bars[i], lengths[i], chords[i], int(shift), int(tempo), corpus, bool(own), str(kept["styles"][i])
        )
        for i, (_, shift, tempo, own) in enumerate(columns)
    ]


def _cut(rows: Ints, lengths: Ints) -> list[Ints]:
    return np.split(rows, np.cumsum(np.maximum(lengths, 0))[:-1])
