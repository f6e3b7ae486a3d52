"""How late notes leave while everything runs, beside how late they leave when nothing else does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from composer.errors import ComposerError
from composer.live.link import IoProcess
from composer.live.settings import Settings
from composer.live.stats import Stats
from composer.live.wire import Message
from composer.music import TICKS_PER_QUARTER

_OPEN_SECONDS = 10.0
_NOTE_TICKS = TICKS_PER_QUARTER // 4


def measure(settings: Settings, play: Callable[[Settings], Stats]) -> dict[str, Any]:
    """Return the figures of a session that `play` runs to its end, with those of a loop that only waits and sends.

    The loop is an io process like the session's, on the same kind of ports, and plays alone for half the time before
    the session (`idle_late_ms`) and for half the time after it (`idle_after_late_ms`): a machine that others use is not
    the same from minute to minute. Milliseconds throughout.
    """
    seconds = settings.duration or 60.0
    before = _idle(settings, seconds / 2)
    stats = play(settings)
    return {
        "generator": settings.generator,
        "seconds": seconds,
        "ports": "internal" if settings.internal_ports else settings.api,
        "idle_late_ms": before,
        "idle_after_late_ms": _idle(settings, seconds / 2),
        **figures(stats),
    }


def _idle(settings: Settings, seconds: float) -> dict[str, float]:
    idle = Idle(settings, "composer-idle")
    idle.wait(seconds)
    return idle.end()


def figures(stats: Stats) -> dict[str, Any]:
    """Return the figures of a session that are compared."""
    names = ("late_ms", "reaction_ms", "plan_ms", "notes_out", "misses", "deadlines")
    return {name: getattr(stats, name) for name in names}


class Idle:
    """Play one repeated note from a plan made beforehand, in an io process that is asked for nothing else."""

    def __init__(self, settings: Settings, client: str) -> None:
        self._stats: dict[str, Any] = {}
        self._failure = ""
        self._ready, self._over = threading.Event(), threading.Event()
        self._io = IoProcess(self._take)
        ports = {"api": settings.api, "internal": settings.internal_ports, "client": client}
        self._io.send({"op": "open", "tempo": settings.tempo, **ports})
        notes = int((settings.duration or 60.0) * settings.tempo / 60 * 4)
        plan = [[n * _NOTE_TICKS, _NOTE_TICKS // 2, 60, 80, 0, n + 1] for n in range(1, notes)]
        self._io.send({"op": "plan", "from": 0, "notes": plan})
        self._io.send({"op": "start", "tick": 0, "count_in": 0})
        if not self._ready.wait(_OPEN_SECONDS):
            self._io.close()
            raise ComposerError(
                f"the idle loop could not open its ports ({self._failure or 'no answer'}); see `composer ports`"
            )

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._over.wait(seconds)

    def end(self) -> dict[str, float]:
        """End the loop and return how late its messages left."""
        self._io.close()
        late: dict[str, float] = self._stats.get("late_ms", {})
        return late

    def _take(self, event: Message) -> None:
        if event["op"] == "ready":
            self._ready.set()
        elif event["op"] == "failed":
            self._failure = event["message"]
        elif event["op"] == "bye":
            self._stats = event["stats"]
        elif event["op"] == "gone":
            self._over.set()


def first_note_seconds(session: Any, limit: float = 20.0) -> float | None:
    """Return the seconds from now until a running session's first machine note, None when there is none in time."""
    began = time.monotonic()
    while time.monotonic() - began < limit:
        if session.snapshot().counters.notes_out:
            return time.monotonic() - began
        time.sleep(0.01)
    return None
