"""The figures of a run: counted while it plays, one JSON object at the end."""

from __future__ import annotations

import json
import os
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from composer.errors import FileError
from composer.live.lateness import quantiles

Quantiles = dict[str, float]


@dataclass(frozen=True, slots=True)
class Stats:
    """Hold the figures of a finished run; the fields are those of `--stats`."""

    duration_s: float
    notes_in: int
    notes_out: int
    sounding_at_exit: int
    late_ms: Quantiles
    reaction_ms: Quantiles
    dropped: int
    deadlines: int
    misses: dict[str, int]
    plans: int
    plan_ms: Quantiles
    worker_restarts: int
    clock: dict[str, Any]

    def write(self, path: Path) -> None:
        """Write the figures as one JSON object, complete or not at all; FileError says why not."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_text(json.dumps(asdict(self), indent=1) + "\n")
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            reason = error.strerror or error
            raise FileError(f"the figures cannot be written to {path} ({reason}); choose another --stats") from None


@dataclass(slots=True)
class Figures:
    """Count what happens; only the session's thread changes it."""

    notes_in: int = 0
    notes_out: int = 0
    dropped: int = 0
    deadlines: int = 0
    misses: Counter[str] = field(default_factory=Counter)
    plans: int = 0
    plan_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    recent_late_ms: deque[float] = field(default_factory=lambda: deque(maxlen=256))
    reaction_ms: list[float] = field(default_factory=list)
    jitter_ms: list[float] = field(default_factory=list)
    _unanswered: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=256))

    def played(self, number: int, seconds: float) -> None:
        """Note that the player's note `number` (counted from 1) began at `seconds`."""
        self._unanswered.append((number, seconds))

    def began(self, knew: int, due_seconds: float, late_ms: float) -> None:
        """Note a machine note from a plan that knew the player's notes up to number `knew`."""
        self.late(late_ms)
        while self._unanswered and self._unanswered[0][0] <= knew:
            _, played = self._unanswered.popleft()
            self.reaction_ms.append(max(0.0, due_seconds - played) * 1000)

    def late(self, milliseconds: float) -> None:
        """Note how late a machine note began."""
        self.notes_out += 1
        self.late_ms.append(milliseconds)
        self.recent_late_ms.append(milliseconds)

    def settled(self, duration_s: float, restarts: int, clock: dict[str, Any], io: dict[str, Any]) -> Stats:
        """Return the figures of the run that ends; `io` holds those of the io process, empty when it died."""
        return Stats(
            duration_s=round(duration_s, 3),
            notes_in=io.get("notes_in", self.notes_in),
            notes_out=io.get("notes_out", self.notes_out),
            sounding_at_exit=io.get("sounding_at_exit", 0),
            late_ms=io.get("late_ms") or quantiles(self.late_ms),
            reaction_ms=quantiles(self.reaction_ms),
            dropped=io.get("dropped", self.dropped),
            deadlines=self.deadlines,
            misses=dict(self.misses),
            plans=self.plans,
            plan_ms=quantiles(self.plan_ms),
            worker_restarts=restarts,
            clock={
                **clock,
                "jitter_ms_p99": io.get("clock", {}).get("jitter_ms_p99", quantiles(self.jitter_ms)["p99"]),
            },
        )
