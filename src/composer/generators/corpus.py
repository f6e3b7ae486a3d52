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
from composer.music import TICKS_PER_QUARTER, Score

FEW = 64
"""Beginnings below which a file is too short to tell whether its notes keep to its beats."""
ON_BEAT = 0.15
"""Share of beginnings on a beat below which they do not; by chance it is an eighth."""
ADRIFT = 4
"""One file in how many may keep off its beats."""
Arrays = dict[str, NDArray[Any]]
Told = Callable[[int, int], None]
"""Takes how many files have been read, and how many there are."""

log = logging.getLogger(__name__)
watcher: ContextVar[Told | None] = ContextVar("watcher", default=None)
"""Who is told how far the reading of a folder has come; None tells nobody."""


def read(path: str | os.PathLike[str]) -> Score:
    """Return what a MIDI file holds; FileError when it cannot be read."""
    # Imported here, because generators that learn nothing know no MIDI.
    from composer.midi import files

    return files.read(path)


def midi_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the MIDI files under `folder`, in order; FileError when the folder is missing or holds none."""
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise FileError(f"there is no folder {folder} to learn from; name a folder with MIDI files in it")
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in (".mid", ".midi") and path.is_file())
    if not found:
        raise FileError(f"the folder {folder} holds no MIDI files (.mid, .midi); name one that does")
    return found


class Reading:
    """Read the works of a folder once, and count what was read."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Find the files; FileError as for `midi_files`."""
        self._folder = folder
        self.paths = midi_files(folder)
        self.used = 0
        """Files that could be read and hold a pitched note."""
        self.adrift = 0
        """Those among them whose notes keep off the beats that the file declares."""

    def __iter__(self) -> Iterator[Score]:
        """Yield the score of every file that can be used; FileError in the end when there was none."""
        told = watcher.get() or (lambda done, of: None)
        for number, path in enumerate(self.paths):
            told(number, len(self.paths))
            try:
                score = read(path)
            except FileError as error:
                log.debug("%s is left out: %s", path, error)
                continue
            if any(part.notes for part in score.parts if not part.is_drums):
                self.used += 1
                self.adrift += _is_adrift(score)
                yield score
        told(len(self.paths), len(self.paths))
        if not self.used:
            raise FileError(
                f"none of the {len(self.paths)} MIDI files in {self._folder} can be used; name a folder with files "
                "that hold notes"
            )


def _is_adrift(score: Score) -> bool:
    """Return whether fewer notes begin on a beat, a 32nd early or late, than would by chance and a little more."""
    onsets = {note.onset for part in score.parts if not part.is_drums for note in part.notes}
    near = TICKS_PER_QUARTER // 16
    on_beat = sum((onset + near) % TICKS_PER_QUARTER < 2 * near for onset in onsets)
    return len(onsets) >= FEW and on_beat < ON_BEAT * len(onsets)


def learn_once(
    folder: str | os.PathLike[str], what: str, learn: Callable[[Iterator[Score]], Mapping[str, NDArray[Any]]]
) -> Arrays:
    """Return what `learn` makes of the works of `folder`, from the user's cache where it was learned before.

    `what` names the learner, then a hyphen and its version and the settings it depends on. A folder of which any file
    was changed, added or removed is learned anew, and what was kept of it before is forgotten. FileError when the
    folder is missing or no file can be used. `account` says what was read.
    """
    place = hashlib.sha256(str(Path(folder).expanduser().resolve()).encode()).hexdigest()[:12]
    same_folder = f"{what.partition('-')[0]}-{place}-"
    kept = _cache() / f"{same_folder}{_fingerprint(folder, what)}.npz"
    if kept.is_file():
        try:
            with np.load(kept, allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            log.warning("%s is damaged (%s) and is learned anew", kept, error)
    reading = Reading(folder)
    learned = dict(learn(iter(reading)))
    learned["read"] = np.array([reading.used, len(reading.paths), reading.adrift])
    _keep(kept, learned, same_folder)
    return learned


def account(name: str, folder: str, arrays: Arrays, used: int | None = None) -> str:
    """Return the sentence that says what the generator `name` learned from, and whether its beats mean anything.

    `used` counts the files that were of use to it, by default all that hold notes.
    """
    read, files, adrift = arrays["read"].tolist()
    said = f"{name} learned from {read if used is None else used} of {files} MIDI files in {folder}"
    if adrift * ADRIFT <= read:
        return said
    return (
        f"{said}; in {adrift} of them notes keep off the beats, so that bars and cadences mean little: a corpus needs "
        "beats and bar lines where the music has them"
    )


def _cache() -> Path:
    if named := os.environ.get("COMPOSER_CACHE"):
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("composer") / "corpora"


def _fingerprint(folder: str | os.PathLike[str], what: str) -> str:
    digest = hashlib.sha256(what.encode())
    for path in midi_files(folder):
        facts = path.stat()
        digest.update(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:24]


def _keep(path: Path, arrays: Arrays, same_folder: str) -> None:
    """Write arrays whole or not at all, and forget what else begins with `same_folder`.

    Without a place to write they are learned again the next time.
    """
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(unfinished, **arrays)  # type: ignore[arg-type]
        unfinished.replace(path)
        for old in path.parent.glob(f"{same_folder}*.npz"):
            if old != path:
                old.unlink(missing_ok=True)
    except OSError as error:
        log.warning("what was learned cannot be kept in %s: %s", path.parent, error.strerror or error)
        unfinished.unlink(missing_ok=True)
