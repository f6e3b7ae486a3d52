"""Draw the loss curves of runs: a table in training.md, and the figure training.svg beside it.

    python -m composer.training.curves RUN [NAME=RUN ...] --out docs

A run is a folder with log.jsonl in it: that of a run, or of a model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from composer.errors import ComposerError, FileError
from composer.training import runlog

Row = dict[str, Any]
BEGIN, END = "<!-- curves: written by python -m composer.training.curves -->", "<!-- end of curves -->"
ROWS = 20
"""Lines of a table at most; the validations shown are evenly spaced, the last always among them."""
COLUMNS = (
    # set, prediction
    ("lead1", "note"),
    ("lead1", "m_pitch"),
    ("lead1", "chord"),
    ("lead0", "note"),
    ("lead0", "m_pitch"),
    ("lead0", "chord"),
    ("lead1_silent", "note"),
    ("lead1_silent", "chord"),
)
HEAD = """| step | minute | train | lead 1: note | pitch | chord | lead 0: note | pitch | chord | silent: note | chord |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"""
LEGEND = """![Loss curves](training.svg)

Nats a prediction on held-out songs: "note" is all that makes a machine note, "chord" the chord of a block; "silent" is
lead 1 with the player taken out. "train" is the mean training loss, an event, since the line before.
"""


def measured(rows: list[Row]) -> list[Row]:
    """Return the rows with validations, each with the mean training loss since the one before as `train`."""
    out, since = [], []
    for row in rows:
        since.append(row["train"])
        if any(isinstance(value, dict) and "note" in value for value in row.values()):
            out.append(row | {"train": sum(since) / len(since)})
            since = []
    return out


def thinned(rows: list[Row], most: int = ROWS) -> list[Row]:
    """Return at most `most` rows, evenly spaced backwards from the last."""
    every = -(-len(rows) // most) if rows else 1
    return rows[::-1][::every][::-1]


def table(rows: list[Row]) -> str:
    """Return the rows with validations as a Markdown table; a dash where a set was not measured."""
    lines = []
    for row in thinned(measured(rows)):
        figures = [row.get(name, {}).get(kind) for name, kind in COLUMNS]
        cells = [str(row["step"]), f"{row['seconds'] / 60:.0f}", f"{row['train']:.3f}"]
        cells += ["-" if figure is None else f"{figure:.3f}" for figure in figures]
        lines.append(f"| {' | '.join(cells)} |\n")
    return HEAD + "".join(lines)


def write(runs: dict[str, list[Row]], out: Path) -> None:
    """Write the tables between their marks in training.md, at its end when it has none, and the figure."""
    page = out / "training.md"
    text = page.read_text(encoding="utf-8") if page.exists() else "# Training\n\n"
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2] or "\n"
    tables = "".join(f"\n### {name}\n\n{table(rows)}" for name, rows in runs.items())
    page.write_text(f"{before}{BEGIN}\n{LEGEND}{tables}{END}{after}", encoding="utf-8")
    draw(runs, out / "training.svg")


def draw(runs: dict[str, list[Row]], path: Path) -> None:
    """Draw nats a note and nats a chord against minutes, a colour a run; the same bytes for the same runs."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "composer"
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for (name, rows), colour in zip(runs.items(), plt.cm.tab10.colors * len(runs), strict=False):
        at = measured(rows)
        for panel, kind in zip(panels, ("note", "chord"), strict=True):
            for suffix, style in (("lead1", "-"), ("lead1_average", "--"), ("lead1_silent", ":")):
                found = [(row["seconds"] / 60, row[suffix][kind]) for row in at if suffix in row]
                label = f"{name}, {suffix.replace('lead1', 'lead 1').replace('_', ' ')}"
                if found:
                    panel.plot(*zip(*found, strict=True), style, color=colour, label=label)
    for panel, title in zip(panels, ("a machine note", "the chord of a block"), strict=True):
        panel.set(title=title, xlabel="minutes", ylabel="nats, held-out songs")
        panel.grid(alpha=0.3)
    if runs:
        panels[0].legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _named(text: str) -> tuple[str, Path]:
    name, equals, folder = text.rpartition("=")
    return (name if equals else Path(folder).name), Path(folder)


def main(argv: list[str] | None = None) -> int:
    """Read the runs that the command line names, and write page and figure."""
    parser = argparse.ArgumentParser(prog="composer.training.curves", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=_named, metavar="[NAME=]RUN", help="the folder of a run or model")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of training.md")
    args = parser.parse_args(argv)
    try:
        runs = {name: runlog.rows(folder) for name, folder in args.runs}
        empty = [str(folder) for name, folder in args.runs if not measured(runs[name])]
        if empty:
            raise FileError(
                f"no validation is logged in {', '.join(empty)}; name folders with a {runlog.NAME} of a run"
            )
        args.out.mkdir(parents=True, exist_ok=True)
        write(runs, args.out)
    except ModuleNotFoundError as error:
        print(
            f"{parser.prog}: drawing needs {error.name}; install it with: pip install 'composer[dev]'", file=sys.stderr
        )
        return 1
    except (ComposerError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
