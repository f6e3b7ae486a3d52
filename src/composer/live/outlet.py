"""The way out: a watched port, and the ledger of what it owes."""

from __future__ import annotations

from collections.abc import Callable

from composer.live.echo import is_note_off, is_note_on
from composer.live.ledger import Ledger, note_off, note_on
from composer.live.player import PlannedNote
from composer.live.watched import Watched
from composer.midi.ports import OutputPort

ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 120, 121, 123


class Outlet:
    """Send messages and keep the ledger true whatever the port does.

    A note is in the ledger from the moment its note-on has left to the moment its note-off has: a note-off that the
    port refused is owed, and paid as soon as the port takes messages again. `on_sent` is told of each message its tick
    and the second at which it was handed over. One thread uses an outlet.
    """

    def __init__(
        self,
        port: Watched[OutputPort],
        now: Callable[[], float],
        on_sent: Callable[[bytes, float, float], None],
        on_refused: Callable[[str], None],
    ) -> None:
        self._watched = port
        self._now = now
        self._on_sent = on_sent
        self._on_refused = on_refused
        self._owed: set[tuple[int, int]] = set()
        self._is_refusing = False
        self.ledger = Ledger()

    @property
    def owes(self) -> bool:
        """Return whether a note-off was refused and should be tried again soon."""
        return bool(self._owed) and self._watched.port is not None

    def begin(self, note: PlannedNote) -> bool:
        """Send a note-on, after ending what sounds on its key; return whether it left."""
        return self._begin(note_on(note.channel, note.pitch, note.velocity), note.onset, note.id)

    def end(self, note: PlannedNote) -> bool:
        """Send the note-off of `note` unless it has been ended before; return whether one left."""
        if not self.ledger.is_sounding(note.channel, note.pitch, note.id):
            return False
        return self._end((note.channel, note.pitch), note.end)

    def send(self, data: bytes, tick: float) -> bool:
        """Send any message; notes among them enter the ledger like the plan's."""
        if is_note_on(data):
            return self._begin(data, tick, None)
        if is_note_off(data):
            key = (data[0] & 0x0F, data[1])
            return key in self.ledger and self._end(key, tick)
        return self._transmit(data, tick)

    def release_all(self, tick: float) -> None:
        """End every sounding note, now or as soon as the port allows."""
        for key in self.ledger.sounding():
            self._end(key, tick)

    def pay(self, tick: float) -> None:
        """Try again to send the note-offs that the port refused."""
        for key in sorted(self._owed):
            self._end(key, tick)

    def panic(self, tick: float) -> None:
        """End every sounding note, then say all notes off and all sound off on every channel."""
        self.release_all(tick)
        for channel in range(16):
            for control in (ALL_NOTES_OFF, ALL_SOUND_OFF):
                self._transmit(bytes((0xB0 | channel, control, 0)), tick)

    def _begin(self, data: bytes, tick: float, note_id: int | None) -> bool:
        key = (data[0] & 0x0F, data[1])
        if key in self.ledger and not self._end(key, tick):
            return False
        if not self._transmit(data, tick):
            return False
        self.ledger.begin(*key, note_id)
        return True

    def _end(self, key: tuple[int, int], tick: float) -> bool:
        if not self._transmit(note_off(*key), tick):
            self._owed.add(key)
            return False
        self._owed.discard(key)
        self.ledger.end(*key)
        return True

    def _transmit(self, data: bytes, tick: float) -> bool:
        port, time = self._watched.port, self._now()
        if port is None:
            return False
        try:
            port.send(data)
        except Exception as error:
            if not self._is_refusing:
                self._on_refused(f"{self._watched.name} did not take a message ({error}); it is tried again")
            self._is_refusing = True
            return False
        self._is_refusing = False
        self._on_sent(data, tick, time)
        return True
