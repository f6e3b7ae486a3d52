"""The training loop, top to bottom: draw sequences, step, measure, keep a checkpoint, stop when the time is up.

Weights of the hidden layers learn by Muon (Jordan et al., 2024), everything else by AdamW. The learning rate is
constant after a warm-up and falls to zero over the last part (warm-up, stable, decay), so that a run may be extended.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from composer.neural.checkpoint import load_state, save_model, save_state
from composer.neural.model import Anticipator, Config
from composer.tokenizers import blocks as B
from composer.training.arrays import SongArrays
from composer.training.bands import WEIGHTS, by_corpus, pick
from composer.training.sequences import draw

PLAYER_WEIGHT = 0.3
"""What the player's own notes count in the loss: enough to learn to imagine a player, and to listen."""


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what a training run is made of; saved beside the checkpoints."""

    minutes: float = 120.0
    """Wall-clock minutes in all, over every resumption."""
    steps: int = 0
    """Optimiser steps in all; 0 means until the minutes are up. With steps a run is the same every time."""
    batch: int = 8
    length: int = 512
    muon: float = 0.02
    adam: float = 0.002
    warmup: int = 100
    decay: float = 0.35
    """Share of the run, at its end, over which the learning rate falls to zero."""
    seed: int = 0
    validate_every: int = 400
    n_layer: int = 5
    n_embd: int = 256
    n_head: int = 8
    dropout: float = 0.0
    threads: int = 2


def config(run: Run) -> Config:
    """Return the model's shape for the block vocabulary."""
    return Config(
        n_layer=run.n_layer,
        n_embd=run.n_embd,
        n_head=run.n_head,
        input_rows=B.INPUT_ROWS,
        next_rows=B.NEXT_ROWS,
        slots_machine=B.SLOTS_MACHINE,
        slots_player=B.SLOTS_PLAYER,
        chords=B.CHORDS,
        pitches=256,
        durations=B.HELD + 1,
        velocities=B.VELOCITIES,
        dropout=run.dropout,
    )


def batch(songs: list[SongArrays], run: Run, step: int) -> dict[str, Tensor]:
    """Return the batch of a step: the same for the same seed and step, however often the run was resumed.

    Its `corpus` holds the place in WEIGHTS of each sequence's corpus.
    """
    rng = np.random.default_rng([run.seed, step])
    corpora = by_corpus(songs)
    picked = [pick(corpora, rng) for _ in range(run.batch)]
    drawn = [draw(song, run.length, rng, drummers=corpora.get("groove", ())) for song in picked]
    data = {key: torch.from_numpy(np.stack([d[key] for d in drawn])) for key in drawn[0]}
    return data | {"corpus": torch.tensor([list(WEIGHTS).index(song.corpus) for song in picked])}


def shares(counts: Tensor) -> dict[str, float]:
    """Return the share of each corpus in the sequences that were counted by its place in WEIGHTS."""
    return {name: round(n / float(counts.sum()), 3) for name, n in zip(WEIGHTS, counts.tolist(), strict=True) if n}


def total(losses: dict[str, Tensor]) -> Tensor:
    """Return the loss to minimise: nats of everything predicted, a step."""
    own = losses["machine"] + losses["chord"] + losses["m_pitch"] + losses["m_dur"] + losses["m_vel"]
    player = losses["player"] + losses["p_pitch"] + losses["p_dur"] + losses["p_vel"]
    return (own + PLAYER_WEIGHT * player) / (losses["n_m_pitch"] + losses["n_p_pitch"] + losses["n_chord"])


def optimizers(model: Anticipator, run: Run) -> list[torch.optim.Optimizer]:
    """Return Muon for the layers' matrices and AdamW for tables, heads and gains."""
    hidden = [p for p in model.layers.parameters() if p.ndim == 2]
    chosen = {id(p) for p in hidden}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(hidden, lr=run.muon, momentum=0.95, weight_decay=0.01),
        torch.optim.AdamW(rest, lr=run.adam, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def rate(run: Run, step: int, progress: float) -> float:
    """Return the factor of the learning rate at `step`, with `progress` 0..1 of the run behind it."""
    return min(1.0, (step + 1) / run.warmup) * min(1.0, (1 - progress) / run.decay)


@torch.no_grad()
def validate(model: Anticipator, batches: list[dict[str, Tensor]]) -> dict[str, float]:
    """Return mean nats of each prediction over fixed batches."""
    model.eval()
    sums: dict[str, float] = {}
    for one in batches:
        for name, value in model.losses(one).items():
            sums[name] = sums.get(name, 0.0) + float(value)
    model.train()
    return summary(sums)


def summary(sums: dict[str, float]) -> dict[str, float]:
    """Return nats a prediction by name, and `note`: nats of all that makes a machine note."""
    mean = {name: value / max(1.0, sums["n_" + name]) for name, value in sums.items() if not name.startswith("n_")}
    whole = sums["machine"] + sums["m_pitch"] + sums["m_dur"] + sums["m_vel"]
    return mean | {"note": whole / max(1.0, sums["n_m_pitch"])}


def train(
    train_songs: list[SongArrays],
    valid: dict[str, list[dict[str, Tensor]]],
    run: Run,
    out: Path,
    stop_at: int | None = None,
) -> None:
    """Train a model and keep it in `out`: config.json, model.safetensors, state.pt, log.jsonl. Resumes what is there.

    `stop_at` leaves after that step, as a kill would, with the state kept.
    """
    torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
    out.mkdir(parents=True, exist_ok=True)
    model = Anticipator(config(run))
    optims = optimizers(model, run)
    base = [[group["lr"] for group in o.param_groups] for o in optims]
    step, spent, notes = load_state(out, model, optims)
    begun = saved = time.monotonic()
    drawn = torch.zeros(len(WEIGHTS))
    (out / "run.json").write_text(json.dumps(asdict(run), indent=1))
    while True:
        elapsed = spent + time.monotonic() - begun
        progress = step / run.steps if run.steps else elapsed / (60 * run.minutes)
        if progress >= 1 or step == stop_at:
            break
        for o, rates in zip(optims, base, strict=True):
            for group, lr in zip(o.param_groups, rates, strict=True):
                group["lr"] = lr * rate(run, step, progress)
        data = batch(train_songs, run, step)
        drawn += torch.bincount(data["corpus"], minlength=len(WEIGHTS))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            losses = model.losses(data)
        loss = total(losses)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in optims:
            o.step()
            o.zero_grad(set_to_none=True)
        notes += float(losses["n_m_pitch"])
        step += 1
        if step % run.validate_every == 0 or step % 25 == 0:
            row: dict[str, Any] = {"step": step, "seconds": round(elapsed), "train": float(loss.detach())}
            row["corpora"] = shares(drawn)
            drawn.zero_()
            if step % run.validate_every == 0:
                row["machine_notes"] = notes
                row |= {name: validate(model, batches) for name, batches in valid.items()}
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
        if time.monotonic() - saved > 300:
            save_state(out, model, optims, (step, spent + time.monotonic() - begun, notes))
            saved = time.monotonic()
    save_state(out, model, optims, (step, spent + time.monotonic() - begun, notes))
    save_model(out, model)
