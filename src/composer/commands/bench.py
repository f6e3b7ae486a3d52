"""composer bench: decoding speed, lateness while playing, how soon things start, what learning and a bar cost."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from composer.commands import options
from composer.errors import ComposerError, FileError, UsageError
from composer.live.child import LARGE_PAGES

if TYPE_CHECKING:
    from composer.live.settings import Settings
    from composer.live.stats import Stats


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("what", choices=tuple(BENCHES), help="what to measure")
    help = "decode: a model, a folder, or random weights in a shape: shape:amt-small, -medium, -large, shape:5x256"
    parser.add_argument("--model", default=options.DEFAULT_GENERATOR, metavar="NAME", help=help)
    help = "decode: tokens of context (default: 1000)"
    parser.add_argument("--context", type=options.whole(1, 100_000), default=1000, metavar="N", help=help)
    parser.add_argument("--threads", type=options.whole(1, 256), default=2, metavar="N", help="decode: default 2")
    help = "decode: bits of a weight of a published shape (default: 4)"
    parser.add_argument("--bits", type=int, choices=(4, 8), default=4, help=help)
    help = "decode: measure what int8 costs in likelihood instead, on POP909's test songs in this folder"
    parser.add_argument("--loss", type=Path, metavar="DIR", help=help)
    help = "decode: compare ways to run the graph of shape:amt-small, -medium or -large instead"
    parser.add_argument("--ways", action="store_true", help=help)
    parser.add_argument("--songs", type=options.whole(1), metavar="N", help="decode --loss: use N songs only")
    help = "live: seconds of playing (default: 60)"
    parser.add_argument("--seconds", type=options.number(1, 1e5), default=60.0, metavar="N", help=help)
    options.add_generator(parser)
    options.add_choices(parser)
    parser.add_argument("--no-interface", action="store_true", help="live: without the terminal interface beside it")
    parser.add_argument("--internal", action="store_true", help="live: ports inside the program instead of real ones")
    help = "startup: runs of each (default: 7); live: rounds of playing, with the next seeds (default: 1)"
    parser.add_argument("--repeats", type=options.whole(1, 1000), metavar="N", help=help)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    result = BENCHES[args.what](args)
    if args.json:
        options.print_json(result)
        return 0
    for name, value in result.items():
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        print(f"{name}: {shown}")
    return 0


def decode(args: argparse.Namespace) -> dict[str, Any]:
    """Measure how fast a model decodes, or what int8 costs."""
    from composer.commands.models import folder_of

    folder = None if args.model.startswith("shape:") else folder_of(args.model)
    try:
        if args.loss:
            return _loss(args, folder)
        from composer.neural import bench

        if args.ways:
            return _as_a_worker(bench.compare, args.model.removeprefix("shape:"), args.context)
        return _as_a_worker(bench.decode, args.model, folder, args.context, args.threads, args.bits)
    except ModuleNotFoundError as error:
        raise ComposerError(
            f"this measurement needs {error.name}, which playing does not; run: pip install 'composer[train]'"
        ) from error


def _as_a_worker(measure: Callable[..., dict[str, Any]], *told: Any) -> dict[str, Any]:
    """Return what is measured in a process that was started as those are that play."""
    os.environ.update(LARGE_PAGES | os.environ)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(measure, *told).result()


def _loss(args: argparse.Namespace, folder: Path | None) -> dict[str, Any]:
    """Measure the loss of a model's int8 graphs beside the loss in float."""
    if folder is None:
        raise UsageError("random weights have no likelihood to lose; name a trained model with --model")
    if not args.loss.is_dir():
        raise FileError(f"there is no folder {args.loss}; unpack POP909 and name its folder with --loss")
    from composer.training.quantisation import loss

    return {"model": args.model} | loss(folder, args.loss, args.songs, threads=args.threads)


def live(args: argparse.Namespace) -> dict[str, Any]:
    """Measure how late notes leave while the built-in player, the generator and the interface are at work.

    With the interface, what it costs is measured too, and `jam` plays as long before it, to be compared with. A p99
    hangs on a few moments of a machine that others use as well; over several rounds its ratio has a median.
    """
    if args.repeats in (None, 1):
        return _round(args, args.seed)
    rounds = [_round(args, args.seed + n) for n in range(args.repeats)]
    ratios = {name: [each[name] for each in rounds if name in each] for name in ("p99_ratio", "p99_ratio_to_jam")}
    spread = {n: {"median": round(median(r), 2), "min": min(r), "max": max(r)} for n, r in ratios.items() if r}
    return {"generator": args.generator, "rounds": rounds} | spread


def _round(args: argparse.Namespace, seed: int) -> dict[str, Any]:
    from composer.live.bench import figures, measure

    with tempfile.TemporaryDirectory(prefix="composer-") as folder:
        settings = replace(_settings(args, Path(folder) / "stats.json", args.seconds), seed=seed)
        costs: dict[str, Any] = {}
        if not args.no_interface:
            costs["jam"] = figures(_play_alone(settings))
        play = _play_alone if args.no_interface else partial(_play_with_interface, costs)
        result = measure(settings, play) | {"interface": not args.no_interface} | costs
    idle = [result[name]["p99"] for name in ("idle_late_ms", "idle_after_late_ms") if result[name].get("p99")]
    jam = [costs["jam"]["late_ms"]["p99"]] if costs.get("jam", {}).get("late_ms", {}).get("p99") else []
    return result | {
        name: round(result["late_ms"]["p99"] / mean(late), 2)
        for name, late in {"p99_ratio": idle, "p99_ratio_to_jam": jam}.items()
        if late
    }


