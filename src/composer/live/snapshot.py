"""What an interface sees of a session: one immutable value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from composer.generators.base import PartNote, Role
from composer.live.steering import NEUTRAL, Steering
from composer.music import Meter, Note, Part, Timeline


@dataclass(frozen=True, slots=True)
class Port:
    """Hold a port: "in" or "out", its name, and whether it is "open" or "lost"."""

    direction: str
    name: str
    state: str = "open"


@dataclass(frozen=True, slots=True)
class Counters:
    """Hold the counts of a run so far; `late` is of the last notes, in milliseconds."""

    notes_in: int = 0
    notes_out: int = 0
    dropped: int = 0
    deadlines: int = 0
    misses: Mapping[str, int] = field(default_factory=dict)
    worker_restarts: int = 0
    late_p50: float = 0.0
    late_p99: float = 0.0
    ahead_ticks: float = 0.0
    """How far ahead of now the chosen generator has planned without a gap."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Hold the state of a session at one moment."""

    tick: float = 0.0
    running: bool = False
    timeline: Timeline = field(default_factory=Timeline)
    meter: Meter = field(default_factory=lambda: Meter(0))
    meters: tuple[Meter, ...] = (Meter(0),)
    """Every meter since the beginning, `meter` among them, and the one that begins at the next bar line."""
    source: str = "internal"
    jitter_ms: float = 0.0
    generator: str = ""
    pending: str | None = None
    """The generator that takes over at the next bar line."""
    switch_at: int | None = None
    """The bar line at which it does, known as soon as it is open."""
    params: Mapping[str, str] = field(default_factory=dict)
    """The parameters, as text, that were set for the pending generator, else for the one that plays."""
    parts: tuple[Part, ...] = ()
    """The machine's parts, without notes, with the channels and programs they play."""
    role: Role = "accompany"
    player: tuple[Note, ...] = ()
    """The player's notes of the last bars, held ones up to now."""
    committed: tuple[PartNote, ...] = ()
    """Machine notes that have begun, or will not be revised any more."""
    intended: tuple[PartNote, ...] = ()
    """Machine notes that may still change."""
    chords: tuple[tuple[int, str], ...] = ()
    """The harmony the generator thinks in: the tick at which each chord begins, and its symbol."""
    key: str = ""
    steering: Steering = NEUTRAL
    zone: str = ""
    """The chord that the player's chord zone named last, empty without one."""
    counters: Counters = field(default_factory=Counters)
    ports: tuple[Port, ...] = ()
    worker: str = "starting"
    """What the worker is: "starting", "starting: 3 of 10 files read", "ready" or "failed: ..."."""
    messages: tuple[str, ...] = ()
    """What the player must read, the newest last."""
