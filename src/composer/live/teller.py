"""What is told about time: the timeline in force, to the main process and to the journal."""

from __future__ import annotations

from collections.abc import Callable

from composer.live.course import is_new_tempo, tempo_of
from composer.live.inlet import Event
from composer.live.lateness import Tally
from composer.live.transport import Transport

REPORT_SECONDS = 0.25
"""The timeline is told at least this often."""

# The host's tempo is told again at once when a tick would fall this much elsewhere than was told.
_DRIFT_SECONDS = 0.003


class Teller:
    """Tell the timeline when it changes and every quarter of a second. One thread uses a teller."""

    def __init__(
        self,
        transport: Transport,
        meter: tuple[int, int],
        emit: Callable[[Event], None],
        record: Callable[[float, float, Event], None],
        tally: Tally,
    ) -> None:
        self.due = float("-inf")
        """The moment at which the timeline is told again, in seconds."""
        self._transport = transport
        self._emit = emit
        self._record = record
        self._tally = tally
        self._told = (False, transport.timeline)
        self._meter = meter
        self._tempo = 0.0
        self._marked: tuple[bool, float] | None = None

    def report(self, now: float) -> None:
        """Tell the timeline if it is time to, or if it is not what was told."""
        running, line = self._transport.running, self._transport.timeline
        was_running, told = self._told
        drift = abs(told.seconds(line.tick_origin) - line.time_origin) if running and was_running else 0.0
        if now >= self.due or running != was_running or drift > _DRIFT_SECONDS:
            self.tell(now)

    def tell(self, now: float) -> None:
        """Tell the timeline."""
        transport = self._transport
        self.due = now + REPORT_SECONDS
        self._told = (transport.running, transport.timeline)
        if transport.source == "clock" and transport.running:
            self._tally.clock(transport.jitter_ms)
        self.mark(now)
        self._emit(
            {
                "op": "timeline",
                "running": transport.running,
                "tempo": transport.timeline.tempo,
                "tick": transport.position(now),
                "time": now,
                "source": transport.source,
                "jitter_ms": transport.jitter_ms,
            }
        )

    def mark(self, now: float) -> None:
        """Enter time and tempo in the journal when they differ from what stands there."""
        qpm, source = self._transport.timeline.tempo, self._transport.source
        if is_new_tempo(self._tempo, qpm, source):
            self._tempo = tempo_of(qpm, source)
        if self._marked != (self._transport.running, self._tempo):
            self._marked = (self._transport.running, self._tempo)
            self._enter(self._transport.position(now), now)

    def set_meter(self, meter: tuple[int, int], tick: float, now: float) -> None:
        """Enter in the journal that another meter began at `tick`."""
        if meter != self._meter:
            self._meter = meter
            self._enter(tick, now)

    def _enter(self, tick: float, now: float) -> None:
        running = self._transport.running
        self._record(now, tick, {"running": running, "tempo": self._tempo, "meter": list(self._meter)})
