"""composer doctor: what works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Literal, NamedTuple

from composer.commands.options import add_json, print_json
from composer.errors import ComposerError


class Finding(NamedTuple):
    """Say whether something works, what was found, and what to do where there is something to do."""

    state: Literal["ok", "warn", "no"]
    what: str
    do: str = ""


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print one finding a line, then the next step; ComposerError when playing is impossible."""
    findings = [finding for check in CHECKS for finding in check()]
    step = next_step(findings)
    if args.json:
        print_json({"findings": [finding._asdict() for finding in findings], "next": step})
    for finding in findings if not args.json else ():
        print(" - ".join(part for part in finding if part))
    if not args.json:
        print(f"next: {step}")
    broken = [finding for finding in findings if finding.state == "no"]
    if broken:
        raise ComposerError(f"playing is not possible here: {broken[0].what}; {broken[0].do}")
    return 0


def next_step(findings: list[Finding]) -> str:
    """Return the one thing to do next."""
    broken = [finding.do for finding in findings if finding.state == "no"]
    if broken:
        return broken[0]
    if any(finding.state == "warn" and finding.what.startswith("MIDI") for finding in findings):
        return "composer jam --demo plays through ports inside the program; with a MIDI system, composer opens its own"
    return "composer opens the interface; connect your keyboard or DAW to the ports composer:in and composer:out"


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    cores = os.cpu_count() or 1
    yield Finding("ok", f"Python {version}, {cores} processor{'s' * (cores > 1)}")
    if cores < 2:
        yield Finding("warn", "one processor: the model and the player share it", "prefer --generator markov when live")


def _midi() -> Iterator[Finding]:
    from composer.midi.ports import available_apis, list_ports

    try:
        systems = available_apis()
        inputs, outputs, api = list_ports()
    except ComposerError as error:
        yield Finding("warn", "MIDI: none", str(error))
        return
    yield Finding(
        "ok", f"MIDI: {', '.join(systems)}; {api} is used: {len(inputs)} ports to hear, {len(outputs)} to play"
    )
    if api == "jack":
        hint = "messages leave once a period: 256 frames at 48 kHz are 5.3 ms, 1024 are 21.3 ms"
        yield Finding("ok", f"latency: JACK; {hint}")
    if api == "winmm":
        yield Finding(
            "warn", "virtual ports: Windows has none", "install loopMIDI and name its ports with --in and --out"
        )


def _clock() -> Iterator[Finding]:
    info = time.get_clock_info("monotonic")
    p50, p99 = wait_lateness()
    grain = f"{info.resolution * 1e6:.3g} us"
    what = f"clock: resolution {grain}; a wait of 2 ms ends late by {p50:.2f} ms (p50), {p99:.2f} (p99)"
    if p99 > 10:
        yield Finding("warn", what, "close what keeps the processors busy, and plug in the power supply")
    else:
        yield Finding("ok", what)


def wait_lateness(waits: int = 200, seconds: float = 0.002) -> tuple[float, float]:
    """Return by how many milliseconds short waits end late: median and 99th percentile."""
    late = []
    for _ in range(waits):
        due = time.monotonic() + seconds
        time.sleep(seconds)
        late.append((time.monotonic() - due) * 1000)
    late.sort()
    return late[len(late) // 2], late[len(late) * 99 // 100]


def _generators() -> Iterator[Finding]:
    from composer.commands.download import CHECKPOINTS
    from composer.commands.models import examine
    from composer.folders import model_folder
    from composer.generators import GENERATORS, make

    for info in GENERATORS.values():
        folder = model_folder(info.weights) if info.weights else None
        if info.weights and folder is None:
            made = "models download" if info.weights in CHECKPOINTS else "train"
            yield Finding(
                "warn", f"generator {info.name}: no weights", f"composer {made} {info.weights}, or use markov"
            )
            continue
        wrong = [found for found in examine(folder) if not found.ok] if folder else []
        if wrong:
            yield Finding("warn", f"generator {info.name}: {wrong[0].file} {wrong[0].text}", "composer models verify")
            continue
        try:
            make(info.name)
        except (ComposerError, ImportError, OSError, ValueError) as error:
            state: Literal["warn", "no"] = "warn" if info.weights else "no"
            yield Finding(state, f"generator {info.name}: {error}", "install the package again")
            continue
        yield Finding("ok", f"generator {info.name}: {'weights whole, ' if folder else ''}ready")


def _around() -> Iterator[Finding]:
    from composer.neural import gpt2_compiled

    if find_spec("textual") is None:
        yield Finding("warn", "interface: textual is missing", "install the package again; composer jam works without")
    else:
        yield Finding("ok", "interface: textual is here")
    if shutil.which("fluidsynth"):
        yield Finding("ok", "sound: fluidsynth is here to hear a recording with")
    else:
        yield Finding("warn", "sound: no fluidsynth", "connect a DAW or synthesizer, or install fluidsynth, to hear")
    if gpt2_compiled.is_possible():
        yield Finding("ok", "published checkpoints: their layers are compiled for this processor")
    else:
        yield Finding("ok", "published checkpoints: played by ONNX Runtime; numba on a processor with AVX2 is faster")
    if find_spec("torch") is None:
        yield Finding("ok", "training: not installed (pip install 'composer[train]'); playing does not need it")
    else:
        yield Finding("ok", "training: torch is here")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (_python, _midi, _clock, _generators, _around)
