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
    parser.add_argument(
        "--seeds", type=options.whole(1, 100), default=1, metavar="N", help="play N times, from --seed on"
    )
    parser.add_argument("--jobs", type=options.whole(1, 64), default=1, metavar="N", help="play in N processes")
    help = "a model folder whose loss is printed beside (suite loss)"
    parser.add_argument("--baseline", type=Path, default=None, metavar="FOLDER", help=help)
    help = "write the figures into their section of a Markdown page as well"
    parser.add_argument("--page", type=Path, default=None, metavar="FILE.md", help=help)
    options.add_choices(parser)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    params = options.params(args, args.name)
    if args.baseline is not None and not (args.baseline / "config.json").is_file():
        raise FileError(f"there is no model in {args.baseline}; name a folder with config.json in it")
    if not args.data.is_dir():
        raise FileError(f"there is no folder {args.data}; unpack a data set and name its folder with --data")
    try:
        from composer.training.evaluate import evaluate

        result = evaluate(
            args.name,
            args.data,
            suite=args.suite,
            songs=args.songs,
            seeds=range(args.seed, args.seed + args.seeds),
            params=params,
            baseline=args.baseline,
            jobs=args.jobs,
        )
    except ModuleNotFoundError as error:
        raise ComposerError(
            f"evaluation needs {error.name}, which playing does not; install it with: pip install 'composer[train]'"
        ) from error
    if args.page:
        from composer.training.evaluation import page

        page.write(args.page, result, _command(args, params))
    if args.json:
        options.print_json(result)
        return 0
    print(f"{result['generator']}, suite {result['suite']}, split {result['split']}, {result['seconds']:.0f} s")
    columns = {args.name: result["metrics"], **result["baselines"]}
    for metric in dict.fromkeys(metric for figures in columns.values() for metric in figures):
        told = {name: figures[metric] for name, figures in columns.items() if metric in figures}
        print(f"  {metric}: " + ", ".join(f"{name} {value}" for name, value in told.items()))
    return 0


def _command(args: argparse.Namespace, params: dict[str, str]) -> str:
    """Return how to measure the same again, wherever the data are."""
    told = ["composer evaluate", args.name, "--data DIR --suite", args.suite]
    told += [f"--songs {args.songs}"] if args.songs else []
    told += [f"--seeds {args.seeds}"] if args.seeds > 1 else []
    told += [f"--seed {args.seed}"] if args.seed else []
    return " ".join([*told, *(f"--set {name}={value}" for name, value in params.items())])
