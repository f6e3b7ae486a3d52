"""Hear a score through a session's out port: for takes and files, while the machine itself is silent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Event, Thread
from typing import Protocol

from composer.midi.stream import NoteTracker, PlayedNote, messages
from composer.music import DRUM_CHANNEL, Part, Score

_PROGRAM = 0xC0
_LEAD_SECONDS = 0.05


class Out(Protocol):
    """What an audition needs of a session."""

    def send(self, data: bytes) -> None:
        """Send a channel message to the out port now."""
        ...

    def restore_programs(self) -> None:
        """Send the programs of the machine's parts again."""
        ...


def channels_apart(parts: tuple[Part, ...]) -> Iterator[Part]:
    """Yield the parts, each on a channel of its own as far as sixteen go; the later of two moves, never drums."""
    taken = {DRUM_CHANNEL}
    for part in parts:
        free = [channel for channel in range(16) if channel not in taken]
        if part.channel in taken and not part.is_drums and free:
            part = replace(part, channel=free[0])
        taken.add(part.channel)
        yield part


class Audition:
    """Play `score` from tick `start` on, in a thread of its own, until its end or `stop`.

    What sounds is ended by `stop`, and by the session's own panic and stop, because every message goes the way of the
    machine's notes. `tick` may be read from any thread.
    """

    def __init__(self, out: Out, score: Score, start: int = 0) -> None:
        self._out = out
        self._score = score
        self._start = start
        self._end = Event()
        self._began = time.monotonic() + _LEAD_SECONDS
        self._parts = tuple(channels_apart(score.parts))
        self._thread = Thread(target=self._play, name="audition", daemon=True)
        self._thread.start()

    @property
    def playing(self) -> bool:
        """Return whether the end has not been reached yet."""
        return not self._end.is_set()

    @property
    def tick(self) -> float:
        """Return where the music is."""
        seconds = max(0.0, time.monotonic() - self._began) + self._score.seconds(self._start)
        tick = 0.0
        for tempo in self._score.tempos:
            begin = self._score.seconds(tempo.tick)
            if begin <= seconds:
                tick = tempo.tick + (seconds - begin) * tempo.qpm * 8
        return min(tick, float(self._score.end))

    def stop(self, timeout_seconds: float = 1.0) -> None:
        """End what sounds and the thread; may be called twice."""
        self._end.set()
        self._thread.join(timeout_seconds)

    def _play(self) -> None:
        notes = [
            PlayedNote(note.onset, note.duration, note.pitch, note.velocity, part.channel)
            for part in self._parts
            for note in part.notes
            if note.onset >= self._start
        ]
        for part in self._parts:
            if not part.is_drums:
                self._out.send(bytes((_PROGRAM | part.channel, part.program)))
        tracker, origin = NoteTracker(), self._score.seconds(self._start)
        for tick, data in messages(notes):
            due = self._began + self._score.seconds(round(tick)) - origin
            if self._end.wait(max(0.0, due - time.monotonic())):
                break
            tracker.feed(tick, data)
            self._out.send(bytes(data))
        for note in tracker.held:
            self._out.send(bytes((0x80 | note.channel, note.pitch, 0)))
        self._out.restore_programs()
        self._end.set()
