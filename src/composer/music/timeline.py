"""Musical time as a value: a line between ticks and seconds, after Ableton Link's Timeline."""

from __future__ import annotations

from dataclasses import dataclass, replace

from composer.music.note import TICKS_PER_QUARTER


@dataclass(frozen=True, slots=True)
class Timeline:
    """Map ticks to seconds of a monotonic clock and back.

    `tempo` is in quarters a minute; the tick `tick_origin` falls at `time_origin` seconds.
    """

    tempo: float = 120.0
    tick_origin: float = 0.0
    time_origin: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.tempo < 10_000:
            raise ValueError(f"tempo {self.tempo} is not between 0 and 10000 quarters a minute")

    @property
    def ticks_per_second(self) -> float:
        """Return how many ticks pass in a second."""
        return self.tempo * TICKS_PER_QUARTER / 60

    def ticks(self, seconds: float) -> float:
        """Return the tick that falls at `seconds`."""
        return self.tick_origin + (seconds - self.time_origin) * self.ticks_per_second

    def seconds(self, tick: float) -> float:
        """Return the moment at which `tick` falls."""
        return self.time_origin + (tick - self.tick_origin) / self.ticks_per_second

    def with_tempo(self, tempo: float, seconds: float) -> Timeline:
        """Return a line of another tempo from `seconds` on; the tick at that moment stays what it was."""
        return Timeline(tempo, self.ticks(seconds), seconds)

    def with_tick(self, tick: float, seconds: float) -> Timeline:
        """Return the line moved so that `tick` falls at `seconds`, at the same tempo."""
        return replace(self, tick_origin=tick, time_origin=seconds)
