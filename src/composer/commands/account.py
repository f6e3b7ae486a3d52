"""Beside a session without an interface: start its time, and say on stderr what is open and what is played."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from composer.music import Note

if TYPE_CHECKING:
    from composer.live.session import Session
    from composer.live.snapshot import Snapshot

_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 5.0
_MOST_NOTES = 12


class Account:
    """Start a session's time and tell its messages, with `bars` each bar when it is over, from a thread of its own.

    Time starts when the chosen generator is open, or when that takes longer than a few seconds: the fallback plays.
    A generator that cannot be opened ends the session; `failure` says why.
    """

    def __init__(self, session: Session, bars: bool) -> None:
        self._session = session
        self._bars = bars
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="account", daemon=True)
        self._told: tuple[str, ...] = ()
        self._has_opened = self._has_started = False
        self._bar = 0
        self.failure = ""

    def begin(self) -> None:
        """Begin to look."""
        self._thread.start()

    def end(self) -> None:
        """Tell what has not been told yet."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        latest = time.monotonic() + _PATIENCE_SECONDS
        while not self._over.wait(_LOOK_SECONDS):
            snapshot = self._session.snapshot()
            if not self._has_started and snapshot.ports:
                self._start(snapshot, time.monotonic() > latest)
            self._tell(snapshot)
        self._tell_messages(self._session.snapshot())

    def _start(self, snapshot: Snapshot, is_late: bool) -> None:
        state, _, why = snapshot.worker.partition(": ")
        if state == "failed":
            self.failure = f"{snapshot.generator} cannot play: {why}"
            self._session.close()
        elif state == "ready" or is_late:
            self._has_started = True
            self._session.start()

    def _tell(self, snapshot: Snapshot) -> None:
        if not self._has_opened and snapshot.ports:
            self._has_opened = True
            names = ", ".join(f"{port.direction}: {port.name}" for port in snapshot.ports)
            print(f"{snapshot.generator} listens and plays ({names}); Ctrl-C ends it", file=sys.stderr)
        self._tell_messages(snapshot)
        if not self._bars or not snapshot.running:
            return
        meter = snapshot.meter
        # A bar is told a little after its end, when the notes that began in it are known.
        while meter.tick + (self._bar + 1) * meter.bar + meter.beat // 4 <= snapshot.tick:
            start = meter.tick + self._bar * meter.bar
            self._bar += 1
            print(bar_line(snapshot, self._bar, start, start + meter.bar), file=sys.stderr, flush=True)

    def _tell_messages(self, snapshot: Snapshot) -> None:
        for message in snapshot.messages:
            if message not in self._told and not self.failure:
                print(message, file=sys.stderr)
        self._told = snapshot.messages


def bar_line(snapshot: Snapshot, number: int, start: int, end: int) -> str:
    """Return one line about the bar [start, end): the player's notes, the harmony, the machine's notes."""
    player = _notes([note for note in snapshot.player if start <= note.onset < end])
    machine = _notes([entry.note for entry in snapshot.committed if start <= entry.note.onset < end])
    symbols = [symbol for tick, symbol in snapshot.chords if start <= tick < end]
    # The chord that is in force when the bar begins was perhaps named earlier.
    before = [symbol for tick, symbol in snapshot.chords if tick <= start]
    chords = " ".join(dict.fromkeys([*before[-1:], *symbols])) or "-"
    return f"bar {number:3}  you: {player:28} chords: {chords:12} machine: {machine}"


def _notes(notes: list[Note]) -> str:
    names = [f"{_NAMES[note.pitch % 12]}{note.pitch // 12 - 1}" for note in sorted(notes)]
    more = f" and {len(names) - _MOST_NOTES} more" if len(names) > _MOST_NOTES else ""
    return " ".join(names[:_MOST_NOTES]) + more or "-"
