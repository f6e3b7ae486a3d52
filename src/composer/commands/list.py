"""composer list: the generators, what they take, and whether their weights are here."""

from __future__ import annotations

import argparse
from dataclasses import MISSING, Field, fields
from typing import Any, get_type_hints

from composer.commands.options import add_json, print_json
from composer.folders import model_folder
from composer.generators import GENERATORS, params_type
from composer.generators.base import ROLES, Info


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print every generator."""
    entries = [describe(info) for info in GENERATORS.values()]
    if args.json:
        print_json(entries)
        return 0
    for entry in entries:
        print(f"{entry['name']}: {entry['title']} ({entry['authors']}, {entry['year']})")
        print(f"  {entry['summary']}")
        without = [role for role in ROLES if role not in entry["roles"]]
        never = f"; never: {', '.join(without)}" if without else ""
        print(f"  roles: {', '.join(entry['roles'])}{never}; weights: {entry['weights']}")
        for param in entry["params"]:
            print(f"  --set {param['name']}={param['default']}  {_range(param['range'])}{param['help']}")
    return 0


def describe(info: Info) -> dict[str, Any]:
    """Return what `list --json` says of a generator."""
    declared = params_type(info.name)
    types = get_type_hints(declared)
    return {
        "name": info.name,
        "title": info.title,
        "authors": info.authors,
        "year": info.year,
        "summary": info.summary,
        "roles": list(info.roles),
        "params": [_param(field, types[field.name]) for field in fields(declared)],
        "weights": _weights(info),
    }


def _param(field: Field[Any], kind: Any) -> dict[str, Any]:
    meta = field.metadata
    limits = [meta.get("low"), meta.get("high")]
    return {
        "name": field.name,
        "type": "choice" if meta.get("options") else getattr(kind, "__name__", str(kind)),
        "default": None if field.default is MISSING else field.default,
        "range": list(meta["options"]) if meta.get("options") else limits if limits != [None, None] else None,
        "help": meta.get("help", ""),
    }


def _weights(info: Info) -> str:
    if info.weights is None:
        return "none needed"
    return "present" if model_folder(info.weights) else "missing"


def _range(values: list[Any] | None) -> str:
    if values is None:
        return ""
    if isinstance(values[0], str):
        return f"({'|'.join(values)}) "
    low, high = ("" if value is None else f"{value:g}" for value in values)
    return f"({low}..{high}) "
