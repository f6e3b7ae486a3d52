"""The log of a training run: log.jsonl, one JSON object a line, in the order of the steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAME = "log.jsonl"


def append(folder: Path, row: dict[str, Any]) -> None:
    """Add a line."""
    with (folder / NAME).open("a", encoding="utf-8") as log:
        log.write(json.dumps(row) + "\n")


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a run, none without a log; a line that a kill broke off is left out."""
    path = folder / NAME
    out: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            out.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return out


def forget(folder: Path, after: int) -> None:
    """Take out the lines of steps later than `after`, which a resumed run makes again."""
    if (folder / NAME).exists():
        part = folder / (NAME + ".part")
        kept = (row for row in rows(folder) if row["step"] <= after)
        part.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
        part.replace(folder / NAME)
