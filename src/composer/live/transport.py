"""The transport: whether time runs, and which timeline is in force, ours or the MIDI clock's."""

from __future__ import annotations

from typing import Literal

from composer.midi.sync import ClockFollower
from composer.music import Timeline

Source = Literal["internal", "clock"]

CLOCK = 0xF8
CLOCK_MESSAGES = frozenset((0xF2, CLOCK, 0xFA, 0xFB, 0xFC))
"""Status bytes of the messages that drive a MIDI clock slave: song position, clock, start, continue, stop."""


class Transport:
    """Hold the timeline in force; a pure state machine whose callers bring the seconds. One thread uses it."""

    def __init__(self, tempo: float = 120.0, source: Source = "internal") -> None:
        self.source: Source = source
        self._line = Timeline(tempo)
        self._stopped_at = 0.0
        self._is_rolling = False
        self._follower = ClockFollower(tempo)

    @property
    def running(self) -> bool:
        """Return whether time runs."""
        return self._is_rolling

    @property
    def timeline(self) -> Timeline:
        """Return the line in force; it means something only while time runs."""
        return self._line

    @property
    def jitter_ms(self) -> float:
        """Return how unevenly the MIDI clock arrives, 0 with the internal clock."""
        return self._follower.jitter_ms if self.source == "clock" else 0.0

    def position(self, now: float) -> float:
        """Return the tick at `now` seconds: while stopped, the one at which time stands."""
        return self._line.ticks(now) if self._is_rolling else self._stopped_at

    def start(self, tick: float, count_in: float, now: float) -> None:
        """Run from `count_in` ticks before `tick`; the MIDI clock's transport belongs to the host and ignores this."""
        if self.source == "internal":
            self._line = self._line.with_tick(tick - count_in, now)
            self._is_rolling = True

    def stop(self, now: float) -> None:
        """Let time stand where it is; under the MIDI clock until the host starts or continues."""
        # A clock that fell silent has not moved since its last pulse, whatever the line through them says.
        self._stopped_at = float(self._follower.position) if self.source == "clock" else self.position(now)
        self._is_rolling = False

    def set_tempo(self, tempo: float, now: float) -> None:
        """Change the internal tempo; no tick jumps. ValueError when it is not between 0 and 10000."""
        if self.source == "internal":
            self._line = self._line.with_tempo(tempo, now)

    def set_source(self, source: Source, now: float) -> None:
        """Let `source` drive from now on; time stands until it starts."""
        if source not in ("internal", "clock"):
            raise ValueError(f"sync cannot be {source!r}; it is internal or clock")
        self.stop(now)
        self.source = source
        if source == "clock":
            # Where the host stands is not known before it says so; a continue alone means from the beginning.
            self._follower = ClockFollower(self._line.tempo)
            self._stopped_at = 0.0

    def feed(self, data: bytes, time: float) -> None:
        """Take in a clock message received at `time` seconds."""
        if self.source != "clock":
            return
        self._follower.feed(data, time)
        # A clock that fell silent and was stopped here runs again with its next pulse, not with any message.
        self._is_rolling = self._follower.running and self._follower.alive(time)
        if self._is_rolling:
            self._line = self._follower.timeline
        else:
            self._stopped_at = float(self._follower.position)

    def is_lost(self, now: float) -> bool:
        """Return whether the MIDI clock should be running and has gone silent."""
        return self.source == "clock" and self._is_rolling and not self._follower.alive(now)
