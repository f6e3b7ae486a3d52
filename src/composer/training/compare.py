"""Compare settings at equal time: train one after the other, or several side by side, then print a table.

    python -m composer.training.compare --minutes 20 --data DATA --out DIR shape=4x256 shape=6x384,dropout=0.1

A variant is settings of a run with commas between them; `shape` is layers and width. A comparison that was broken off
goes on where it was. Let nothing else run meanwhile, or count processor time: with --jobs each run has one thread and
`minutes` of a processor to itself, which is fair however busy the machine is.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from safetensors import safe_open

from composer.commands import options
from composer.errors import ComposerError, UsageError
from composer.training import anticipation, corpora, loop, runlog, settings
from composer.training.loop import Run

log = logging.getLogger(__name__)

HEAD = """| variant | M parameters | steps | M machine notes | note and chord | note | pitch | chord | silence costs |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def variant(text: str) -> dict[str, str]:
    """Return the settings that a word such as shape=6x384,dropout=0.1 stands for."""
    out: dict[str, str] = {}
    for word in text.split(","):
        key, equals, value = word.partition("=")
        if not (key and equals):
            raise UsageError(f"{word!r} is not KEY=VALUE; write shape=4x256 or a setting of the run such as batch=16")
        if key == "shape":
            layers, by, width = value.partition("x")
            if not (layers.isdigit() and by and width.isdigit()):
                raise UsageError(f"{value!r} is not a shape; write layers x width, such as 4x256")
            out |= {"n_layer": layers, "n_embd": width}
        else:
            out[key] = value
    return out


def row(name: str, folder: Path) -> str:
    """Return a line of the table: the last validation of a run at lead 1, and what silencing the player costs there."""
    last = [entry for entry in runlog.rows(folder) if "lead1" in entry][-1]
    with safe_open(folder / "model.safetensors", "np") as kept:
        parameters = sum(math.prod(kept.get_slice(key).get_shape()) for key in kept.keys())  # noqa: SIM118
    heard, silent = last["lead1"], last["lead1_silent"]
    figures = [*(heard[kind] for kind in ("whole", "note", "m_pitch", "chord")), silent["whole"] - heard["whole"]]
    cells = [name, f"{parameters / 1e6:.1f}", str(last["step"]), f"{last['machine_notes'] / 1e6:.2f}"]
    return f"| {' | '.join([*cells, *(f'{figure:.3f}' for figure in figures)])} |\n"


def compare(data: Path, out: Path, runs: dict[str, Run], jobs: int = 1) -> str:
    """Train each run in a folder of `out` of its name, `jobs` at a time, and return the table of them all.

    Losses are nats: of a machine note with its chord, of the note, its pitch, and the chord of a block, at lead 1 on
    held-out songs; then what silencing the player costs a machine note with its chord.
    """
    for split in ("train", "validation"):
        corpora.load(data, split, out / "cache")
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        running = [pool.submit(one, data, out, name, run) for name, run in runs.items()]
        for name, done in zip(runs, running, strict=True):
            done.result()
            log.info("\n%s%s", HEAD, row(name, out / name))
    return HEAD + "".join(row(name, out / name) for name in runs)


def one(data: Path, out: Path, name: str, run: Run) -> None:
    """Train one run in its folder, with the arrays kept in `out`; called in a process of its own."""
    songs, held_out = (corpora.load(data, split, out / "cache") for split in ("train", "validation"))
    loop.train(songs, anticipation.validation(held_out, run.length), run, out / name)


def main(argv: list[str] | None = None) -> int:
    """Read the variants that the command line names, train them and print the table."""
    parser = argparse.ArgumentParser(prog="composer.training.compare", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("variants", nargs="+", metavar="KEY=VALUE[,KEY=VALUE ...]", help="such as shape=4x256,batch=16")
    parser.add_argument("--minutes", type=options.number(0, 1e6), required=True, metavar="N", help="time of each")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder of the unpacked data sets")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to keep the runs in")
    parser.add_argument("--seed", type=options.whole(0), default=0, metavar="N", help="default: 0")
    help = "runs side by side, each with one thread and its minutes counted in processor time (default: 1, wall time)"
    parser.add_argument("--jobs", type=options.whole(1), metavar="N", help=help)
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        common = {"minutes": str(args.minutes), "seed": str(args.seed)}
        if args.jobs:
            common |= {"threads": "1", "processor": "true"}
        runs = {text: settings.read(None, common | variant(text)) for text in args.variants}
        print(compare(args.data, args.out, runs, args.jobs or 1), end="")
    except (ComposerError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_status if isinstance(error, ComposerError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
