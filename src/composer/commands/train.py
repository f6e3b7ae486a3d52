"""composer train: learn a model from a folder of data."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Callable
from pathlib import Path

from composer.commands import options
from composer.errors import ComposerError, FileError, UsageError


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("name", metavar="NAME", help=f"what to train: {', '.join(TRAINERS)}")
    help = "the folder of the unpacked data sets; emi needs none"
    parser.add_argument("--data", type=Path, metavar="DIR", help=help)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to keep the model in")
    parser.add_argument("--resume", action="store_true", help="go on with the run that DIR of --out holds")
    help = "a model, or the folder of one, of the same shape whose weights to begin with"
    parser.add_argument("--from", dest="start", metavar="MODEL", help=help)
    help = "wall-clock minutes in all, over every resumption (default: 120, or what --resume finds)"
    parser.add_argument("--minutes", type=options.number(0, 1e6), metavar="N", help=help)
    help = "same seed, same model (default: 0, or what --resume finds)"
    parser.add_argument("--seed", type=options.whole(0), metavar="N", help=help)
    help = "a setting of the run, such as n_layer=6, n_embd=384, dropout=0.1, batch=16 or length=512; several times"
    parser.add_argument("--set", type=options.pair, action="append", default=[], metavar="KEY=VALUE", help=help)


def run(args: argparse.Namespace) -> int:
    """Train, and keep the model in --out."""
    if args.name not in TRAINERS:
        raise UsageError(f"there is nothing to train called {args.name!r}; there are {', '.join(TRAINERS)}")
    if args.data is None and args.name not in WITHOUT_DATA:
        raise UsageError(f"{args.name} learns from data sets; unpack one and name its folder with --data")
    if args.data is not None and not args.data.is_dir():
        raise FileError(f"there is no folder {args.data}; unpack a data set and name its folder with --data")
    if args.resume and args.start:
        raise UsageError("a run that goes on has its weights; leave out --from, or begin a new run without --resume")
    # Of several processes the first may have begun to fill the folder when the others look.
    first = os.environ.get("RANK", "0") == "0"
    if first and not args.resume and args.out.is_dir() and any(entry.name != "cache" for entry in args.out.iterdir()):
        raise FileError(f"{args.out} is not empty; go on with its run (--resume), or name another folder")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        TRAINERS[args.name](args)
    except ModuleNotFoundError as error:
        raise ComposerError(
            f"training needs {error.name}, which playing does not; install it with: pip install 'composer[train]'"
        ) from error
    return 0


def _anticipation(args: argparse.Namespace) -> None:
    from composer.folders import model_folder
    from composer.training import anticipation, settings

    given = {"minutes": args.minutes, "seed": args.seed}
    if args.start:
        folder = model_folder(args.start)
        if folder is None:
            raise FileError(f"there is no model {args.start}; name one of `composer models`, or a folder with one")
        given["start"] = str(folder)
    told = {name: str(value) for name, value in given.items() if value is not None} | dict(args.set)
    anticipation.train(args.data, args.out, settings.read(args.out if args.resume else None, told))


def _harmony(args: argparse.Namespace) -> None:
    from composer.training import harmony

    harmony.train(args.data, args.out)


def _emi(args: argparse.Namespace) -> None:
    from composer.training import chorales

    chorales.train(args.out)


TRAINERS: dict[str, Callable[[argparse.Namespace], None]] = {
    "anticipation": _anticipation,
    "harmony": _harmony,
    "emi": _emi,
}
"""What can be trained."""
WITHOUT_DATA = frozenset(("emi",))
"""What learns from music that a library ships."""
