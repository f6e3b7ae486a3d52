"""composer models download: fetch a published checkpoint from the Hugging Face hub, whole, and make it playable.

Only the standard library talks to the network. A file that is not whole yet is called .part, after its checksum, and is
gone on with the next time; nothing is used before its checksum is right.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import os
import re
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from composer.errors import ComposerError, FileError, ModelError, UsageError

HUB = "https://huggingface.co"
TIMEOUT_SECONDS = 30.0
TRIES = 5
"""How often a connection may break without a byte having come."""
PAUSE_SECONDS = 1.0
_BLOCK = 1 << 18
_COMMIT = re.compile(r"[0-9a-f]{40}")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


class Checkpoint(NamedTuple):
    """Name a repository of the hub, and the commit that is meant; "main" is resolved when it is fetched.

    `digest` is the SHA-256 of the weights, "" where only the hub knows it.
    """

    repository: str
    revision: str = "main"
    digest: str = ""


CHECKPOINTS = {
    "amt-small": Checkpoint(
        "stanford-crfm/music-small-800k",
        "fa800530aa1126dd6b58b38f3bdb8fcec9c9d4f5",
        "45af5006d529a19af3654c729192c072f3aeb9e7e13e9eaf92c19bfd7c87e4d8",
    ),
    "amt-medium": Checkpoint("stanford-crfm/music-medium-800k", "93b6eb7e09bad33be6cb2ebd50ce5279cbfde7f6"),
    "amt-large": Checkpoint(
        "stanford-crfm/music-large-800k",
        "e206a88d4658661c2757573eae724d5b27213824",
        "83fb8b9546eacce77a90bb10006b3f569ba342361dce046d078cf2429975e09f",
    ),
}
"""The checkpoints that have a generator of their own."""


class File(NamedTuple):
    """Hold what the hub says of a file: its bytes, and its SHA-256, or git's name of it when it is small."""

    name: str
    size: int
    digest: str


class Source(NamedTuple):
    """Say where a checkpoint came from: the repository, the full commit, and the weights' checksum."""

    repository: str
    revision: str
    weights: File


def checkpoint(name: str) -> Checkpoint:
    """Return what is called `name`, an alias or OWNER/NAME or OWNER/NAME@COMMIT; UsageError names the aliases."""
    if name in CHECKPOINTS:
        return CHECKPOINTS[name]
    found = re.fullmatch(r"([\w.-]+/[\w.-]+)(?:@([\w.-]+))?", name)
    if found is None:
        raise UsageError(
            f"there is no checkpoint {name!r} to download; name {', '.join(CHECKPOINTS)}, or OWNER/NAME as on the hub"
        )
    return Checkpoint(found[1], found[2] or "main")


def fetch(wanted: Checkpoint, folder: Path, check: Callable[[Path], object]) -> Source:
    """Put configuration and weights of a checkpoint into `folder`, going on with what is there already.

    `check` looks at the folder when it has a configuration, so that what cannot be played is not fetched. ComposerError
    says that the hub cannot be reached or what it refuses, FileError that the disk is full, ModelError that a file has
    not the checksum the hub tells of it.
    """
    revision = _commit(wanted)
    files = {file.name: file for file in _listed(wanted.repository, revision)}
    weights = next((files[name] for name in _WEIGHTS if name in files), None)
    if weights is None or "config.json" not in files:
        raise ModelError(f"{wanted.repository} on the hub holds no checkpoint; it lacks config.json or the weights")
    if wanted.digest not in ("", weights.digest):
        raise ModelError(
            f"{_endpoint()} tells another checksum of {wanted.repository}'s {weights.name} than its authors' has;"
            " nothing was fetched; unset HF_ENDPOINT, or name another hub"
        )
    folder.mkdir(parents=True, exist_ok=True)
    place = f"{_endpoint()}/{wanted.repository}/resolve/{revision}"
    _fetch_file(f"{place}/config.json", files["config.json"], folder)
    check(folder)
    _make_room(folder, weights)
    _fetch_file(f"{place}/{weights.name}", weights, folder)
    return Source(wanted.repository, revision, weights)


def card(source: Source) -> str:
    """Return the card of a checkpoint that was fetched: where it is from and what it is."""
    return f"""# {source.repository}

An Anticipatory Music Transformer: Thickstun, Hall, Donahue, Liang, *Anticipatory Music Transformer*, TMLR, 2024.

- from: {_endpoint()}/{source.repository}, commit {source.revision}
- weights: {source.weights.name}, {source.weights.size} bytes, SHA-256 {source.weights.digest}
- licence: Apache-2.0, as its authors say; trained on the Lakh MIDI dataset (music-large-800k on more)
- converted to few bits for composer.neural.gpt2; embeddings of tokens and positions are in float32
"""


# --- what the hub says ------------------------------------------------------------------------------------------------


