"""composer generate, continue, accompany and infill: music from a generator into a MIDI file, without hardware."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from composer import __version__
from composer.commands import options
from composer.errors import UsageError
from composer.music import Score


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the four verbs."""
    if verb == "generate":
        parser.add_argument("generator", metavar="NAME", help="one of `composer list`")
        parser.add_argument("--key", default="C", help="such as C, F# or Am (default: C)")
        options.add_time(parser)
    else:
        parser.add_argument("input", type=Path, metavar="IN.mid", help="the music to begin from")
        options.add_generator(parser)
    options.add_output(parser)
    if verb == "generate":
        parser.add_argument("--bars", type=options.whole(1, 10_000), default=16, metavar="N", help="default: 16")
    if verb == "continue":
        parser.add_argument("--bars", type=options.whole(1, 10_000), default=8, metavar="N", help="default: 8")
    if verb == "accompany":
        help = "blocks the player is heard ahead, or `offline`: the whole piece is known (default: offline)"
        parser.add_argument("--lead", type=_lead, default=None, metavar="BLOCKS", help=help)
    if verb == "infill":
        help = "the bars to write anew, from the first to before the second, counted from 1: 9:13 is bars 9 to 12"
        parser.add_argument("--bars", type=_bars, required=True, metavar="FIRST:END", help=help)
    if verb in ("accompany", "infill"):
        help = "accompany: a part to listen to; infill: a part to rewrite; may be repeated (default: all)"
        parser.add_argument("--part", action="append", metavar="NAME", help=help)
    help = "write N versions, with seeds one apart, to OUT-1.mid, OUT-2.mid, ..."
    parser.add_argument("--count", type=options.whole(1, 10_000), default=1, metavar="N", help=help)
    options.add_choices(parser)


def run(args: argparse.Namespace) -> int:
    """Write as many files as were asked for."""
    from composer.midi import files

    params = options.params(args, args.generator)
    outputs = [options.writable(path, args.force) for path in numbered(args.output, args.count)]
    score = None if args.verb == "generate" else files.read(args.input)
    compose, asked = _request(args, score)
    if sys.stderr.isatty():
        from composer.generators.corpus import watcher

        watcher.set(_learning)
    for number, path in enumerate(outputs):
        seed = args.seed + number
        music = compose(seed=seed, params=params, progress=_progress(), **asked)
        facts = {"composer": __version__, "verb": args.verb, "generator": args.generator, "seed": seed}
        facts |= {"params": params} | ({} if score is None else {"input": args.input.name}) | asked
        files.write(music, path, comment=json.dumps(facts, ensure_ascii=False), force=args.force)
        notes = sum(len(part.notes) for part in music.parts)
        print(f"wrote {path}: {notes} notes in {len(music.parts)} parts", file=sys.stderr)
    return 0


def numbered(path: Path, count: int) -> list[Path]:
    """Return the path itself, or for several versions OUT-1.mid, OUT-2.mid, ..., numbered with equal digits."""
    if count == 1:
        return [path]
    width = len(str(count))
    return [path.with_name(f"{path.stem}-{n:0{width}}{path.suffix}") for n in range(1, count + 1)]


def _request(args: argparse.Namespace, score: Score | None) -> tuple[Callable[..., Score], dict[str, Any]]:
    """Return the function of the offline loop that does what the verb says, and what it is asked."""
    from composer.live import offline

    name: str = args.generator
    if score is None:
        asked = {"bars": args.bars, "key": args.key, "tempo": args.tempo, "meter": args.meter}
        return partial(offline.generate, name), asked
    match args.verb:
        case "continue":
            return partial(offline.continue_score, score, name), {"bars": args.bars}
        case "accompany":
            return partial(offline.accompany, score, name), {"lead": args.lead, "players": _parts(args, score)}
        case _:
            bars = (args.bars[0] - 1, args.bars[1] - 1)
            return partial(offline.infill, score, name), {"bars": bars, "parts": _parts(args, score)}


def _parts(args: argparse.Namespace, score: Score) -> tuple[str, ...] | None:
    names = [part.name for part in score.parts]
    for name in args.part or ():
        if name not in names:
            raise UsageError(f"{args.input} has no part {name!r}; its parts are {', '.join(names) or 'none'}")
    return tuple(args.part) if args.part else None


def _progress() -> Callable[[float], None] | None:
    if not sys.stderr.isatty():
        return None

    def show(share: float) -> None:
        print(f"\r{share:4.0%}", end="\r" if share < 1 else "\n", file=sys.stderr, flush=True)

    return show


def _learning(done: int, of: int) -> None:
    print(f"\rlearning: {done} of {of} files read", end="\r" if done < of else "\n", file=sys.stderr, flush=True)


def _lead(text: str) -> int | None:
    if text == "offline":
        return None
    try:
        return options.whole(-64, 64)(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of blocks nor `offline`") from None


def _bars(text: str) -> tuple[int, int]:
    first, _, end = text.partition(":")
    if not (first.isdigit() and end.isdigit() and 1 <= int(first) < int(end)):
        raise argparse.ArgumentTypeError(f"{text!r} is not FIRST:END; bars 9 to 12 are 9:13")
    return int(first), int(end)
