"""Models on disk: config.json and model.safetensors to keep, state.pt to resume; nothing is ever unpickled as code."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from composer.errors import FileError
from composer.neural.model import Anticipator, Config


def save_model(folder: Path, model: Anticipator) -> None:
    """Write config.json and model.safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(asdict(model.config), indent=1) + "\n")
    weights = folder / "model.safetensors"
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, weights)
    weights.chmod(0o644)  # save_file keeps it from everybody else


def load_model(folder: Path) -> Anticipator:
    """Return the model kept in `folder`, in evaluation mode."""
    model = Anticipator(Config(**json.loads((folder / "config.json").read_text())))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


Progress = tuple[int, float, float]
"""How far a run has come: steps, seconds, and machine notes seen."""


def save_state(folder: Path, model: Anticipator, optims: list[torch.optim.Optimizer], progress: Progress) -> None:
    """Write all that resuming needs, replacing the last state only when the new one is complete."""
    step, seconds, notes = progress
    state = {
        "model": model.state_dict(),
        "optims": [o.state_dict() for o in optims],
        "step": step,
        "seconds": seconds,
        "notes": notes,
    }
    part = folder / "state.pt.part"
    try:
        torch.save(state, part)
        part.replace(folder / "state.pt")
    except (OSError, RuntimeError) as error:  # torch reports a full disk as either
        part.unlink(missing_ok=True)
        raise FileError(
            f"the training state cannot be written to {folder} ({error}); the last one is whole: make room and resume"
        ) from error


def load_state(folder: Path, model: Anticipator, optims: list[torch.optim.Optimizer]) -> Progress:
    """Restore the last state into model and optimisers; return how far it had come, zeros without one."""
    path = folder / "state.pt"
    if not path.exists():
        return 0, 0.0, 0.0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for o, kept in zip(optims, state["optims"], strict=True):
        o.load_state_dict(kept)
    return int(state["step"]), float(state["seconds"]), float(state.get("notes", 0.0))
