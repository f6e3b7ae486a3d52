"""Flags that several verbs share, and the values they stand for."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer.errors import FileError, UsageError

if TYPE_CHECKING:
    from composer.live.settings import Settings

DEFAULT_GENERATOR = "anticipation"


def number(low: float, high: float = math.inf) -> Callable[[str], float]:
    """Return a reader of finite numbers between `low` and `high`."""

    def read(text: str) -> float:
        value = float(text)
        if not (low <= value <= high and math.isfinite(value)):
            raise argparse.ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    read.__name__ = "number"
    return read


def whole(low: int, high: int = 2**63) -> Callable[[str], int]:
    """Return a reader of whole numbers between `low` and `high`."""

    def read(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return value

    read.__name__ = "whole number"
    return read


def meter(text: str) -> tuple[int, int]:
    """Return a time signature such as 6/8 as numerator and denominator."""
    above, _, below = text.partition("/")
    if not (
        above.isdigit() and below.isdigit() and 1 <= int(above) <= 32 and below in ("1", "2", "4", "8", "16", "32")
    ):
        raise argparse.ArgumentTypeError(f"{text!r} is not a meter; write 3/4, 4/4 or 6/8")
    return int(above), int(below)


def pair(text: str) -> tuple[str, str]:
    """Return KEY=VALUE as two words."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def add_generator(parser: argparse.ArgumentParser) -> None:
    """Add --generator."""
    help = f"one of `composer list` (default: {DEFAULT_GENERATOR})"
    parser.add_argument("--generator", default=DEFAULT_GENERATOR, metavar="NAME", help=help)


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add --seed and --set, which every generator understands."""
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help="same seed, same music (default: 0)")
    help = "a parameter of the generator, as shown by `composer list`; may be given several times"
    parser.add_argument("--set", type=pair, action="append", default=[], metavar="KEY=VALUE", help=help)


def add_time(parser: argparse.ArgumentParser) -> None:
    """Add --tempo and --meter."""
    help = "quarters a minute (default: 120)"
    parser.add_argument("--tempo", type=number(10, 600), default=120.0, metavar="QPM", help=help)
    parser.add_argument("--meter", type=meter, default=(4, 4), metavar="N/D", help="time signature (default: 4/4)")


def add_session(parser: argparse.ArgumentParser) -> None:
    """Add what can be said of any session: who plays, through which ports, in which time, and how far ahead."""
    from composer.commands.ports import APIS
    from composer.generators.base import ROLES

    add_generator(parser)
    parser.add_argument("--role", choices=ROLES, default="accompany", help="what the machine does (default: accompany)")
    parser.add_argument("--in", dest="in_port", metavar="PORT", help='the port to hear (default: a virtual port "in")')
    parser.add_argument(
        "--out", dest="out_port", metavar="PORT", help='the port to play (default: a virtual port "out")'
    )
    parser.add_argument("--api", choices=APIS, default="auto", help="the MIDI system (default: the first there is)")
    help = "who drives the time: our clock or the host's MIDI clock (default: internal)"
    parser.add_argument("--sync", choices=("internal", "clock"), default="internal", help=help)
    add_time(parser)
    help = "bars of silence before the first (default: 0)"
    parser.add_argument("--count-in", type=whole(0, 16), default=0, metavar="BARS", help=help)
    help = "half quarters by which the machine hears late, for generators that have a lead"
    parser.add_argument("--lead", type=whole(-16, 16), metavar="BLOCKS", help=help)
    help = "quarters ahead of now that are never revised (default: what suits the generator)"
    parser.add_argument("--commit", type=number(0, 64), metavar="QUARTERS", help=help)
    help = "quarters ahead of now that are planned (default: 4)"
    parser.add_argument("--lookahead", type=number(0.5, 64), default=4.0, metavar="QUARTERS", help=help)
    add_choices(parser)


def session(args: argparse.Namespace) -> Settings:
    """Return what the flags of `add_session` say, after `settle`; UsageError names one that cannot be followed."""
    from composer.live.settings import Settings
    from composer.preferences import KEPT

    if args.lead is not None:
        args.set = [*args.set, ("lead", str(args.lead))]
    kept = {name: getattr(args, name) for name in KEPT if name != "params"}
    return Settings(**kept, params=params(args, args.generator))


def add_preset(parser: argparse.ArgumentParser) -> None:
    """Add --preset; with `settle`, what it names and the settings file say holds where no flag says otherwise.

    Call it last: it takes away the defaults of the flags that stand for settings.
    """
    from composer.preferences import KEPT

    help = "begin with a preset saved in the interface; flags count above it"
    # Suppressed, so that `composer --preset NAME jam` means the same.
    parser.add_argument("--preset", default=argparse.SUPPRESS, metavar="NAME", help=help)
    parser.set_defaults(**{name: None for name in KEPT if name != "params"})


def settle(args: argparse.Namespace) -> None:
    """Give `args` the settings of the user's file, its preset and the defaults, in this order, where no flag spoke."""
    from composer import preferences
    from composer.live.settings import Settings

    found = preferences.read()
    if found.notice:
        print(f"composer: {found.notice}", file=sys.stderr)
    values, defaults = found.values(args.preset), Settings()
    generator = values.get("generator", defaults.generator)
    if args.generator in (None, generator):
        given = {key for key, _ in args.set} | ({"lead"} if args.lead is not None else set())
        args.set = [*((k, v) for k, v in values.get("params", {}).items() if k not in given), *args.set]
    for name in preferences.KEPT:
        if name != "params" and getattr(args, name) is None:
            setattr(args, name, values.get(name, getattr(defaults, name)))


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add -o and --force."""
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.mid", help="the file to write")
    add_force(parser)


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add --force."""
    parser.add_argument("--force", action="store_true", help="replace files that exist already")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def writable(path: Path, force: bool) -> Path:
    """Return `path` if a file can be written there; FileError says why not, before any work is done."""
    if path.is_dir():
        raise FileError(f"{path} is a folder; name a file")
    if path.exists() and not force:
        raise FileError(f"{path} exists already; choose another name, or replace it with --force")
    if not path.parent.is_dir():
        raise FileError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    return path


def params(args: argparse.Namespace, generator: str) -> dict[str, str]:
    """Return what --set says; UsageError when the generator has no such parameter or the value is out of range."""
    from composer.generators import params_type
    from composer.generators.base import parse_params

    given = dict(args.set)
    if len(given) < len(args.set):
        raise UsageError("a parameter was set twice; give each --set KEY=VALUE once")
    parse_params(params_type(generator), given)
    return given


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    print(json.dumps(value, indent=1, ensure_ascii=False))
