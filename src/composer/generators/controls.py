"""What a player can set, apart from the generators, so that listing it loads neither arrays nor models."""

from __future__ import annotations

from dataclasses import dataclass

from composer.generators.base import choice, param

KEYS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
BANDS: dict[str, tuple[tuple[str, str], ...]] = {
    "piano": (("Piano", "piano"),),
    "piano+bass": (("Piano", "piano"), ("Bass", "bass")),
    "melody": (("Lead", "lead"),),
    "piano+melody": (("Piano", "piano"), ("Lead", "lead")),
    "piano+drums": (("Piano", "piano"), ("Drums", "drums")),
    "piano+bass+drums": (("Piano", "piano"), ("Bass", "bass"), ("Drums", "drums")),
    "drums": (("Drums", "drums"),),
}
"""What the machine may be: part names with the model's instruments."""


@dataclass(frozen=True, slots=True)
class AnticipationParams:
    """Hold what a player can set."""

    band: str = choice("piano", tuple(BANDS), "which instruments the machine plays")
    lead: int = param(1, "half quarters by which the machine hears late; below 0 it has heard ahead", -16, 4, 1)
    wait: int = param(1, "bars it listens before it joins in", 0, 8, 1)
    temperature: float = param(0.9, "how freely notes are chosen", 0.0, 2.0, 0.05)
    top_p: float = param(0.95, "share of the likeliest choices that are considered", 0.05, 1.0, 0.05)
    harmony: float = param(0.3, "how freely chords are chosen", 0.0, 2.0, 0.05)
    listening: float = param(2.0, "how much the chord follows what the counted harmony model hears", 0.0, 4.0, 0.1)
    density: float = param(0.0, "fewer (below 0) or more notes", -3.0, 3.0, 0.25)
    key: str = choice("auto", ("auto", *KEYS), "major key, or its relative minor")
    model: str = param("anticipation", "folder of the model, or its name under models/")


@dataclass(frozen=True, slots=True)
class MarkovParams:
    """Hold what a musician can set."""

    order: int = param(4, "notes the phrases look back", 1, 8, 1)
    density: float = param(0.5, "how much it plays, 0 to 1", 0.0, 1.0, 0.05)
    register: int = param(60, "middle pitch of its chords when nobody plays there", 48, 84, 1)
    harmony: float = param(0.9, "how strictly phrases obey chord and key, 0 to 1", 0.0, 1.0, 0.05)
    answers: bool = param(True, "play a line of its own while the player rests")


AMT_BANDS: dict[str, tuple[tuple[str, int, int], ...]] = {
    "bass": (("Bass", 1, 33),),
    "piano": (("Piano", 0, 0),),
    "drums": (("Drums", 9, 0),),
    "bass+drums": (("Bass", 1, 33), ("Drums", 9, 0)),
    "piano+bass": (("Piano", 0, 0), ("Bass", 1, 33)),
    "piano+bass+drums": (("Piano", 0, 0), ("Bass", 1, 33), ("Drums", 9, 0)),
    "strings": (("Strings", 2, 48),),
}
"""Parts of the published checkpoints: name, channel and General MIDI program."""


@dataclass(frozen=True, slots=True)
class AmtParams:
    """Hold what a musician can set."""

    band: str = choice("piano+bass", tuple(AMT_BANDS), "which instruments the machine plays")
    temperature: float = param(1.0, "how freely notes are chosen", 0.0, 2.0, 0.05)
    top_p: float = param(0.95, "share of the likeliest choices that are considered", 0.05, 1.0, 0.01)
    chord: int = param(10, "notes that may begin together, the player's among them", 1, 32, 1)
    velocity: int = param(72, "how loud it plays, because the model knows no velocities", 1, 127, 1)
    model: str = param("", "folder of another converted checkpoint, or its name under models/")
