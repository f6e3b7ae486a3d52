"""Figures of a suite as a section of a Markdown page, which measuring again replaces."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from composer.errors import FileError

Figures = dict[str, float]
ASKED = re.compile(r"(?P<figure>.+)\[(?P<control>\w+)=(?P<value>.+)\]")
"""The name of a figure of a control that was asked for a value."""


def write(path: Path, result: dict[str, Any], command: str) -> None:
    """Write what `composer.training.evaluate.evaluate` returned into its section of a page, the last one if new.

    FileError when the page cannot be read or written; the page is then as it was.
    """
    begin, end = (f"<!-- {word} of {result['suite']} -->" for word in ("figures", "end"))
    try:
        text = path.read_text("utf-8") if path.exists() else "# Figures\n\n"
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2] or "\n"
        about = f"    {command}\n\n{result['split']}.\n\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{before}{begin}\n{about}{table(result)}{end}{after}", "utf-8")
    except (OSError, ValueError) as error:
        raise FileError(f"the page {path} cannot be written ({error}); name another with --page") from None


def table(result: dict[str, Any]) -> str:
    """Return the figures as a table: what was asked of each control and given, or one row a figure."""
    asked = [(match, value) for name, value in result["metrics"].items() if (match := ASKED.fullmatch(name))]
    if not asked:
        return _compared({result["generator"]: result["metrics"], **result["baselines"]})
    rows: dict[tuple[str, str], list[str]] = {}
    for match, value in asked:
        rows.setdefault((match["control"], match["figure"]), []).append(f"{match['value']}: {value}")
    obeys = {name: "yes" if result["metrics"].get(f"obeys[{name}]") else "**no**" for name, _ in rows}
    lines = [f"| {name} | {figure} | {', '.join(given)} | {obeys[name]} |" for (name, figure), given in rows.items()]
    return _lines(["control", "figure", "asked: given", "each above the one before"], lines)


def _compared(columns: dict[str, Figures]) -> str:
    """Return one row a figure, standard errors after it, and p, where it differs from the first column's."""
    names = dict.fromkeys(name for figures in columns.values() for name in figures)
    shown = [name for name in names if not name.startswith("p_") and not name.endswith(("_se", "_seed_spread"))]
    lines = [f"| {name} | {' | '.join(_cell(name, figures) for figures in columns.values())} |" for name in shown]
    return _lines(["figure", *columns], lines)


def _cell(name: str, figures: Figures) -> str:
    if name not in figures:
        return "-"
    error, p = figures.get(f"{name}_se"), figures.get(f"p_{name}")
    return f"{figures[name]}" + (f" ±{error:.2g}" if error else "") + (f" (p {p:.2g})" if p is not None else "")


def _lines(head: list[str], lines: list[str]) -> str:
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines]) + "\n"
