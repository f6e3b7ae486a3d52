"""composer train: learn a model from a folder of data."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

from composer.commands import options
from composer.errors import ComposerError, FileError, UsageError


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("name", metavar="NAME", help=f"what to train: {', '.join(TRAINERS)}")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder of the unpacked data sets")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to keep the model in")
    parser.add_argument("--resume", action="store_true", help="go on with the run that DIR of --out holds")
    help = "wall-clock minutes in all, over every resumption (default: 120)"
    parser.add_argument("--minutes", type=options.number(0, 1e6), default=120.0, metavar="N", help=help)
    parser.add_argument("--seed", type=options.whole(0), default=0, metavar="N", help="default: 0")


def run(args: argparse.Namespace) -> int:
    """Train, and keep the model in --out."""
    if args.name not in TRAINERS:
        raise UsageError(f"there is nothing to train called {args.name!r}; there are {', '.join(TRAINERS)}")
    if not args.data.is_dir():
        raise FileError(f"there is no folder {args.data}; unpack a data set and name its folder with --data")
    if not args.resume and args.out.is_dir() and any(args.out.iterdir()):
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
    from composer.training import anticipation, loop

    anticipation.train(args.data, args.out, loop.Run(minutes=args.minutes, seed=args.seed))


def _harmony(args: argparse.Namespace) -> None:
    from composer.training import harmony

    harmony.train(args.data, args.out)


TRAINERS: dict[str, Callable[[argparse.Namespace], None]] = {"anticipation": _anticipation, "harmony": _harmony}
"""What can be trained."""
