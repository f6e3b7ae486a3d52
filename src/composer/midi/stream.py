"""Notes from a stream of messages and back: the one rule by which note-ons and note-offs are paired.

Of several equal pitches sounding on one channel, the note-off ends the one that began first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

NOTE_OFF, NOTE_ON, CONTROL = 0x80, 0x90, 0xB0
ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123


class HeldNote(NamedTuple):
    """Hold a note that has begun and not ended; `onset` is in the ticks that were fed."""

    onset: float
    pitch: int
    velocity: int
    channel: int


class PlayedNote(NamedTuple):
    """Hold a note that has ended; onset and duration (0 or more) are in the ticks that were fed."""

    onset: float
    duration: float
    pitch: int
    velocity: int
    channel: int


class NoteTracker:
    """Pair note-ons with note-offs; one thread uses it at a time."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, int], deque[HeldNote]] = {}

    @property
    def held(self) -> tuple[HeldNote, ...]:
        """Return the notes that sound, in the order in which they began."""
        return tuple(sorted(note for notes in self._held.values() for note in notes))

    def feed(self, tick: float, data: Sequence[int]) -> list[PlayedNote]:
        """Take one message (its bytes, status first) and return the notes it ended.

        A note-on of velocity 0 is a note-off; controllers 120 and 123 end their channel; other messages do nothing.
        """
        if len(data) < 3:
            return []
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        if kind == NOTE_ON and data[2] > 0:
            self._held.setdefault((channel, data[1]), deque()).append(HeldNote(tick, data[1], data[2], channel))
        elif kind in (NOTE_ON, NOTE_OFF):
            if notes := self._held.get((channel, data[1])):
                return [_played(notes.popleft(), tick)]
        elif kind == CONTROL and data[1] in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            return self._end(tick, [note for note in self.held if note.channel == channel])
        return []

    def close(self, tick: float) -> list[PlayedNote]:
        """End every held note at `tick` and return them."""
        return self._end(tick, self.held)

    def _end(self, tick: float, notes: Iterable[HeldNote]) -> list[PlayedNote]:
        for note in notes:
            self._held.pop((note.channel, note.pitch), None)
        return [_played(note, tick) for note in notes]


def _played(note: HeldNote, tick: float) -> PlayedNote:
    return PlayedNote(note.onset, max(0, tick - note.onset), note.pitch, note.velocity, note.channel)


def messages(notes: Iterable[PlayedNote]) -> list[tuple[float, tuple[int, int, int]]]:
    """Return the messages that play `notes` as (tick, bytes), in order, note-offs before note-ons at one tick."""
    # Of equal pitches beginning together the shortest comes first, so that the pairing rule gives each its own end.
    ordered = sorted(notes, key=lambda n: (n.onset, n.channel, n.pitch, n.duration, n.velocity))
    ons = [(n.onset, (NOTE_ON | n.channel, n.pitch, n.velocity)) for n in ordered]
    offs = sorted((n.onset + n.duration, (NOTE_OFF | n.channel, n.pitch, 0)) for n in ordered)
    return sorted([*offs, *ons], key=lambda event: event[0])
