"""MIDI clock in and out: musical time from pulses, 24 to the quarter, and pulses from musical time.

Pulses arrive late by different amounts: JACK hands MIDI over once a period, up to 21 ms late. So tempo and phase come
from a straight line through the last pulses, and the timeline glides onto that line instead of jumping to it. Position
is counted, never estimated: the n-th pulse after a start is tick 20 n, and nothing drifts.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Literal

from composer.music import TICKS_PER_QUARTER, Timeline

CLOCK, START, CONTINUE, STOP, SONG_POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
PULSES_PER_QUARTER = 24
PULSE_TICKS = TICKS_PER_QUARTER // PULSES_PER_QUARTER
SIXTEENTH_TICKS = TICKS_PER_QUARTER // 4
SLOWEST_QUARTER_SECONDS = 4.0

_LONGEST_PULSE = SLOWEST_QUARTER_SECONDS / PULSES_PER_QUARTER
_SHORTEST_PULSE = 60 / (1000 * PULSES_PER_QUARTER)
_WINDOW = 3 * PULSES_PER_QUARTER
_RECENT = 5
"""Pulses that together decide whether the tempo has changed."""
_TURN_SECONDS = 0.003
_GUESS, _KNOWN = 6, 12
"""How many pulses an expected tempo counts for: when it is a guess, and when a quarter of pulses confirmed it."""
_GLIDE_TICKS = TICKS_PER_QUARTER / 2
"""Ticks in which an error of phase is made good."""

Change = Literal["start", "stop", "locate"]


class ClockFollower:
    """Follow a MIDI clock: feed it what arrives, read `timeline` while `running`.

    While running, the tick of a moment never goes back, except where the clock itself is started again or located. One
    thread uses it at a time.
    """

    def __init__(self, tempo: float = 120.0) -> None:
        self.running = False
        self.timeline = Timeline(tempo)
        self._pulses = _PulseLine(60 / (tempo * PULSES_PER_QUARTER))
        self._next_tick = 0
        self._waiting: Change | None = None
        """What the next pulse completes."""

    @property
    def tempo(self) -> float:
        """Return the tempo of the pulses in quarters a minute, known also while stopped."""
        return 60 / (self._pulses.interval * PULSES_PER_QUARTER)

    @property
    def jitter_ms(self) -> float:
        """Return by how much pulses miss the line through them, as a standard deviation."""
        return self._pulses.deviation * 1000

    @property
    def position(self) -> int:
        """Return the tick of the next pulse: where a stopped clock will continue."""
        return self._next_tick

    def alive(self, now: float) -> bool:
        """Return whether pulses still come: a quarter that would last over four seconds means they have stopped."""
        return self._pulses.last is not None and now - self._pulses.last <= _LONGEST_PULSE

    def feed(self, data: Sequence[int], time: float) -> Change | None:
        """Take one message and the moment of its arrival in seconds; return what it changed, if anything.

        "start": the clock runs from `timeline` on, also after pulses had vanished. "locate": the position jumped, also
        while stopped. "stop": it stands at `position`. A start, continue or position takes effect at the next pulse.
        """
        match data[0]:
            case 0xF8:
                return self._pulse(time)
            case 0xFA:
                self._next_tick, self._waiting = 0, "start"
            case 0xFB:
                self._waiting = "start"
            case 0xFC:
                was_running, self.running, self._waiting = self.running, False, None
                return "stop" if was_running else None
            case 0xF2 if len(data) == 3:
                self._next_tick = (data[1] | data[2] << 7) * SIXTEENTH_TICKS
                if not self.running:
                    return "locate"
                self._waiting = self._waiting or "locate"
        return None

    def _pulse(self, time: float) -> Change | None:
        vanished = not self.alive(time)
        if vanished or self._waiting:
            self._pulses.restart()
        self._pulses.add(time)
        if not self.running and not self._waiting:
            return None
        change: Change | None = self._waiting or ("start" if vanished else None)
        tick, self._next_tick = self._next_tick, self._next_tick + PULSE_TICKS
        self._waiting = None
        self.running = True
        self.timeline = Timeline(self.tempo, tick, time) if change else self._glide(tick, time)
        return change

    def _glide(self, tick: int, time: float) -> Timeline:
        """Return a line that is where the old one is now and meets the pulses a little later."""
        now = self.timeline.ticks(time)
        error = tick + (time - self._pulses.phase) / self._pulses.interval * PULSE_TICKS - now
        return Timeline(self.tempo * min(2.0, max(0.25, 1 + error / _GLIDE_TICKS)), now, time)


class _PulseLine:
    """Fit a line through the moments of the last pulses, by least squares."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        """Seconds from pulse to pulse."""
        self.phase = 0.0
        """The moment at which the line puts the last pulse."""
        self.deviation = 0.0
        """Standard deviation of the pulses from the line, in seconds."""
        self._times: deque[float] = deque(maxlen=_WINDOW)
        self._expected = interval
        self._trust = _spread(_GUESS)

    @property
    def last(self) -> float | None:
        """Return the moment of the last pulse, None before the first."""
        return self._times[-1] if self._times else None

    def restart(self) -> None:
        """Begin a new line at the next pulse, with the tempo found so far as what is expected."""
        self._trust = _spread(_KNOWN if len(self._times) >= PULSES_PER_QUARTER else _GUESS)
        self._expected = self.interval
        self._times.clear()

    def add(self, time: float) -> None:
        """Take the moment of the next pulse."""
        self._times.append(time)
        if self._has_turned():
            self._times = deque(list(self._times)[-_RECENT:], maxlen=_WINDOW)
            self._expected, self._trust = self.interval, _spread(_GUESS)
        self._fit()

    def _has_turned(self) -> bool:
        """Return whether the newest pulses all lie to one side of the line before them, beyond its jitter."""
        times = list(self._times)
        if len(times) < PULSES_PER_QUARTER:
            return False
        older = times[:-_RECENT]
        interval, phase, deviation = _line(older, 0.0, 0.0)
        errors = [time - (phase + interval * n) for n, time in enumerate(times[-_RECENT:], start=1)]
        limit = 2 * deviation + _TURN_SECONDS
        # Errors that do not grow are no new tempo: JACK's periods beating with the pulses slip by one period.
        grows = abs(errors[-1]) - abs(errors[0]) > _TURN_SECONDS
        return grows and (min(errors) > limit or max(errors) < -limit)

    def _fit(self) -> None:
        # What was expected fades while the first quarter is heard.
        trust = self._trust * max(0.0, 1 - len(self._times) / PULSES_PER_QUARTER)
        interval, self.phase, self.deviation = _line(list(self._times), self._expected, trust)
        self.interval = min(_LONGEST_PULSE, max(_SHORTEST_PULSE, interval))


def _line(times: list[float], expected: float, trust: float) -> tuple[float, float, float]:
    """Return slope, value at the last point and standard deviation of the line nearest to equally spaced points.

    `trust` pulls the slope towards `expected`, in the unit of `_spread`.
    """
    middle, mean = (len(times) - 1) / 2, sum(times) / len(times)
    moment = sum((n - middle) * (time - mean) for n, time in enumerate(times))
    weight = _spread(len(times)) + trust
    slope = (moment + trust * expected) / weight if weight else expected
    errors = (time - mean - slope * (n - middle) for n, time in enumerate(times))
    return slope, mean + slope * middle, math.sqrt(sum(e * e for e in errors) / len(times))


def _spread(pulses: int) -> float:
    """Return how firmly that many pulses hold the slope of a line: the squared distances from their middle, summed."""
    return pulses * (pulses * pulses - 1) / 12


class ClockSource:
    """Make the messages of a MIDI clock from a timeline; one thread uses it at a time."""

    def __init__(self) -> None:
        self._next: int | None = None

    def start(self, tick: float) -> list[tuple[int, ...]]:
        """Return the messages that start a follower at the first sixteenth at or after `tick`."""
        sixteenth = min(0x3FFF, max(0, math.ceil(tick / SIXTEENTH_TICKS)))
        self._next = sixteenth * SIXTEENTH_TICKS
        if sixteenth == 0:
            return [(START,)]
        return [(SONG_POSITION, sixteenth & 0x7F, sixteenth >> 7), (CONTINUE,)]

    def stop(self) -> list[tuple[int, ...]]:
        """Return the message that stops a follower, none when it is stopped."""
        was_running, self._next = self._next is not None, None
        return [(STOP,)] if was_running else []

    def due(self, timeline: Timeline, now: float) -> list[float]:
        """Return the moments of the pulses that are due by `now`, each once; nothing while stopped."""
        moments: list[float] = []
        while self._next is not None and self._next <= timeline.ticks(now):
            moments.append(timeline.seconds(self._next))
            self._next += PULSE_TICKS
        return moments
