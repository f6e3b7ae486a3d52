"""composer evaluate: figures of a generator on music it has not learned from."""

from __future__ import annotations

import argparse
from pathlib import Path

from composer.commands import options
from composer.errors import ComposerError, FileError


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("name", metavar="NAME", help="one of `composer list`")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder of the unpacked data sets")
    parser.add_argument("--suite", default="all", metavar="NAME", help="which measurements (default: all)")
    parser.add_argument("--songs", type=options.whole(1), default=None, metavar="N", help="use N songs only")
    options.add_choices(parser)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    params = options.params(args, args.name)
    if not args.data.is_dir():
        raise FileError(f"there is no folder {args.data}; unpack a data set and name its folder with --data")
    try:
        from composer.training.evaluate import evaluate

        result = evaluate(args.name, args.data, suite=args.suite, songs=args.songs, seed=args.seed, params=params)
    except ModuleNotFoundError as error:
        raise ComposerError(
            f"evaluation needs {error.name}, which playing does not; install it with: pip install 'composer[train]'"
        ) from error
    if args.json:
        options.print_json(result)
        return 0
    print(f"{result['generator']}, suite {result['suite']}, split {result['split']}, {result['seconds']:.0f} s")
    columns = {args.name: result["metrics"], **result["baselines"]}
    for metric in result["metrics"]:
        print(f"  {metric}: " + ", ".join(f"{name} {values.get(metric, '-')}" for name, values in columns.items()))
    return 0
