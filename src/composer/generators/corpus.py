"""A folder of MIDI files that a generator learns from: read once, and what was learned is kept."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from composer.errors import FileError
from composer.music import Score

Arrays = dict[str, NDArray[Any]]
Told = Callable[[int, int], None]
"""Takes how many files have been read, and how many there are."""

log = logging.getLogger(__name__)
watcher: ContextVar[Told | None] = ContextVar("watcher", default=None)
"""Who is told how far the reading of a folder has come; None tells nobody."""


def midi_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the MIDI files under `folder`, in order; FileError when the folder is missing or holds none."""
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise FileError(f"there is no folder {folder} to learn from; name a folder with MIDI files in it")
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in (".mid", ".midi") and path.is_file())
    if not found:
        raise FileError(f"the folder {folder} holds no MIDI files (.mid, .midi); name one that does")
    return found


def works(folder: str | os.PathLike[str]) -> Iterator[Score]:
    """Yield the score of every file under `folder` that can be read and holds a pitched note.

    The others are left out, and counted in the log. FileError as for `midi_files`, and when no file can be used.
    """
    # Imported here, because generators that learn nothing know no MIDI.
    from composer.midi import files

    paths, usable = midi_files(folder), 0
    for number, path in enumerate(paths, start=1):
        if told := watcher.get():
            told(number - 1, len(paths))
        try:
            score = files.read(path)
        except FileError as error:
            log.debug("%s is left out: %s", path, error)
            continue
        if any(part.notes for part in score.parts if not part.is_drums):
            usable += 1
            yield score
    if told := watcher.get():
        told(len(paths), len(paths))
    if not usable:
        raise FileError(
            f"none of the {len(paths)} MIDI files in {folder} can be used; name a folder with files that hold notes"
        )
    if usable < len(paths):
        log.warning(
            "%d of the %d files in %s were left out: damaged, or no notes", len(paths) - usable, len(paths), folder
        )


def learn_once(
    folder: str | os.PathLike[str], what: str, learn: Callable[[Iterator[Score]], Mapping[str, NDArray[Any]]]
) -> Arrays:
    """Return what `learn` makes of the works of `folder`, from the user's cache where it was learned before.

    `what` names the learner, its version and the settings it depends on. A folder of which any file was changed, added
    or removed is learned anew. FileError as for `works`.
    """
    kept = _cache() / f"{what}-{_fingerprint(folder)}.npz"
    if kept.is_file():
        try:
            with np.load(kept, allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            log.warning("%s is damaged (%s) and is learned anew", kept, error)
    learned = dict(learn(works(folder)))
    _keep(kept, learned)
    return learned


def _cache() -> Path:
    if named := os.environ.get("COMPOSER_CACHE"):
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("composer") / "corpora"


def _fingerprint(folder: str | os.PathLike[str]) -> str:
    digest = hashlib.sha256(str(Path(folder).expanduser().resolve()).encode())
    for path in midi_files(folder):
        facts = path.stat()
        digest.update(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:24]


def _keep(path: Path, arrays: Arrays) -> None:
    """Write arrays whole or not at all; without a place to write they are learned again the next time."""
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(unfinished, **arrays)  # type: ignore[arg-type]
        unfinished.replace(path)
    except OSError as error:
        log.warning("what was learned cannot be kept in %s: %s", path.parent, error.strerror or error)
        unfinished.unlink(missing_ok=True)
