"""An engine in the hand: a manual clock, ports in memory, and everything that came out of it."""

from __future__ import annotations

from typing import Any

from composer.live.clock import ManualClock
from composer.live.link import InlineIo


class Rig:
    """Drive an inline io; ticks and seconds agree on 480 a second, that is 60 quarters a minute."""

    def __init__(self, **options: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.clock = ManualClock(100.0)
        self.io = InlineIo(self.events.append, self.clock)
        self.io.send({"op": "open", "tempo": 60, **options})
        self.io.poll()

    def send(self, op: str, **fields: Any) -> None:
        self.io.send({"op": op, **fields})
        self.io.poll()

    def plan(self, *notes: tuple[float, ...], start: float = 0) -> None:
        """Send a plan of (onset, duration, pitch), numbered from 1, velocity 80, channel 1."""
        rows = [[onset, duration, pitch, 80, 1, i] for i, (onset, duration, pitch) in enumerate(notes, 1)]
        self.io.send({"op": "plan", "from": start, "notes": rows})
        self.io.poll()

    def play(self, *data: int) -> None:
        self.io.play(bytes(data))
        self.io.poll()

    def ops(self, *names: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["op"] in names]

    def sent(self) -> list[tuple[int, str, int]]:
        """Return the notes sent as (ticks since the rig was made, "on" or "off", pitch)."""
        return [(round((t - 100) * 480), "on" if d[0] & 0x10 else "off", d[1]) for t, d in self.notes()]

    def notes(self) -> list[tuple[float, bytes]]:
        return [(time, data) for time, data in self.io.output if data[0] & 0xE0 == 0x80]
