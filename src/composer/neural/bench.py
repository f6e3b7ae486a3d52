"""How fast a model decodes: one run, side by side with what it is compared to."""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from composer.errors import UsageError
from composer.neural.runtime import Decoder

NOTES = 200
"""Notes decoded for the figures."""
BLOCK_NOTES = 8
"""Steps that a changed block takes back and puts in again, about half a quarter of dense music."""


def decode(model: str, folder: Path | None, context: int = 1000, threads: int = 2) -> dict[str, Any]:
    """Return the figures of `composer bench decode --json` with a buffer that holds `context` steps.

    `folder` holds the model; without one, `model` is "shape:5x256" (layers x width): random weights, made for this run.
    A step is a note here, so tokens and notes a second are the same.
    """
    if folder is not None:
        return _measure(model, folder, context, threads)
    shape = re.fullmatch(r"shape:(\d+)x(\d+)", model)
    if shape is None:
        raise UsageError(f"there is no model {model!r}; name a model, a folder, or a shape such as shape:5x256")
    with tempfile.TemporaryDirectory() as scratch:
        make_random(Path(scratch), int(shape[1]), int(shape[2]))
        return _measure(model, Path(scratch), context, threads)


def make_random(folder: Path, n_layer: int, n_embd: int) -> None:
    """Write a model of random weights that speaks the block vocabulary, float and int8 (torch)."""
    from composer.neural.checkpoint import save_model
    from composer.neural.export import export
    from composer.neural.model import Anticipator, Config

    # The sizes of composer.tokenizers.blocks, which this package does not import.
    config = Config(n_layer, n_embd, n_embd // 32, 1100, 80, 49, 13, 109, 256, 33)
    save_model(folder, Anticipator(config))
    export(folder)


def _measure(model: str, folder: Path, context: int, threads: int) -> dict[str, Any]:
    begun = time.perf_counter()
    decoder = Decoder(folder, context=context + 64, threads=threads)
    rng = np.random.default_rng(0)
    rows = rng.integers(0, decoder.config["input_rows"], (context, 8))
    places = rng.integers(0, decoder.config["next_rows"], context)
    times = np.arange(context) * 3
    _note(decoder, rows, places, times, 0)
    startup = time.perf_counter() - begun
    prefill = []
    for _ in range(3):
        decoder.rollback(0)
        prefill.append(_seconds(lambda: decoder.append(rows, places, times)))
    steps, rollback = [], []
    for _ in range(NOTES):
        decoder.rollback(context - 1)
        steps.append(_seconds(lambda: _note(decoder, rows, places, times, context - 1)))
    kept = context - BLOCK_NOTES
    for _ in range(30):
        rollback.append(_seconds(lambda: _again(decoder, rows, places, times, kept)))
    median = statistics.median(steps)
    return {
        "model": model,
        "context": context,
        "threads": threads,
        "tokens_per_second": round(1 / median, 1),
        "notes_per_second": round(1 / median, 1),
        "ms_per_token": {"p50": _ms(median), "p95": _ms(float(np.percentile(steps, 95)))},
        "prefill_ms": _ms(statistics.median(prefill)),
        "rollback_ms": _ms(statistics.median(rollback)),
        "startup_ms": _ms(startup),
        "baselines": _baselines(decoder.config, min(context, 1000), threads),
    }


def _note(decoder: Decoder, rows: Any, places: Any, times: Any, at: int) -> None:
    """Decode one note as playing does: slots, place, pitch, duration, velocity, and the step itself."""
    if decoder.length:
        decoder.slots()
        z = decoder.look(int(places[at]))
        decoder.pitch(z, 0)
        decoder.duration(z, 60)
        decoder.velocity(z, 60, 3)
    decoder.append(rows[at : at + 1], places[at : at + 1], times[at : at + 1])


def _again(decoder: Decoder, rows: Any, places: Any, times: Any, kept: int) -> None:
    """Go back, read a changed block, and decode the first new note."""
    decoder.rollback(kept)
    decoder.append(rows[kept:-1], places[kept:-1], times[kept:-1])
    _note(decoder, rows, places, times, len(rows) - 1)


def _seconds(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 2)


def _baselines(config: dict[str, Any], context: int, threads: int) -> dict[str, float]:
    """Return tokens a second of a GPT-2 of the same layers and width in transformers, with its cache and without."""
    try:
        import torch
        from transformers import GPT2Config, GPT2LMHeadModel
    except ModuleNotFoundError:
        return {}
    torch.set_num_threads(threads)
    shape = GPT2Config(
        vocab_size=512,
        bos_token_id=None,
        eos_token_id=None,
        n_positions=context + 8,
        n_embd=config["n_embd"],
        n_layer=config["n_layer"],
        n_head=config["n_head"],
    )
    gpt2 = GPT2LMHeadModel(shape).eval()
    tokens = torch.zeros((1, context), dtype=torch.long)
    with torch.no_grad():
        whole = [_seconds(lambda: gpt2(tokens, use_cache=False)) for _ in range(4)][1:]
        cached = []
        past = gpt2(tokens, use_cache=True).past_key_values
        for _ in range(24):
            cached.append(_seconds(lambda: gpt2(tokens[:, :1], past_key_values=past, use_cache=True)))
            past.crop(-1)
    return {
        "transformers GPT-2, no cache": round(1 / statistics.median(whole), 1),
        "transformers GPT-2, DynamicCache": round(1 / statistics.median(cached), 1),
    }