def _endpoint() -> str:
    """Return the hub's address: HF_ENDPOINT, as every tool of the hub reads it, else the hub itself."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or HUB


def _commit(wanted: Checkpoint) -> str:
    """Return the full commit that is meant."""
    if _COMMIT.fullmatch(wanted.revision):
        return wanted.revision
    answer = _asked(f"api/models/{wanted.repository}/revision/{wanted.revision}")
    commit = answer.get("sha") if isinstance(answer, dict) else None
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise _strange()
    return commit


def _strange() -> ComposerError:
    return ComposerError(f"{_endpoint()} answers in a way that is not understood; is it a hub?")


def _listed(repository: str, revision: str) -> list[File]:
    entries = _asked(f"api/models/{repository}/tree/{revision}")
    try:
        # A large file's own checksum is in "lfs"; the other is that of the pointer which git keeps.
        return [
            File(e["path"], int(e["size"]), str(e.get("lfs", e)["oid"])) for e in entries if e.get("type") == "file"
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _strange() from error


def _asked(path: str) -> Any:
    with _opened(f"{_endpoint()}/{path}") as answer:
        try:
            return json.load(answer)
        except (ValueError, OSError, http.client.HTTPException) as error:
            raise _strange() from error


def _opened(url: str, start: int = 0) -> Any:
    """Return the answer to a question for a file from byte `start` on; ComposerError says what stands in the way."""
    host = urllib.parse.urlsplit(url).netloc or url
    headers = {"User-Agent": "composer"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403, 404):
            raise ComposerError(f"{host} has no such file for us ({error.code}): {url}; check the name") from error
        raise ComposerError(f"{host} answers with status {error.code} for {url}; try again later") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise ComposerError(
            f"{host} cannot be reached ({reason}); connect to the network and run this again, or fetch the checkpoint's"
            " config.json and weights elsewhere and run `composer models convert FOLDER NEW`"
        ) from error


# --- files ------------------------------------------------------------------------------------------------------------


def _make_room(folder: Path, weights: File) -> None:
    # The weights, their tables in float and the graphs in few bits lie side by side for a moment.
    free, needed = shutil.disk_usage(folder).free, 2 * weights.size
    if free < needed:
        raise FileError(
            f"{folder} has room for {free / 1e9:.1f} GB where {needed / 1e9:.1f} GB are needed;"
            " make room, or name another folder"
        )


def _fetch_file(url: str, file: File, folder: Path) -> None:
    target = folder / file.name
    if target.is_file() and _is_whole(target, file):
        return
    part = folder / f"{file.name}.{file.digest[:12]}.part"
    try:
        with _progress(file) as show:
            _fill(url, file, part, show)
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or error
        raise FileError(
            f"{part} cannot be written ({reason}); make room and run this again: what has come is kept"
        ) from error
    if not _is_whole(part, file):
        part.unlink()
        raise ModelError(
            f"{file.name} from {url} has not the checksum that the hub tells and was removed; download it again"
        )
    part.replace(target)


def _fill(url: str, file: File, part: Path, show: Callable[[int], None]) -> None:
    """Write to `part` what is missing of the file, and go on where a broken connection left it."""
    broken = 0
    while (have := _size(part)) < file.size:
        try:
            _receive(url, part, have, show)
            reason = "it ended too soon"
        except _BrokenError as error:
            reason = str(error)
        if _size(part) >= file.size:
            return
        broken = 0 if _size(part) > have else broken + 1
        if broken == TRIES:
            raise ComposerError(
                f"the connection to {urllib.parse.urlsplit(url).netloc} breaks again and again ({reason});"
                " run this again later: it goes on where it stopped"
            )
        time.sleep(PAUSE_SECONDS)


def _receive(url: str, part: Path, have: int, show: Callable[[int], None]) -> None:
    """Append to `part` from byte `have` on, or write it anew when the host sends the whole file all the same."""
    answer = _opened(url, have)
    goes_on = have and answer.status == 206
    with answer, part.open("ab" if goes_on else "wb") as out:
        while block := _read(answer):
            out.write(block)
            show(out.tell())


class _BrokenError(Exception):
    """Tell that a connection ended before its file."""


def _read(answer: Any) -> bytes:
    try:
        block: bytes = answer.read(_BLOCK)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenError(str(error) or type(error).__name__) from error
    return block


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _is_whole(path: Path, file: File) -> bool:
    if path.stat().st_size != file.size:
        return False
    if len(file.digest) == 40:  # git's name of a small file: SHA-1 over its kind, length and bytes
        return hashlib.sha1(b"blob %d\0" % file.size + path.read_bytes()).hexdigest() == file.digest
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest() == file.digest


@contextmanager
def _progress(file: File) -> Iterator[Callable[[int], None]]:
    """Show on stderr how many bytes of a file have come; the function that is given takes their number."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr)) as progress:
        task = progress.add_task(file.name, total=file.size)
        yield lambda have: progress.update(task, completed=have)
