"""composer models: what trained models there are, whether their files are whole, and how published ones get here."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from composer.commands.options import add_json, print_json
from composer.errors import ComposerError, FileError, ModelError, UsageError
from composer.folders import model_folder, models, own

CHECKSUMS = "SHA256SUMS"
"""The file in a model folder that lists its files' hashes, as sha256sum writes and checks it."""
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=("list", "show", "verify", "download", "convert"),
        help="default: list",
    )
    help = "a model of `composer models list`, or a folder; download: amt-small, amt-medium, amt-large or OWNER/NAME"
    parser.add_argument("name", nargs="?", metavar="NAME", help=help)
    help = "download, convert: the folder to make; convert: or a file.safetensors to make of a pytorch_model.bin"
    parser.add_argument("destination", nargs="?", type=Path, metavar="FOLDER", help=help)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """List, show, verify, download or convert."""
    if args.action == "convert":
        return convert(args.name, args.destination)
    if args.action == "download":
        return download(args.name, args.destination)
    if args.destination:
        raise UsageError(f"`composer models {args.action}` takes one name; only convert takes two folders")
    if args.action == "list":
        found = [(name, folder, _size(folder)) for name, folder in models().items()]
        if args.json:
            print_json([{"name": name, "folder": str(folder), "bytes": size} for name, folder, size in found])
        for name, folder, size in found if not args.json else ():
            print(f"{name}  {size / 1e6:.1f} MB  {folder}")
        return 0
    names = [args.name] if args.name or args.action == "show" else list(models())
    return max((_ACTIONS[args.action](folder_of(name), args.json) for name in names), default=0)


def folder_of(name: str | None) -> Path:
    """Return the folder of a model; ModelError names the models there are."""
    folder = model_folder(name) if name else None
    if folder is None:
        asked = f"there is no model {name!r}" if name else "name a model to show"
        raise ModelError(
            f"{asked}; the models are {', '.join(models()) or 'none'}, or give a folder with a config.json"
        )
    return folder


def convert(source: str | None, folder: Path | None) -> int:
    """Make a published checkpoint of the Anticipatory Music Transformer playable, in a folder that is new or empty.

    A model of our own, trained with an earlier version, gets graphs that this one plays. A destination that is called
    .safetensors becomes the weights of a pickle, readable by everything.
    """
    if source is None or folder is None:
        raise UsageError("convert takes two folders: composer models convert SRC DST")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists already; name a new folder, or empty it")
    if folder.suffix == ".safetensors":
        with _writing(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            _exporting().unpickle(Path(source), folder)
        return 0
    if _is_ours(Path(source)):
        _export(Path(source), folder)
    else:
        _make_playable(Path(source), folder)
    with _writing(folder):
        seal(folder)
    return 0


def _is_ours(source: Path) -> bool:
    with suppress(ModelError):
        return "input_rows" in read_config(source)
    return False


def _export(source: Path, folder: Path) -> None:
    export = _module("composer.neural.export").export
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "model.safetensors", "log.jsonl", "card.md"):
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)
        export(folder)


def download(name: str | None, folder: Path | None) -> int:
    """Fetch a published checkpoint and make it playable, by default in the user's folder of models."""
    from composer.commands import download as hub

    if name is None:
        raise UsageError(f"name a checkpoint to download: {', '.join(hub.CHECKPOINTS)}, or OWNER/NAME as on the hub")
    wanted, export = hub.checkpoint(name), _exporting()
    home = folder or own("models") / (name if name in hub.CHECKPOINTS else wanted.repository.partition("/")[2])
    if home.exists():
        raise UsageError(f"{home} exists already; remove it to download again, or name another folder")
    fetched, unfinished = home.with_name(f"{home.name}.download"), home.with_name(f"{home.name}.unfinished")
    with _writing(home):
        source = hub.fetch(wanted, fetched, export.read_config)
        shutil.rmtree(unfinished, ignore_errors=True)
        _make_playable(fetched, unfinished)
        (unfinished / "card.md").write_text(hub.card(source), "utf-8")
        seal(unfinished)
        unfinished.rename(home)
        shutil.rmtree(fetched)
    print(f"{home} plays: {source.repository} at {source.revision}", file=sys.stderr)
    return 0


def _make_playable(source: Path, folder: Path) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from composer.commands import fitting
    from composer.commands.probe import HEADS, likelihood
    from composer.tokenizers.amt import VOCABULARY

    exporting = _exporting()
    with _writing(folder), Progress(console=Console(file=sys.stderr), transient=True) as progress:
        bar = progress.add_task("fitting to four bits", total=1.0)
        kept = exporting.convert(
            source,
            folder,
            HEADS,
            vocabulary=VOCABULARY,
            pieces=fitting.pieces(),
            held_out=fitting.held_out(),
            told=lambda share: progress.update(bar, completed=share),
        )
    print(f"the checkpoint in {source} {kept}", file=sys.stderr)
    print(f"it {likelihood(folder)}", file=sys.stderr)


