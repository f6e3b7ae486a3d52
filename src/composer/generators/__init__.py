"""The generators, and the table that names them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from composer.errors import UsageError
from composer.generators.base import Info

GENERATORS: dict[str, Info] = {
    info.name: info
    for info in (
        Info(
            "anticipation",
            "Anticipation without the future",
            "Composer; after Thickstun, Hall, Donahue, Liang",
            2023,
            "Our own anticipatory transformer: hears the last moment, plays the next one, harmony first.",
            "composer.generators.anticipation:Anticipation",
            weights="anticipation",
        ),
        Info(
            "markov",
            "Variable-order Markov accompanist",
            "after Hiller and Isaacson (1957), Pachet (2003)",
            2003,
            "Learns phrases from what you play, answers at once, and obeys the harmony it hears.",
            "composer.generators.markov:Markov",
        ),
    )
}


def load(name: str) -> Any:
    """Return the class of the generator called `name`; UsageError names the ones there are."""
    if name not in GENERATORS:
        raise UsageError(f"there is no generator {name!r}; the generators are {', '.join(GENERATORS)}")
    module, _, attribute = GENERATORS[name].target.partition(":")
    return getattr(import_module(module), attribute)


def make(name: str, params: dict[str, str] | None = None, seed: int = 0) -> Any:
    """Return a generator made from its name, its parameters as text, and a seed."""
    from composer.generators.base import parse_params

    cls = load(name)
    return cls(parse_params(cls.Params, params or {}), seed)
