"""What a session is told before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from composer.errors import UsageError
from composer.generators.base import ROLES, Role, parse_params
from composer.live.steering import Steering

Sync = Literal["internal", "clock"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Hold everything a session needs to know; UsageError names the field that is out of range."""

    generator: str = "anticipation"
    """The generator that plays, one of `composer list`."""
    params: Mapping[str, str] = field(default_factory=dict)
    """The generator's parameters as text."""
    steering: Mapping[str, str] = field(default_factory=dict)
    """What is done to the machine's notes whoever writes them: fields of `Steering` as text."""
    role: Role = "accompany"
    """What the machine does: accompany always, continue after you stop, trade four bars, fill your rests."""
    in_port: str | None = None
    """The port to hear; None opens the virtual port "in"."""
    out_port: str | None = None
    """The port to play; None opens the virtual port "out"."""
    api: str = "auto"
    """The MIDI system: auto, alsa, jack, coremidi or winmm."""
    sync: Sync = "internal"
    """Who drives the time: our own clock, or the host's MIDI clock."""
    tempo: float = 120.0
    """Quarters a minute of the internal clock."""
    meter: tuple[int, int] = (4, 4)
    """The time signature."""
    count_in: int = 0
    """Bars of silence between start and the first bar (internal clock)."""
    commit: float | None = None
    """Quarters ahead of now that are never revised; None takes what suits the generator."""
    lookahead: float = 4.0
    """Quarters ahead of now that are planned."""
    seed: int = 0
    """The same seed and the same playing give the same music."""
    record: Path | None = None
    """Write what was played, by you and by the machine, to this MIDI file at the end."""
    journal: Path | None = None
    """Write what is played to this journal while it is played, without --record; removed when the session ends."""
    stats: Path | None = None
    """Write the figures of the run to this JSON file when it ends, however it ends."""
    duration: float | None = None
    """Seconds after which the session ends by itself; None plays on until it is closed."""
    fallback: str = "markov"
    """The generator that plans every span first, inside the session."""
    internal_ports: bool = False
    """Use ports inside the program, for machines without a MIDI system."""

    def __post_init__(self) -> None:
        parse_params(Steering, dict(self.steering))
        if self.role not in ROLES:
            raise UsageError(f"there is no role {self.role!r}; the roles are {', '.join(ROLES)}")
        if not 10 <= self.tempo <= 600:
            raise UsageError(f"the tempo cannot be {self.tempo}; it lies between 10 and 600 quarters a minute")
        if not 0.5 <= self.lookahead <= 64:
            raise UsageError(f"lookahead cannot be {self.lookahead}; it lies between 0.5 and 64 quarters")
        if self.commit is not None and not 0 <= self.commit < self.lookahead:
            raise UsageError(f"commit cannot be {self.commit}; it lies between 0 and the lookahead, {self.lookahead}")
        if not 0 <= self.count_in <= 16:
            raise UsageError(f"the count-in cannot be {self.count_in} bars; it lies between 0 and 16")
        if self.duration is not None and not self.duration > 0:
            raise UsageError(f"the duration cannot be {self.duration}; it is a number of seconds above 0")
