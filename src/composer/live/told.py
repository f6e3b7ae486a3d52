"""Time as the io process told it last."""

from __future__ import annotations

from dataclasses import dataclass

from composer.live.wire import Message
from composer.music import Timeline


@dataclass(frozen=True, slots=True)
class Told:
    """Hold the timeline in force, whether time runs, where it stands while it does not, and who drives it."""

    timeline: Timeline
    source: str = "internal"
    running: bool = False
    stopped_at: float = 0.0
    jitter_ms: float = 0.0

    @classmethod
    def of(cls, event: Message) -> Told:
        """Return what a `timeline` event tells."""
        line = Timeline(event["tempo"], event["tick"], event["time"])
        return cls(line, event["source"], event["running"], event["tick"], event["jitter_ms"])

    def tick(self, now: float) -> float:
        """Return the tick at `now` seconds."""
        return self.timeline.ticks(now) if self.running else self.stopped_at
