"""The settings of a run as text: given on the command line, kept in run.json, told in the card."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from composer.errors import FileError, UsageError
from composer.generators.base import parse_params
from composer.tokenizers.blocks import LEADS
from composer.training.loop import Run


def read(resumed: Path | None, given: dict[str, str]) -> Run:
    """Return the settings of the run kept in `resumed`, or the defaults, with what is `given` in their place.

    UsageError names a setting that does not exist or whose value is senseless; FileError a damaged run.json.
    """
    kept = _kept(resumed / "run.json") if resumed else {}
    run: Run = parse_params(Run, given)
    changed = {name: getattr(run, name) for name in given}
    run = replace(Run(), **(kept | changed))
    for name in ("batch", "length", "n_layer", "n_embd", "n_head", "threads", "validate_every", "warmup", "average"):
        if getattr(run, name) < 1:
            raise UsageError(f"{name} cannot be {getattr(run, name)}; it is at least 1")
    if run.n_embd % (4 * run.n_head):
        raise UsageError(f"n_embd cannot be {run.n_embd}; it is a multiple of four times n_head, which is {run.n_head}")
    if run.lead not in ("", *map(str, LEADS)):
        raise UsageError(
            f"lead cannot be {run.lead!r}; it is a number of blocks from {LEADS[0]} to {LEADS[-1]}, or empty"
        )
    if not (0 <= run.dropout < 1 and 0 < run.decay <= 1 and run.muon > 0 and run.adam > 0):
        raise UsageError(
            "dropout lies between 0 and 1, decay above 0 up to 1, and the rates muon and adam are positive"
        )
    return run


def _kept(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text())
        return {field.name: kept[field.name] for field in fields(Run) if field.name in kept}
    except (ValueError, TypeError) as error:
        raise FileError(f"{path} is damaged ({error}); begin a new run in another folder") from error


def flags(run: Run) -> str:
    """Return the flags of `composer train` that ask for this run, without folders."""
    told = [f"--minutes {run.minutes:g}", f"--seed {run.seed}"]
    told += [f"--from {Path(run.start).name}"] if run.start else []
    for field in fields(Run):
        value = getattr(run, field.name)
        if field.name not in ("minutes", "seed", "start") and value != field.default:
            told.append(f"--set {field.name}={value}")
    return " ".join(told)
