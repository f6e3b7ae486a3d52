"""A session that plays nothing, remembers its commands, and shows a few bars of music."""

from __future__ import annotations

import time
from dataclasses import replace
from threading import Event

from composer.generators.base import PartNote
from composer.live.settings import Settings
from composer.live.snapshot import Counters, Port, Snapshot
from composer.music import Note, Timeline

STILL = Snapshot(
    generator="anticipation",
    key="C major",
    worker="ready",
    ports=(Port("in", "composer:in"), Port("out", "composer:out")),
)


def song(tick: float, commit: int = 960, lookahead: int = 1920) -> Snapshot:
    """Return eight bars of a song as they are known at `tick`."""
    melody = [76, 76, 77, 79, 79, 77, 76, 74, 72, 72, 74, 76, 76, 74, 74, 74]
    player = tuple(Note(480 * n, p, 440) for n, p in enumerate(melody * 2) if 480 * n < tick)
    chords = [("C", (48, 60, 64, 67)), ("G/B", (47, 59, 62, 67)), ("Am", (45, 60, 64, 69)), ("F", (41, 60, 65, 69))] * 2
    machine = []
    for bar, (_, pitches) in enumerate(chords):
        for beat in range(4):
            machine.append(PartNote("piano", Note(bar * 1920 + beat * 480, pitches[beat], 470 if beat else 1900)))
            machine.append(PartNote("piano", Note(bar * 1920 + beat * 480 + 240, pitches[beat or 2], 230)))
    return replace(
        STILL,
        tick=tick,
        timeline=Timeline(120.0, tick, time.monotonic()),
        running=True,
        player=player,
        committed=tuple(n for n in machine if n.note.onset < tick + commit),
        intended=tuple(n for n in machine if tick + commit <= n.note.onset < tick + lookahead + commit),
        chords=tuple((bar * 1920, symbol) for bar, (symbol, _) in enumerate(chords) if bar * 1920 < tick + lookahead),
        counters=Counters(deadlines=120, late_p99=1.2, ahead_ticks=960 + tick % 960),
    )


COMMANDS = [
    "panic",
    "set_generator",
    "set_params",
    "set_part",
    "set_role",
    "set_steering",
    "set_sync",
    "set_tempo",
    "feed",
]


class FakeSession:
    """Take a session's commands, on any thread, and answer with the snapshot it was given."""

    def __init__(self, snapshot: Snapshot = STILL, error: Exception | None = None) -> None:
        self.commands: list[tuple] = []
        self.shown = snapshot
        self.ended = False
        self.settings = Settings(internal_ports=True)
        self._error = error
        self._closed = Event()

    def __getattr__(self, name: str):
        if name not in COMMANDS:
            raise AttributeError(name)
        return lambda *values: self.commands.append((name, *values))

    def listen(self, listener) -> None:
        self.hear = listener

    def watch(self, watcher) -> None:
        self.tell = watcher

    def start(self) -> None:
        self.commands.append(("start",))
        self.shown = replace(self.shown, running=True)

    def stop(self) -> None:
        self.commands.append(("stop",))
        self.shown = replace(self.shown, running=False)

    def snapshot(self) -> Snapshot:
        return self.shown

    def run(self) -> None:
        if self._error is not None:
            raise self._error
        self._closed.wait()
        self.ended = True

    def close(self) -> None:
        self._closed.set()


class MovingSession(FakeSession):
    """Play the song round and round, for somebody who wants to look at the screen."""

    def snapshot(self) -> Snapshot:
        tick = time.monotonic() * 960 % (8 * 1920)
        return song(tick)