def _exporting() -> Any:
    return _module("composer.neural.gpt2_export")


def _module(name: str) -> Any:
    """Return a module that converts; ComposerError when what it needs is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ComposerError(
            f"converting needs {error.name}, which playing does not; run: pip install 'composer[train]'"
        ) from None


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:  # a full disk is the one or the other
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{folder} cannot be written: {reason}; make room, or choose another place") from error


def seal(folder: Path) -> None:
    """Record the hashes of a folder's files, so that `verify` can tell whether they are whole."""
    lines = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    (folder / CHECKSUMS).write_text("".join(lines), "utf-8")


def show(folder: Path, as_json: bool) -> int:
    """Print what a model is: its configuration and its card."""
    card = folder / "card.md"
    config, text = read_config(folder), card.read_text("utf-8") if card.is_file() else ""
    if as_json:
        print_json({"folder": str(folder), "config": config, "card": text})
    else:
        print(f"{folder}\n{json.dumps(config, indent=1)}\n\n{text}".rstrip())
    return 0


class Finding(NamedTuple):
    """Say of one file of a model whether it is as it should be."""

    file: str
    ok: bool
    text: str


def verify(folder: Path, as_json: bool) -> int:
    """Print one line a file; ModelError at the end when one is not as it should be."""
    findings = list(examine(folder))
    if as_json:
        print_json([finding._asdict() for finding in findings])
    for finding in findings if not as_json else ():
        print(f"{'ok' if finding.ok else 'no'} - {folder / finding.file} - {finding.text}")
    wrong = [finding for finding in findings if not finding.ok]
    if wrong:
        raise ModelError(f"{folder / wrong[0].file} {wrong[0].text}; restore it (download, install or check out again)")
    return 0


_ACTIONS = {"show": show, "verify": verify}


def examine(folder: Path) -> Iterator[Finding]:
    """Yield a finding for every file of a model: present, of the recorded hash, and whole inside."""
    try:
        read_config(folder)
        yield Finding("config.json", True, "is a configuration")
    except ModelError as error:
        yield Finding("config.json", False, str(error).partition(" ")[2])
    yield from _examine_hashes(folder)
    for path in sorted(folder.glob("*.safetensors")):
        problem = _safetensors_problem(path)
        yield Finding(path.name, problem is None, problem or "holds the tensors its header names")


def _examine_hashes(folder: Path) -> Iterator[Finding]:
    sums = folder / CHECKSUMS
    if not sums.is_file():
        yield Finding(CHECKSUMS, False, f"is missing; `sha256sum * > {CHECKSUMS}` in the folder makes it")
        return
    lines = [line.partition(" ") for line in sums.read_text("utf-8", "replace").splitlines()]
    recorded = {name.strip(" *"): digest for digest, _, name in lines}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix != ".md" and path.name not in (CHECKSUMS, *recorded):
            yield Finding(path.name, False, f"is not in {CHECKSUMS}")
    for name, digest in recorded.items():
        path = folder / name
        if not path.is_file():
            yield Finding(path.name, False, f"is missing, though {CHECKSUMS} names it")
            continue
        with path.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == digest
        yield Finding(path.name, same, "has the recorded hash" if same else "has not the recorded hash")


def read_config(folder: Path) -> dict[str, Any]:
    """Return config.json; ModelError when it is missing or no JSON object."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as a configuration ({error})") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path} is not a JSON object")
    return config


def _safetensors_problem(path: Path) -> str | None:
    """Return what is wrong with a safetensors file, None when header, shapes and length agree."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > size - 8:
            return "is cut off or is no safetensors file"
        try:
            header = json.loads(file.read(length))
            tensors = [entry for name, entry in header.items() if name != "__metadata__"]
            spans = sorted(tuple(tensor["data_offsets"]) for tensor in tensors)
            if any(b - a != prod(t["shape"]) * _BYTES[t["dtype"]] for t in tensors for a, b in [t["data_offsets"]]):
                return "has a tensor whose shape and length disagree"
        except (ValueError, KeyError, TypeError, AttributeError):
            return "has a damaged header"
    edges = [(0, 0), *spans, (size - 8 - length, 0)]
    return None if all(a[1] == b[0] for a, b in pairwise(edges)) else "is shorter or longer than its header says"


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
