"""The training loop, top to bottom: draw sequences, step, measure, keep a checkpoint, stop when the time is up.

Weights of the hidden layers learn by Muon (Jordan et al., 2024), everything else by AdamW. The learning rate is
constant after a warm-up and falls to zero over the last part (warm-up, stable, decay), so that a run may be extended.
A running average of the weights is measured beside them, and the best of both that was ever measured is kept.
"""

from __future__ import annotations

import json
import math
import time
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from composer.errors import ComposerError, UsageError
from composer.neural.checkpoint import (
    Progress,
    load_facts,
    load_state,
    load_weights,
    replacing,
    save_model,
    save_state,
)
from composer.neural.model import Anticipator, Config
from composer.tokenizers import blocks as B
from composer.training import runlog
from composer.training.arrays import SongArrays
from composer.training.bands import WEIGHTS, by_corpus, pick
from composer.training.muon import Muon
from composer.training.processes import World, interruptible, joined
from composer.training.sequences import LEADS, draw

PLAYER_WEIGHT = 0.3
"""What the player's own notes count in the loss: enough to learn to imagine a player, and to listen."""
AVERAGE_EVERY = 10
"""Steps between two looks of the running average at the weights."""
LOG_EVERY = 25
SAVE_EVERY_SECONDS = 300
Validation = dict[str, list[dict[str, Tensor]]]
"""Fixed batches by name; the first set decides which weights are the best."""


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what a training run is made of; saved beside the checkpoints."""

    minutes: float = 120.0
    """Wall-clock minutes in all, over every resumption."""
    processor: bool = False
    """Count minutes of processor time instead, which is fair where runs share a machine."""
    steps: int = 0
    """Optimiser steps in all; 0 means until the minutes are up. With steps a run is the same every time."""
    start: str = ""
    """Folder of the model whose weights it begins with; none: at random."""
    batch: int = 8
    """Sequences in a step, over all processes."""
    length: int = 512
    lead: str = ""
    """The one lead to learn, in blocks; empty: all of composer.training.sequences.LEADS, by their shares."""
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
    average: int = 500
    """Steps over which the running average of the weights reaches back."""
    bf16: bool = True
    """Compute in bfloat16 where torch thinks it safe and the processor knows it, otherwise in float32."""
    threads: int = 2
    """Threads of all processes of a machine together."""


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


def batch(songs: list[SongArrays], run: Run, step: int, rank: int = 0, size: int = 1) -> dict[str, Tensor]:
    """Return the batch of a step: the same for the same seed and step, however often the run was resumed.

    The process `rank` of `size` gets its share of it. `corpus` holds the place in WEIGHTS of each sequence's corpus.
    """
    corpora, leads = by_corpus(songs), ((1.0, int(run.lead)),) if run.lead else LEADS
    picked, drawn = [], []
    for row in range(rank, run.batch, size):
        rng = np.random.default_rng([run.seed, step, row])
        picked.append(pick(corpora, rng))
        drawn.append(draw(picked[-1], run.length, rng, drummers=corpora.get("groove", ()), leads=leads))
    data = {key: torch.from_numpy(np.stack([d[key] for d in drawn])) for key in drawn[0]}
    return data | {"corpus": torch.tensor([list(WEIGHTS).index(song.corpus) for song in picked])}


def shares(counts: list[float]) -> dict[str, float]:
    """Return the share of each corpus in the sequences that were counted by its place in WEIGHTS."""
    return {name: round(n / sum(counts), 3) for name, n in zip(WEIGHTS, counts, strict=True) if n}


def total(losses: dict[str, Tensor]) -> tuple[Tensor, float]:
    """Return the sum of all nats to learn from, and by how many predictions to divide it."""
    own = losses["machine"] + losses["chord"] + losses["m_pitch"] + losses["m_dur"] + losses["m_vel"]
    player = losses["player"] + losses["p_pitch"] + losses["p_dur"] + losses["p_vel"]
    return own + PLAYER_WEIGHT * player, float(losses["n_m_pitch"] + losses["n_p_pitch"] + losses["n_chord"])


def knows_bf16(device: torch.device) -> bool:
    """Return whether a device computes in bfloat16; x86 without AVX-512 imitates it, at a fortieth of the speed."""
    return device.type != "cpu" or torch.backends.cpu.get_cpu_capability() not in ("NO AVX", "DEFAULT", "AVX2")


def optimizers(model: Anticipator, run: Run, bf16: bool) -> list[torch.optim.Optimizer]:
    """Return Muon for the layers' matrices and AdamW for tables, heads and gains."""
    hidden = [p for p in model.layers.parameters() if p.ndim == 2]
    chosen = {id(p) for p in hidden}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return [
        Muon(hidden, lr=run.muon, weight_decay=0.01, precision=torch.bfloat16 if bf16 else torch.float32),
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
    device = model.place.weight.device
    for one in batches:
        for name, value in model.losses({key: rows.to(device) for key, rows in one.items()}).items():
            sums[name] = sums.get(name, 0.0) + float(value)
    model.train()
    return summary(sums)


def summary(sums: dict[str, float]) -> dict[str, float]:
    """Return nats a prediction by name, and a machine note's: `note`, all of it, and `whole`, chords as well."""
    mean = {name: value / max(1.0, sums["n_" + name]) for name, value in sums.items() if not name.startswith("n_")}
    note, notes = sums["machine"] + sums["m_pitch"] + sums["m_dur"] + sums["m_vel"], max(1.0, sums["n_m_pitch"])
    return mean | {"note": note / notes, "whole": (note + sums["chord"]) / notes}


class Learner:
    """Learn a step at a time: the model, the running average of its weights, and what moves them."""

    def __init__(self, run: Run, world: World, begins: bool = True) -> None:
        torch.manual_seed(run.seed)
        self.run, self.world = run, world
        self.model = Anticipator(config(run))
        if begins and run.start:
            load_weights(Path(run.start), self.model)
        self.model.to(world.device)
        self.average = deepcopy(self.model)
        self.bf16 = run.bf16 and knows_bf16(world.device)
        self.optims = optimizers(self.model, run, self.bf16)
        self.parallel = DistributedDataParallel(self.model) if world.size > 1 else self.model

    def learn(self, data: dict[str, Tensor], step: int, factor: float, extra: list[float]) -> list[float]:
        """Take a step; return the loss, the machine notes in the batch, and `extra` summed over all processes.

        ComposerError, with the weights as they were, when the loss or its gradient is not finite.
        """
        run, world = self.run, self.world
        # What is dropped depends on the step, not on how often the run was resumed.
        torch.manual_seed(int(np.random.SeedSequence([run.seed, step, world.rank]).generate_state(1)[0]))
        with torch.autocast(world.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            losses = self.parallel({key: rows.to(world.device) for key, rows in data.items()})
        nats, count = total(losses)
        mine = [float(nats.detach()), count, float(losses["n_m_pitch"]), *extra]
        every, count, notes, *extra = world.sum(mine)
        # Gradients are averaged over processes, and no process's predictions may count more than another's.
        (nats * world.size / count).backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if not (math.isfinite(every) and math.isfinite(float(norm))):
            raise ComposerError(
                f"the loss was {every / count:g} and its gradient {float(norm):g} at step {step + 1}, so the run has "
                "stopped with the state of an earlier step kept; resume with lower rates (--set muon=... adam=...)"
            )
        for o, lr in zip(self.optims, (run.muon, run.adam), strict=True):
            for group in o.param_groups:
                group["lr"] = lr * factor
            o.step()
            o.zero_grad(set_to_none=True)
        if (step + 1) % AVERAGE_EVERY == 0:
            self._follow(max(AVERAGE_EVERY / run.average, AVERAGE_EVERY / (step + 1)))
        return [every / count, notes, *extra]

    @torch.no_grad()
    def _follow(self, share: float) -> None:
        for mean, weight in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(weight, min(1.0, share))

    def measure(self, valid: Validation, out: Path, step: int) -> dict[str, Any]:
        """Return the losses by set, the average's too; keep in `out` whichever is better than all before."""
        found = {name: validate(self.model, batches) for name, batches in valid.items()}
        first = next(iter(found))
        found[f"{first}_average"] = validate(self.average, valid[first])
        best = float(load_facts(out).get("whole", "inf"))
        for weights, name, model in (("last", first, self.model), ("average", f"{first}_average", self.average)):
            if found[name]["whole"] < best:
                best = found[name]["whole"]
                save_model(out, model, {"step": str(step), "weights": weights, "set": first, "whole": repr(best)})
        return found


def train(train_songs: list[SongArrays], valid: Validation, run: Run, out: Path, stop_at: int | None = None) -> None:
    """Train a model and keep it in `out`: config.json, model.safetensors, state.pt, log.jsonl. Resumes what is there.

    model.safetensors holds the best weights by the first set of `valid`, the last ones when there is none. `stop_at`
    leaves after that step, as a kill would, with the state kept. SIGINT and SIGTERM do so with a ComposerError.
    """
    with joined() as world, interruptible() as interrupted:
        if run.batch < world.size:
            raise UsageError(f"{world.size} processes cannot share {run.batch} sequences; ask for a larger batch")
        torch.set_num_threads(max(1, run.threads // world.size))
        learner = Learner(run, world, begins=not (out / "state.pt").exists())
        models, writes = [learner.model, learner.average], world.rank == 0
        at = load_state(out, models, learner.optims)
        if writes:
            _begin(out, run, at)
        now = time.process_time if run.processor else time.monotonic
        since, saved, ended = now() - at.seconds, time.monotonic(), False
        drawn = [0.0] * len(WEIGHTS)
        while not ended and at.step != stop_at and (progress := _progress(run, at)) < 1:
            data = batch(train_songs, run, at.step, world.rank, world.size)
            clock = [interrupted(), now() - since] if writes else [interrupted(), 0.0]
            counts = torch.bincount(data["corpus"], minlength=len(WEIGHTS)).tolist()
            factor = rate(run, at.step, progress)
            loss, notes, asked, seconds, *counts = learner.learn(data, at.step, factor, [*clock, *counts])
            at, ended = Progress(at.step + 1, seconds, at.notes + notes), asked > 0
            drawn = [a + b for a, b in zip(drawn, counts, strict=True)]
            last = _progress(run, at) >= 1
            validates = at.step % run.validate_every == 0 or last
            if writes and (validates or at.step % LOG_EVERY == 0):
                row = {"step": at.step, "seconds": round(seconds), "train": loss, "corpora": shares(drawn)}
                found = learner.measure(valid, out, at.step) if validates and valid else {}
                runlog.append(out, row | {"machine_notes": at.notes} | found if validates else row)
                drawn = [0.0] * len(WEIGHTS)
            if writes and (validates or time.monotonic() - saved > SAVE_EVERY_SECONDS):
                save_state(out, models, learner.optims, at)
                saved = time.monotonic()
        if writes:
            save_state(out, models, learner.optims, at)
            if not valid:
                save_model(out, learner.model, {"step": str(at.step), "weights": "last"})
    if ended:
        raise ComposerError(f"interrupted after step {at.step}; {out} holds all of it: go on with --resume")


def _progress(run: Run, at: Progress) -> float:
    return at.step / run.steps if run.steps else at.seconds / (60 * run.minutes) if run.minutes else 1.0


def _begin(out: Path, run: Run, at: Progress) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / "run.json") as part:
        part.write_text(json.dumps(asdict(run), indent=1) + "\n")
    runlog.forget(out, at.step)
