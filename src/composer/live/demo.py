"""The built-in player: a melody played into our own in port, for those without a keyboard.

It goes through the MIDI system as any other program's notes do; where there is none, through the session.
"""

from __future__ import annotations

import logging
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate
from threading import Event, Thread
from typing import TYPE_CHECKING

from composer.errors import PortError
from composer.music import TICKS_PER_QUARTER, Note

if TYPE_CHECKING:
    from composer.live.session import Session
    from composer.midi.ports import OutputPort

log = logging.getLogger(__name__)

_E, _F, _G, _D, _C = 76, 77, 79, 74, 72
_ODE = (
    [(_E, 2), (_E, 2), (_F, 2), (_G, 2), (_G, 2), (_F, 2), (_E, 2), (_D, 2)],
    [(_C, 2), (_C, 2), (_D, 2), (_E, 2), (_E, 3), (_D, 1), (_D, 4)],
    [(_C, 2), (_C, 2), (_D, 2), (_E, 2), (_D, 3), (_C, 1), (_C, 4)],
    [(_D, 2), (_D, 2), (_E, 2), (_C, 2), (_D, 2), (_E, 1), (_F, 1), (_E, 2), (_C, 2)],
    [(_D, 2), (_E, 1), (_F, 1), (_E, 2), (_D, 2), (_C, 2), (_D, 2), (67, 4)],
)


def _sung(phrases: Iterator[list[tuple[int, int]]]) -> tuple[Note, ...]:
    eighth = TICKS_PER_QUARTER // 2
    steps = [step for phrase in phrases for step in phrase]
    onsets = accumulate((length * eighth for _, length in steps), initial=0)
    # The player breathes a little before every note.
    return tuple(Note(on, pitch, length * eighth - 40, 90) for on, (pitch, length) in zip(onsets, steps, strict=False))


MELODY = _sung(_ODE[n] for n in (0, 1, 0, 2, 3, 4, 0, 2))
"""Beethoven, Ode to Joy (1824): 16 bars of 4/4."""
_GRACE = 120
"""Ticks by which the first note may be late when the melody begins or the time jumps."""
LENGTH = 16 * 4 * TICKS_PER_QUARTER


class Melody:
    """Turn the passing of time into the MIDI messages of a melody that repeats every `length` ticks."""

    def __init__(self, notes: tuple[Note, ...] = MELODY, length: int = LENGTH) -> None:
        self._notes = sorted(notes, key=lambda note: note.onset)
        self._onsets = [note.onset for note in self._notes]
        self._length = length
        self._tick: float | None = None
        self._sounding: dict[int, float] = {}

    def advance(self, tick: float) -> list[bytes]:
        """Return the messages due up to `tick`; after a jump what sounds is ended, and little is made up for."""
        before, self._tick = self._tick, tick
        if before is None or not 0 <= tick - before <= TICKS_PER_QUARTER:
            before = tick - _GRACE
            self._sounding = dict.fromkeys(self._sounding, tick)
        messages = [bytes((0x80, pitch, 0)) for pitch, end in self._sounding.items() if end <= tick]
        self._sounding = {pitch: end for pitch, end in self._sounding.items() if end > tick}
        for note, onset in self._between(before, tick):
            if note.pitch in self._sounding:
                messages.append(bytes((0x80, note.pitch, 0)))
            self._sounding[note.pitch] = onset + note.duration
            messages.append(bytes((0x90, note.pitch, note.velocity)))
        return messages

    def silence(self) -> list[bytes]:
        """Return the note-offs of what sounds."""
        messages = [bytes((0x80, pitch, 0)) for pitch in self._sounding]
        self._sounding = {}
        return messages

    def _between(self, start: float, end: float) -> Iterator[tuple[Note, int]]:
        for turn in range(int(start // self._length), int(end // self._length) + 1):
            begin = turn * self._length
            first, last = (bisect_right(self._onsets, tick - begin) for tick in (start, end))
            for note in self._notes[first:last]:
                yield note, begin + note.onset


class Demo:
    """Play a melody into the session that `session` returns, in a thread of its own, until stopped."""

    def __init__(self, session: Callable[[], Session | None]) -> None:
        self._session = session
        self._end = Event()
        self._thread = Thread(target=self._play, name="demo", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Release the key that is down, and end; returns at once."""
        self._end.set()

    def _play(self) -> None:
        melody = Melody()
        cable: _Cable | None = None
        while not self._end.wait(0.005):
            if (session := self._session()) is None:
                continue
            snapshot = session.snapshot()
            if cable is None and snapshot.ports:
                cable = _Cable(session)
            running = snapshot.running and cable is not None
            for message in melody.advance(snapshot.timeline.ticks(time.monotonic())) if running else melody.silence():
                assert cable is not None
                cable.send(message)
        if cable is not None:
            for message in melody.silence():
                cable.send(message)
            cable.close()


class _Cable:
    """Carry messages to a session's in port: through the MIDI system if the port is virtual, else directly."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._port: OutputPort | None = None
        settings = session.settings
        if settings.internal_ports or settings.in_port is not None:
            return
        name = next((port.name for port in session.snapshot().ports if port.direction == "in"), None)
        try:
            from composer.midi.ports import open_output

            self._port = open_output(name, api=settings.api, client="composer-player") if name else None
        except PortError as error:
            log.info("the built-in player goes without a port: %s", error)

    def send(self, message: bytes) -> None:
        """Send one message; what a lost port does not take is fed directly."""
        try:
            if self._port is not None:
                self._port.send(message)
                return
        except PortError:
            self._port = None
        self._session.feed(message)

    def close(self) -> None:
        """Close the port."""
        if self._port is not None:
            self._port.close()
