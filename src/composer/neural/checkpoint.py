"""Models on disk: config.json and model.safetensors to keep, state.pt to resume; nothing is ever unpickled as code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from composer.errors import FileError, ModelError
from composer.neural.model import Anticipator, Config


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield where to write a file that takes the place of `path` when it is complete; FileError when it cannot be."""
    part = path.with_name(path.name + ".part")
    try:
        yield part
        part.replace(path)
    except (OSError, RuntimeError, SafetensorError) as error:  # torch reports a full disk as either of the first two
        part.unlink(missing_ok=True)
        reason = " ".join(str(error).split())
        raise FileError(
            f"{path.name} cannot be written to {path.parent} ({reason}); what was kept there before is whole: make "
            "room and resume"
        ) from error


def save_model(folder: Path, model: Anticipator, facts: dict[str, str] | None = None) -> None:
    """Write config.json and model.safetensors with `facts` about the weights, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "config.json") as part:
        part.write_text(json.dumps(asdict(model.config), indent=1) + "\n")
    with replacing(folder / "model.safetensors") as part:
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, part, metadata=facts)
        part.chmod(0o644)  # save_file keeps it from everybody else


def load_model(folder: Path) -> Anticipator:
    """Return the model kept in `folder`, in evaluation mode."""
    model = Anticipator(Config(**json.loads((folder / "config.json").read_text())))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


def load_facts(folder: Path) -> dict[str, str]:
    """Return what save_model was told about the weights in `folder`; nothing where there are none."""
    path = folder / "model.safetensors"
    if not path.exists():
        return {}
    with safe_open(path, "pt") as kept:
        return dict(kept.metadata() or {})


def load_weights(folder: Path, model: Anticipator) -> None:
    """Give `model` the weights kept in `folder`; ModelError when their shape or vocabulary is another."""
    try:
        _refuse_another_shape(folder, json.loads((folder / "config.json").read_text()), model.config)
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, ValueError, SafetensorError, RuntimeError) as error:
        raise ModelError(
            f"the weights in {folder} cannot be read ({' '.join(str(error).split())}); name a folder with a whole "
            "config.json and model.safetensors"
        ) from error


def _refuse_another_shape(folder: Path, kept: dict[str, Any], config: Config) -> None:
    # Dropout is a matter of training: the weights are the same.
    ours = {name: value for name, value in asdict(config).items() if name != "dropout"}
    other = [f"{name} {kept.get(name)} instead of {value}" for name, value in ours.items() if kept.get(name) != value]
    if other:
        raise ModelError(
            f"the model in {folder} is of another shape or vocabulary ({', '.join(other)}); ask for its shape, or name "
            "another folder"
        )


class Progress(NamedTuple):
    """Say how far a run has come."""

    step: int = 0
    seconds: float = 0.0
    notes: float = 0.0
    """Machine notes seen."""


def save_state(
    folder: Path, models: list[Anticipator], optims: list[torch.optim.Optimizer], progress: Progress
) -> None:
    """Write all that resuming needs, replacing the last state only when the new one is complete."""
    state = {
        "config": asdict(models[0].config),
        "models": [model.state_dict() for model in models],
        "optims": [o.state_dict() for o in optims],
        "progress": tuple(progress),
    }
    with replacing(folder / "state.pt") as part:
        torch.save(state, part)


def load_state(folder: Path, models: list[Anticipator], optims: list[torch.optim.Optimizer]) -> Progress:
    """Restore the last state into models and optimisers; return how far it had come, zeros without one.

    FileError when the state is damaged, ModelError when it is of another shape or vocabulary.
    """
    path = folder / "state.pt"
    if not path.exists():
        return Progress()
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        kept = state["config"]
    except (OSError, RuntimeError, UnpicklingError, EOFError, KeyError, TypeError) as error:
        raise FileError(f"{path} is damaged or of another version; begin a new run in another folder") from error
    _refuse_another_shape(folder, kept, models[0].config)
    for model, weights in zip(models, state["models"], strict=True):
        model.load_state_dict(weights)
    for o, moments in zip(optims, state["optims"], strict=True):
        o.load_state_dict(moments)
    return Progress(*state["progress"])
