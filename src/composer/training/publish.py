"""Make a model folder of a finished run: what plays, a card that says what it is, and checksums."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from composer.neural.checkpoint import load_facts
from composer.neural.export import export
from composer.training import runlog, settings
from composer.training.corpora import CORPORA
from composer.training.loop import Run

DRUMMERS, DRUM_SET = "groove", "drums"
"""The corpus of the drummers, who are not drawn alone, and the validation set of a run that had them."""
KEPT = ("config.json", "model.safetensors", "trunk.int8.onnx", "last.int8.onnx", "log.jsonl")
CARD = """# {name}: our own anticipatory transformer

One step a note over blocks of half a quarter, harmony first, a signed lead (`composer.tokenizers.blocks`,
`composer.neural.model`). {layers} layers of width {width}, {parameters:.1f} million parameters.

- Data, with the share of the sequences; songs are held out whole (`composer.training.corpora`), and who plays what is
  told in `composer.training.bands`:
{data}- Trained: {steps} steps of {batch} sequences of {length} events, {notes:.1f} million machine notes seen,
  {minutes:.0f} minutes, seed {seed}, finished on {today}; it began {start}.
- Published: {weights} of step {step}, the best by the first set below (note and chord together).
- Command: `composer train anticipation --data DATA --out DIR {flags}`
- Files: `model.safetensors` (float; tables and heads are read from it), `trunk.int8.onnx` and `last.int8.onnx` (what
  plays, 8-bit weights), `log.jsonl` (the loss curve). Nothing is unpickled.

## Validation, step {step}
Nats a prediction over held-out songs; "note" is all that makes a machine note (place, pitch, duration, velocity).

| | note | pitch | chord of a block |
|---|---|---|---|
{rows}
Limits: piano, bass, drums and melody only, nobody else; meters other than 4/4 and 3/4 are rare.
"""


def publish(run: Path, out: Path) -> None:
    """Write the model of a finished run to `out`: float and int8 weights, card.md and SHA256SUMS."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "model.safetensors", "log.jsonl"):
        if run != out:
            shutil.copyfile(run / name, out / name)
    export(out)
    (out / "card.md").write_text(card(out, settings.read(run, {})), encoding="utf-8")
    digests = [(hashlib.sha256((out / name).read_bytes()).hexdigest(), name) for name in sorted(KEPT)]
    (out / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for digest, name in digests), encoding="utf-8")


def card(folder: Path, run: Run) -> str:
    """Return the card's text from the log and the run's settings."""
    log, facts = runlog.rows(folder), load_facts(folder)
    measured = [row for row in log if "machine_notes" in row]
    last = next((row for row in measured if str(row["step"]) == facts.get("step")), measured[-1])
    sets = {name: row for name, row in last.items() if isinstance(row, dict) and "note" in row}
    rows = "".join(
        f"| {name} | {row['note']:.3f} | {row['m_pitch']:.3f} | {row['chord']:.3f} |\n" for name, row in sets.items()
    )
    weights: dict[str, torch.Tensor] = load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    return CARD.format(
        name=folder.name,
        layers=config["n_layer"],
        width=config["n_embd"],
        parameters=sum(w.numel() for w in weights.values()) / 1e6,
        steps=measured[-1]["step"],
        batch=run.batch,
        length=run.length,
        notes=measured[-1]["machine_notes"] / 1e6,
        minutes=measured[-1]["seconds"] / 60,
        seed=run.seed,
        start=f"with the weights of `{Path(run.start).name}`" if run.start else "with random weights",
        weights="the running average" if facts.get("weights") == "average" else "the weights",
        flags=settings.flags(run),
        today=date.today().isoformat(),
        step=last["step"],
        rows=rows,
        data=data(log),
    )


def data(log: list[dict[str, Any]]) -> str:
    """Return a line for each corpus that the logged sequences were drawn from, the drummers laid under them as well."""
    shares = [row["corpora"] for row in log if "corpora" in row]
    drawn = {c.name: sum(share.get(c.name, 0.0) for share in shares) / max(1, len(shares)) for c in CORPORA}
    told = {name: f"{share:.0%}" for name, share in drawn.items() if share}
    if any(DRUM_SET in row for row in log):
        told[DRUMMERS] = "drummers under some of the others"
    return "".join(f"  - {c.name}, {told[c.name]}: {c.citation} ({c.licence})\n" for c in CORPORA if c.name in told)