def _settings(args: argparse.Namespace, stats: Path | None, seconds: float) -> Settings:
    from composer.live.settings import Settings
    from composer.midi.ports import available_apis

    apis: tuple[str, ...] = ()
    with suppress(ComposerError):
        apis = available_apis()
    return Settings(
        generator=args.generator,
        params=options.params(args, args.generator),
        api=apis[0] if apis else "auto",
        seed=args.seed,
        stats=stats,
        duration=seconds,
        internal_ports=args.internal or not apis,
    )


def _play_alone(settings: Settings) -> Stats:
    from composer.commands.jam import closed_by_signals, company
    from composer.live.session import Session

    session = Session(settings)
    with closed_by_signals(session), company(session, demo=True, bars=False):
        return session.run()


def _play_with_interface(costs: dict[str, Any], settings: Settings) -> Stats:
    """Run the interface in a terminal of its own, and note what it costs."""
    from composer.tui.bench import play

    stats, costs["interface_costs"] = play(settings)
    return stats


def startup(args: argparse.Namespace) -> dict[str, Any]:
    """Measure how soon help, the list and the first note come, beside importing mido, in turns."""
    commands = {
        "import_mido": ["-c", "import mido"],
        "help": ["-m", "composer.cli", "--help"],
        "list": ["-m", "composer.cli", "list"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(args.repeats or 7):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
            times[name].append(time.perf_counter() - began)
    middle = {name: median(values) for name, values in times.items()}
    return {
        "seconds": {name: round(value, 3) for name, value in middle.items()},
        "times_import_mido": {n: round(v / middle["import_mido"], 2) for n, v in middle.items() if n != "import_mido"},
        "first_note_seconds": _first_note(args),
    }


def _first_note(args: argparse.Namespace) -> float | None:
    """Return the seconds from opening a session to the first note of the machine, the built-in player playing."""
    from composer.commands.jam import company
    from composer.live.bench import first_note_seconds
    from composer.live.session import Session

    session = Session(_settings(args, None, 25.0))
    found: list[float | None] = []

    def watch() -> None:
        found.append(first_note_seconds(session))
        session.close()

    watcher = threading.Thread(target=watch, name="first note")
    watcher.start()
    with company(session, demo=True, bars=False):
        session.run()
    watcher.join()
    return None if found[0] is None else round(found[0], 3)


def learning(args: argparse.Namespace) -> dict[str, Any]:
    """Measure what learning from a corpus costs, of 10, 100 and all its files, and what it costs once it is kept."""
    from composer.generators.corpus import midi_files

    params = options.params(args, args.generator)
    if not params.get("corpus"):
        raise UsageError("there is nothing to learn from; name a folder of MIDI files with --set corpus=DIR")
    files = midi_files(params["corpus"])
    result: dict[str, Any] = {"generator": args.generator}
    for n in (*(n for n in LEARNED_FILES if n < len(files)), len(files)):
        chosen = [files[i * len(files) // n] for i in range(n)]
        # A process of its own, because memory that was once taken is seldom given back.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            result[f"{n} files"] = process.submit(_learned, args.generator, params, chosen).result()
    return result


def _learned(name: str, params: dict[str, str], files: list[Path]) -> dict[str, float]:
    """Return the cost of making the generator `name` with a corpus of `files`, in a process that made none before."""
    from composer.generators import load, make

    load(name)
    with tempfile.TemporaryDirectory(prefix="composer-") as folder:
        cache, corpus = Path(folder) / "cache", Path(folder) / "corpus"
        os.environ["COMPOSER_CACHE"] = str(cache)
        corpus.mkdir()
        for number, file in enumerate(files):
            shutil.copy(file, corpus / f"{number:06}{file.suffix}")
        peak, began, worked = _peak_megabytes(), time.perf_counter(), time.process_time()
        make(name, params | {"corpus": str(corpus)})
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
        grown = _peak_megabytes() - peak
        before = time.process_time()
        make(name, params | {"corpus": str(corpus)})
        again = time.process_time() - before
        kept = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    figures = {"seconds": seconds, "cpu_seconds": worked, "cpu_ms_a_file": 1000 * worked / len(files)}
    figures |= {"megabytes": grown, "cached_cpu_seconds": again, "cache_megabytes": kept / 2**20}
    return {name: round(value, 3) for name, value in figures.items()}


def _peak_megabytes() -> float:
    """Return the most memory this process has ever held, 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def propose(args: argparse.Namespace) -> dict[str, Any]:
    """Measure how long proposing one bar takes, for ordinary and extreme playing."""
    from composer.live.proposing import measure

    return measure(args.generator, options.params(args, args.generator), args.seed)


LEARNED_FILES = (10, 100)
"""How many files of a corpus are learned from, before all are."""
BENCHES: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "decode": decode,
    "live": live,
    "startup": startup,
    "learning": learning,
    "propose": propose,
}
"""What can be measured."""
