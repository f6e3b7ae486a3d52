"""Where trained models and tokenizers are found: the working copy, the installed package, or a place one names."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def roots(kind: str) -> list[Path]:
    """Return the existing folders that hold `kind` ("models" or "tokenizers"), the one to look in first at the front.

    The user's own comes before all others: the environment variable COMPOSER_MODELS (or COMPOSER_TOKENIZERS) names it.
    """
    # A working copy keeps its folders two levels above the package, an installed one inside it.
    places = [own(kind), _PACKAGE.parents[1] / kind, _PACKAGE / "_data" / kind]
    return [place for place in places if place.is_dir()]


def own(kind: str) -> Path:
    """Return the user's folder of `kind`, which may not exist yet: what is downloaded goes there."""
    named = os.environ.get(f"COMPOSER_{kind.upper()}")
    if named:
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("composer") / kind


def model_folder(name: str) -> Path | None:
    """Return the folder of the model called `name`, or None; a path to a folder is its own answer."""
    for folder in (*(root / name for root in roots("models")), Path(name)):
        if (folder / "config.json").is_file():
            return folder
    return None


def models() -> dict[str, Path]:
    """Return every model that is found, by name."""
    found: dict[str, Path] = {}
    for root in roots("models"):
        for folder in sorted(root.iterdir()):
            if (folder / "config.json").is_file():
                found.setdefault(folder.name, folder)
    return found
