"""How fast a model decodes: one run, side by side with what it is compared to.

A note of our own model is one token, a note of a published checkpoint three. Every token is decoded as playing does:
masked logits, a draw, one more step in the buffers.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from composer.errors import UsageError
from composer.neural import gpt2, runtime
from composer.neural.sampling import sample
from composer.neural.shapes import PUBLISHED, PUBLISHED_BAND, PUBLISHED_CONTEXT, PUBLISHED_ROWS, make, make_random

__all__ = ["compare", "decode", "first_note", "make_random"]

ROUNDS = 5
TOKENS = 40
"""Tokens of ours in a round; the baseline with a cache decodes a fifth, the one without a single one."""
STARTS = 3
PATIENCE_SECONDS = 20.0
"""After this a contender takes no further turn, once it has had two."""
BLOCK_NOTES = 8
"""Notes that a changed block takes back and puts in again: half a quarter of dense music."""
OURS_NOTES_PER_SECOND = 16.0
LAKH_TOKENS_PER_SECOND = 68.0
"""The average density of the Lakh set."""
_LEGAL: tuple[gpt2.Rows, ...] = (*PUBLISHED_ROWS[:2], PUBLISHED_BAND)
"""What a published checkpoint is asked for at each third step while a band plays."""
GRAPHS, COMPILED = "ONNX Runtime", "compiled"
WITH_CACHE, WITHOUT_CACHE = "transformers GPT-2, DynamicCache", "transformers GPT-2, no cache"


class Contender(Protocol):
    """Decode after a context of random notes."""

    tokens_per_note: int
    bits: int
    """Bits of a weight of its layers."""
    layers: str
    """What runs them."""
    real_time: float
    """Tokens a second that playing needs."""
    shape: tuple[int, int, int, int]
    """Layers, heads, width and vocabulary of a GPT-2 to compare with."""

    def others(self) -> dict[str, Callable[[], None]]:
        """Return by name what else stands for `token`, to be measured beside it."""

    def prefill(self) -> None:
        """Read the whole context."""

    def token(self) -> None:
        """Choose the last token of the context and put it in."""

    def change(self) -> None:
        """Go back and read another last block."""

    def note(self) -> None:
        """Choose a note after what was read."""


def decode(model: str, folder: Path | None, context: int = 1000, threads: int = 2, bits: int = 4) -> dict[str, Any]:
    """Return the figures of `composer bench decode --json` with `context` tokens in the buffers.

    `folder` holds the model; without one, `model` names a shape (composer.neural.shapes): random weights, made for this
    run, and those of a published shape in so many `bits`.
    """
    if folder is not None:
        return _measure(model, folder, context, threads)
    with tempfile.TemporaryDirectory(prefix="composer-") as scratch:
        make(model, Path(scratch), bits)
        return _measure(model, Path(scratch), context, threads)


def _measure(model: str, folder: Path, context: int, threads: int) -> dict[str, Any]:
    ours = _contender(folder, context, threads)
    ours.prefill()
    prefill = [_seconds(ours.prefill) for _ in range(3)]
    others = ours.others()
    turns = {name: (token, TOKENS) for name, token in {"": ours.token, **others}.items()}
    seconds = _in_turns(turns | _baselines(ours, context, threads))
    steps = seconds.pop("")
    beside = {name: statistics.median(seconds.pop(name)) for name in others}
    rollback, replan = [], []
    for _ in range(30):
        rollback.append(_seconds(ours.change))
        replan.append(rollback[-1] + _seconds(ours.note))
    median = statistics.median(steps)
    baselines = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "model": model,
        "bits": ours.bits,
        "layers": ours.layers,
        "context": context,
        "threads": threads,
        "tokens_per_second": round(1 / median, 1),
        "notes_per_second": round(1 / median / ours.tokens_per_note, 1),
        "times_real_time": round(1 / median / ours.real_time, 2),
        "others": {name: round(1 / one, 1) for name, one in beside.items()},
        "ms_per_token": {"p50": _ms(median), "p95": _ms(float(np.percentile(steps, 95)))},
        "prefill_ms": _ms(statistics.median(prefill)),
        "rollback_ms": _ms(statistics.median(rollback)),
        "replan_ms": _ms(statistics.median(replan)),
        "startup_ms": _ms(statistics.median(_cold_start(folder, threads) for _ in range(STARTS))),
        "baselines": {name: round(1 / one, 2) for name, one in baselines.items()},
        "times_baseline": {name: round(one / median, 1) for name, one in baselines.items()},
        "n": {"tokens": len(steps)} | {name: len(times) for name, times in seconds.items()},
    }


def compare(name: str, context: int = 1000) -> dict[str, Any]:
    """Return what each way to run the graph of a published shape takes, in turns: milliseconds a token and so on.

    The head and the draw are left out, for they are the same; a prefill is read in pieces, as playing reads. `fastest`
    is the least, which a busy machine hides least.
    """
    from composer.neural.variants import runners

    if name not in PUBLISHED:
        raise UsageError(f"ways are compared for {', '.join(PUBLISHED)}; {name!r} is none of them")
    if not 100 <= context <= PUBLISHED_CONTEXT:
        raise UsageError(f"a context of {context} cannot be compared; ask for 100 to {PUBLISHED_CONTEXT}")
    x = np.random.default_rng(0).standard_normal((context, PUBLISHED[name][2]), dtype=np.float32)
    spans = {"token": (1, 15), "block of 24 tokens": (24, 3), "prefill": (context, 1)}
    turns: dict[str, tuple[Callable[[], None], int]] = {}
    for way, layers in runners(name).items():
        for span, (steps, calls) in spans.items():
            turns[f"{way}: {span}"] = (partial(gpt2.read_in_pieces, layers, x[-steps:], context - steps), calls)
    seconds = _in_turns(turns)
    return {
        "model": f"shape:{name}",
        "context": context,
        "ms": {title: {"p50": _ms(statistics.median(s)), "fastest": _ms(min(s))} for title, s in seconds.items()},
    }


def _contender(folder: Path, context: int, threads: int) -> Contender:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    if config.get("model_type") == "gpt2":
        return _Tokens(folder, context, threads)
    return _Notes(folder, context, threads)


class _Notes:
    """Decode notes of our own model."""

    tokens_per_note = 1
    bits = 8
    layers = GRAPHS
    real_time = OURS_NOTES_PER_SECOND

    def __init__(self, folder: Path, context: int, threads: int) -> None:
        if context < 2 * BLOCK_NOTES:
            raise UsageError(f"a context of {context} is too short to measure; ask for {2 * BLOCK_NOTES} or more")
        self.decoder = runtime.Decoder(folder, context=context + 2, threads=threads)
        config = self.decoder.config
        self.shape = (config["n_layer"], config["n_head"], config["n_embd"], 512)
        self.context, self.rng = context, np.random.default_rng(0)
        self.rows = self.rng.integers(0, config["input_rows"], (context + 2, 8))
        self.places = self.rng.integers(0, config["next_rows"], context + 2)
        self.times = np.arange(context + 2) * 3

    def others(self) -> dict[str, Callable[[], None]]:
        return {}

    def _append(self, first: int, stop: int) -> None:
        at = slice(first, stop)
        self.decoder.append(self.rows[at], self.places[at], self.times[at])

    def prefill(self) -> None:
        self.decoder.rollback(0)
        self._append(0, self.context)

    def token(self) -> None:
        self.decoder.rollback(self.context - 1)
        self._choose()
        self._append(self.context - 1, self.context)

    def change(self) -> None:
        self.decoder.rollback(self.context - 1 - BLOCK_NOTES)
        self._append(self.context - 1 - BLOCK_NOTES, self.context - 1)

    def note(self) -> None:
        z = self.decoder.look(int(self.places[self.context - 1]))
        sample(self.decoder.chord(z), self.rng)
        self._append(self.context - 1, self.context)
        self._choose()

    def _choose(self) -> None:
        decoder, rng = self.decoder, self.rng
        sample(decoder.slots()[0], rng, 1.0, 0.98)
        z = decoder.look(int(self.places[decoder.length]))
        pitch = sample(decoder.pitch(z, 0)[:128], rng, 1.0, 0.98)
        duration = sample(decoder.duration(z, pitch), rng, 1.0, 0.98)
        sample(decoder.velocity(z, pitch, duration), rng, 1.0, 0.98)


class _Tokens:
    """Decode tokens of a published checkpoint: onset, duration, note."""

    tokens_per_note = 3
    real_time = LAKH_TOKENS_PER_SECOND

    def __init__(self, folder: Path, context: int, threads: int) -> None:
        self.decoder = gpt2.Decoder(folder, threads=threads)
        least, most = 4 * BLOCK_NOTES, self.decoder.context - 3
        if not least <= context <= most:
            raise UsageError(f"a context of {context} cannot be measured with this model; ask for {least} to {most}")
        config = self.decoder.config
        self.bits = config.get("bits", 8)
        self.layers = COMPILED if self.decoder.is_compiled else GRAPHS
        self.shape = (config["n_layer"], config["n_head"], config["n_embd"], config["vocab_size"])
        self.context, self.rng = context, np.random.default_rng(0)
        self.tokens = [self._random(i) for i in range(context)]
        self._turn = 0

    def others(self) -> dict[str, Callable[[], None]]:
        return {"notes of any instrument": partial(self._token, PUBLISHED_ROWS)}

    def _random(self, i: int) -> int:
        rows = PUBLISHED_ROWS[i % 3]
        return int(self.rng.integers(rows.start, rows.stop))

    def prefill(self) -> None:
        self.decoder.rollback(0)
        self.decoder.append(self.tokens)

    def token(self) -> None:
        self._token(_LEGAL)

    def _token(self, rows: Sequence[gpt2.Rows]) -> None:
        self.decoder.rollback(self.context - 1)
        self._turn += 1
        self._choose(rows[self._turn % 3])

    def change(self) -> None:
        kept = self.context - 3 * BLOCK_NOTES
        self.decoder.rollback(kept)
        self.decoder.append(self.tokens[kept:])

    def note(self) -> None:
        time, duration, note = _LEGAL
        self._choose(time)
        self._choose(duration)
        self._drawn(note)  # which is a note already: it is put in when the next one is asked for

    def _choose(self, rows: gpt2.Rows) -> None:
        self.decoder.append([self._drawn(rows)])

    def _drawn(self, rows: gpt2.Rows) -> int:
        return gpt2.row(rows, sample(self.decoder.logits(rows), self.rng, 1.0, 0.98))


def _baselines(ours: Contender, context: int, threads: int) -> dict[str, tuple[Callable[[], None], int]]:
    try:
        from composer.neural.baselines import Gpt2

        gpt2 = Gpt2(*ours.shape, context, threads)
    except ModuleNotFoundError:
        return {}
    return {WITH_CACHE: (gpt2.with_cache, TOKENS // 5), WITHOUT_CACHE: (gpt2.without_cache, 1)}


def _in_turns(contenders: dict[str, tuple[Callable[[], None], int]]) -> dict[str, list[float]]:
    """Return the seconds of each contender's calls; they take turns, in another order each round.

    The first of several calls of a turn is not counted: the caches then hold the other contenders' weights.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(ROUNDS):
        names = list(contenders)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            run, calls = contenders[name]
            if len(times[name]) >= 2 and sum(times[name]) > PATIENCE_SECONDS:
                continue
            if calls > 1:
                run()
            times[name] += [_seconds(run) for _ in range(calls)]
    return times


def _cold_start(folder: Path, threads: int) -> float:
    """Return the seconds from starting a process to the first note that it chose."""
    program = "import sys; from composer.neural.bench import first_note; first_note(*sys.argv[1:])"
    command = [sys.executable, "-c", program, str(folder), str(threads)]
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        said = process.stdout.readline()
        seconds = time.perf_counter() - begun
    if not said:
        raise UsageError(f"a process that opens the model in {folder} ended without a note; see what it wrote above")
    return seconds


def first_note(folder: str, threads: str) -> None:
    """Open a model, read the shortest context, choose a note and say so on stdout."""
    contender = _contender(Path(folder), 4 * BLOCK_NOTES, int(threads))
    contender.prefill()
    contender.change()
    contender.note()
    print("a note", flush=True)


def _seconds(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 2)
