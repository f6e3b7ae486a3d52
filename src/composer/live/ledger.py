"""The ledger of sounding notes: every note-on that was sent is owed exactly one note-off."""

from __future__ import annotations

NOTE_OFF = 0x80
NOTE_ON = 0x90


def note_on(channel: int, pitch: int, velocity: int) -> bytes:
    """Return the three bytes of a note-on."""
    return bytes((NOTE_ON | channel, pitch, velocity))


def note_off(channel: int, pitch: int) -> bytes:
    """Return the three bytes of a note-off at the standard release velocity 64."""
    return bytes((NOTE_OFF | channel, pitch, 64))


class Ledger:
    """Hold which note sounds on each (channel, pitch), by its id.

    MIDI cannot tell two notes of one pitch on one channel apart, so one key holds one note: a later note ends the
    earlier one just before it begins, and the earlier one's own end is then not sent again.
    """

    def __init__(self) -> None:
        self._sounding: dict[tuple[int, int], int | None] = {}

    def __len__(self) -> int:
        return len(self._sounding)

    def __contains__(self, key: tuple[int, int]) -> bool:
        return key in self._sounding

    def sounding(self) -> list[tuple[int, int]]:
        """Return the sounding (channel, pitch) pairs in the order in which they began."""
        return list(self._sounding)

    def begin(self, channel: int, pitch: int, note_id: int | None = None) -> None:
        """Enter a note whose note-on has left; ValueError when the key still sounds."""
        if (channel, pitch) in self._sounding:
            raise ValueError(f"pitch {pitch} on channel {channel} already sounds; end it before it begins again")
        self._sounding[channel, pitch] = note_id

    def is_sounding(self, channel: int, pitch: int, note_id: int | None) -> bool:
        """Return whether this very note sounds, not one that began later on its key."""
        return (channel, pitch) in self._sounding and self._sounding[channel, pitch] == note_id

    def end(self, channel: int, pitch: int) -> None:
        """Strike out a note whose note-off has left; ending what does not sound changes nothing."""
        self._sounding.pop((channel, pitch), None)
