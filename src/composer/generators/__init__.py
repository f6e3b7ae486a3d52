"""The generators, and the table that names them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from composer.errors import UsageError
from composer.generators.base import Info

GENERATORS: dict[str, Info] = {
    entry.name: entry
    for entry in (
        Info(
            "anticipation",
            "Anticipation without the future",
            "Composer; after Thickstun, Hall, Donahue, Liang",
            2023,
            "Our own anticipatory transformer: hears the last moment, plays the next one, harmony first.",
            "composer.generators.anticipation:Anticipation",
            weights="anticipation",
            params="composer.generators.controls:AnticipationParams",
        ),
        Info(
            "markov",
            "Variable-order Markov accompanist",
            "after Hiller and Isaacson (1957), Pachet (2003)",
            2003,
            "Learns phrases from what you play and from any folder of MIDI, takes over where you stop, and obeys the "
            "harmony it hears. A gap is filled by a line that leads to the note behind it.",
            "composer.generators.markov:Markov",
            params="composer.generators.controls:MarkovParams",
        ),
        Info(
            "music-of-changes",
            "Music of Changes",
            "John Cage",
            1951,
            "The I Ching chooses among charts that your sounds fill. It knows no chords: it accompanies by sounding "
            "beside you, and continues, trades and fills with what you left on the charts.",
            "composer.generators.music_of_changes:MusicOfChanges",
            params="composer.generators.controls:MusicOfChangesParams",
        ),
        Info(
            "achorripsis",
            "Achorripsis, ST and Analogique A",
            "Iannis Xenakis",
            1957,
            "Clouds of notes by laws of chance, as dense, high and loud as you play. It knows no chords: in every role "
            "it plays a cloud around you, or in your place.",
            "composer.generators.achorripsis:Achorripsis",
            params="composer.generators.controls:AchorripsisParams",
        ),
        Info(
            "illiac",
            "The Illiac Suite",
            "Lejaren Hiller and Leonard Isaacson",
            1957,
            "Counterpoint against your line by trial and rejection, one rule after another; codes, rows and chains. "
            "Continues and trades with your last notes as cantus firmus; fills by the rules, up to what follows.",
            "composer.generators.illiac:Illiac",
            params="composer.generators.controls:IlliacParams",
        ),
        Info(
            "emi",
            "Experiments in Musical Intelligence",
            "David Cope",
            1981,
            "Recombines beats of Bach's chorales, or of your own folder of MIDI, where their voices lead: harmonises "
            "your line, goes on from your last notes, ends phrases in cadences, and leads from gaps to what follows.",
            "composer.generators.emi:Emi",
            params="composer.generators.controls:EmiParams",
        ),
        *(
            Info(
                f"amt-{size}",
                f"Anticipatory Music Transformer, {size}",
                "Thickstun, Hall, Donahue, Liang",
                2023,
                f"The published checkpoint of {parameters} parameters: a whole band from 100,000 MIDI files.",
                f"composer.generators.amt:{size.upper()}",
                weights=f"amt-{size}",
                params="composer.generators.controls:AmtParams",
            )
            for size, parameters in (("small", "128 million"), ("medium", "360 million"), ("large", "780 million"))
        ),
    )
}


def load(name: str) -> Any:
    """Return the class of the generator called `name`; UsageError names the ones there are."""
    return _found(info(name).target)


def params_type(name: str) -> type:
    """Return the class of a generator's parameters, without importing the generator where that can be avoided."""
    found: type = _found(where) if (where := info(name).params) else load(name).Params
    return found


def info(name: str) -> Info:
    """Return what the table says of the generator called `name`; UsageError names the ones there are."""
    if name not in GENERATORS:
        raise UsageError(f"there is no generator {name!r}; the generators are {', '.join(GENERATORS)}")
    return GENERATORS[name]


def _found(where: str) -> Any:
    module, _, attribute = where.partition(":")
    return getattr(import_module(module), attribute)


def make(name: str, params: dict[str, str] | None = None, seed: int = 0) -> Any:
    """Return a generator made from its name, its parameters as text, and a seed."""
    from composer.generators.base import parse_params

    cls = load(name)
    return cls(parse_params(cls.Params, params or {}), seed)
