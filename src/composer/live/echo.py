"""Recognition of a MIDI loop: what we sent comes back through the host and must not be heard as the player."""

from __future__ import annotations

from collections import deque

from composer.live.ledger import NOTE_OFF, NOTE_ON

WINDOW_SECONDS = 0.25
"""How long after it left a message may come back; a host's two longest usual buffers fit."""


_LENGTHS = {0x80: 3, 0x90: 3, 0xA0: 3, 0xB0: 3, 0xC0: 2, 0xD0: 2, 0xE0: 3}


def is_channel_message(data: bytes) -> bool:
    """Return whether `data` is one whole message of a MIDI channel."""
    return len(data) > 1 and _LENGTHS.get(data[0] & 0xF0) == len(data) and max(data[1:]) < 0x80


def is_note_on(data: bytes) -> bool:
    """Return whether `data` begins a note (velocity 0 ends one)."""
    return len(data) == 3 and data[0] & 0xF0 == NOTE_ON and data[2] > 0


def is_note_off(data: bytes) -> bool:
    """Return whether `data` ends a note."""
    return len(data) == 3 and (data[0] & 0xF0 == NOTE_OFF or (data[0] & 0xF0 == NOTE_ON and data[2] == 0))


class EchoFilter:
    """Remember what was sent and recognise it when it returns, once for each message sent.

    A message is recognised by its bytes and its time, velocity included: who doubles a note of the machine must be
    heard. The note-off that follows an echoed note-on belongs to it whenever it comes, with any velocity.
    """

    def __init__(self) -> None:
        self._sent: dict[bytes, deque[float]] = {}
        self._echoing: dict[tuple[int, int], int] = {}
        self._ended: dict[tuple[int, int], float] = {}

    def sent(self, data: bytes, time: float) -> None:
        """Remember that `data` left at `time` seconds."""
        if is_note_off(data):
            self._ended[data[0] & 0x0F, data[1]] = time
            return
        times = self._sent.setdefault(data, deque(maxlen=64))
        times.append(time)
        if is_note_on(data):
            self._ended.pop((data[0] & 0x0F, data[1]), None)

    def is_echo(self, data: bytes, time: float) -> bool:
        """Return whether `data`, received at `time`, is one of ours come back; it is then counted as returned."""
        if is_note_off(data):
            return self._ends_echo((data[0] & 0x0F, data[1]), time)
        times = self._sent.get(data)
        while times and time - times[0] > WINDOW_SECONDS:
            times.popleft()
        # A message stamped before ours left cannot be ours.
        if not times or time < times[0]:
            return False
        times.popleft()
        if is_note_on(data):
            key = (data[0] & 0x0F, data[1])
            self._echoing[key] = self._echoing.get(key, 0) + 1
        return True

    def _ends_echo(self, key: tuple[int, int], time: float) -> bool:
        echoing = self._echoing.pop(key, 0)
        # An echo whose end went missing must not swallow the player's note-offs for ever.
        if not echoing or time - self._ended.get(key, time) > WINDOW_SECONDS:
            return False
        if echoing > 1:
            self._echoing[key] = echoing - 1
        return True
