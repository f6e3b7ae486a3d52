"""The ear: what the player has played, as notes, held ones included."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from composer.live.roles import HELD
from composer.midi.stream import CONTROL, NOTE_OFF, NOTE_ON, NoteTracker, PlayedNote
from composer.music import DRUM_CHANNEL, Note, Part

PLAYER, DRUMS = "Player", "Player drums"


class Ear:
    """Collect the player's notes from keys going down and up. One thread uses an ear."""

    def __init__(self) -> None:
        self._notes: dict[str, list[Note]] = {PLAYER: []}
        self._tracker = NoteTracker()

    def on(self, tick: float, channel: int, pitch: int, velocity: int) -> None:
        """Note a key going down at `tick`."""
        self._keep(self._tracker.feed(max(0.0, tick), (NOTE_ON | channel, pitch, velocity)))

    def off(self, tick: float, channel: int, pitch: int) -> None:
        """Note a key going up at `tick`."""
        self._keep(self._tracker.feed(tick, (NOTE_OFF | channel, pitch, 0)))

    def control(self, tick: float, channel: int, number: int, value: int) -> None:
        """Note a controller; "all notes off" and "all sound off" end the channel's notes."""
        self._keep(self._tracker.feed(tick, (CONTROL | channel, number, value)))

    def release(self, tick: float) -> None:
        """End every held note at `tick`."""
        self._keep(self._tracker.close(tick))

    def parts(self) -> tuple[Part, ...]:
        """Return the player's parts; a held note has a duration beyond anything played."""
        notes = {name: list(ended) for name, ended in self._notes.items()}
        for key in self._tracker.held:
            notes.setdefault(_part(key.channel), []).append(Note(round(key.onset), key.pitch, HELD, key.velocity))
        named = ((PLAYER, 0), (DRUMS, DRUM_CHANNEL))
        return tuple(Part(name, tuple(sorted(notes[name])), channel) for name, channel in named if name in notes)

    def recent(self, since: int, now: int) -> tuple[Note, ...]:
        """Return the notes that began after `since`, held ones ending at `now`."""
        ended = [note for notes in self._notes.values() for note in notes[_index(notes, since) :]]
        held = [
            Note(round(key.onset), key.pitch, max(1, now - round(key.onset)), key.velocity)
            for key in self._tracker.held
        ]
        return tuple(sorted((*ended, *held)))

    def forget(self, before: int) -> None:
        """Drop the notes that began before tick `before`."""
        for notes in self._notes.values():
            del notes[: _index(notes, before)]

    def shift(self, ticks: int) -> None:
        """Move the ended notes later by `ticks` (earlier when negative), forgetting what falls before 0."""
        for name, notes in self._notes.items():
            self._notes[name] = [note.shift(ticks) for note in notes if note.onset + ticks >= 0]

    def _keep(self, played: Iterable[PlayedNote]) -> None:
        for note in played:
            onset, end = round(note.onset), round(note.onset + note.duration)
            kept = Note(onset, note.pitch, max(1, end - onset), note.velocity)
            insort(self._notes.setdefault(_part(note.channel), []), kept)


def _part(channel: int) -> str:
    return DRUMS if channel == DRUM_CHANNEL else PLAYER


def _index(notes: list[Note], tick: int) -> int:
    return bisect_left(notes, tick, key=lambda note: note.onset)
