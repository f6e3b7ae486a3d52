"""The events of a Standard MIDI File, read so that the oddities of real files do not matter.

mido reads strictly: one wrong key signature, an unknown chunk or padding after the last event loses the whole file.
Here foreign chunks, padding and the contents of metas nobody asks for are passed over, and a track that was cut off
is read up to the cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

META, END_OF_TRACK = 0xFF, 0x2F
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}


class Event(NamedTuple):
    """Hold a channel message or a meta event: the tick of the file, the status, and the bytes after it.

    The status of a meta event is 0xFF and its data begins with the meta's type; a system exclusive keeps no data.
    """

    tick: int
    status: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Track:
    """Hold a track's events in order; `end` is the tick of the last one."""

    events: tuple[Event, ...]
    end: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class MidiFile:
    """Hold a file's kind (0, 1, 2), its division as written (negative: SMPTE) and its tracks."""

    kind: int
    division: int
    tracks: tuple[Track, ...]


class _CutOff(Exception):
    """Say that the data ended inside an event."""


class _Bytes:
    def __init__(self, data: bytes, base: int) -> None:
        self.data, self.position, self.base = data, 0, base

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        taken = self.data[self.position : self.position + count]
        if len(taken) < count:
            raise _CutOff
        self.position += count
        return taken

    def number(self) -> int:
        value = 0
        for _ in range(4):
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise ValueError(f"has a number of more than four bytes at byte {self.base + self.position}")


def parse(data: bytes) -> MidiFile:
    """Return the events of the file `data`; ValueError says what is wrong with it, as a verb phrase."""
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        data = data[max(0, data.find(b"MThd")) :]
    if not data:
        raise ValueError("is empty")
    if data[:4] != b"MThd":
        raise ValueError("is not a MIDI file: it does not begin with MThd")
    size = int.from_bytes(data[4:8], "big")
    if len(data) < 14 or size < 6:
        raise ValueError("ends inside its header")
    kind = int.from_bytes(data[8:10], "big")
    division = int.from_bytes(data[12:14], "big", signed=True)
    return MidiFile(kind, division, tuple(_tracks(data, 8 + size)))


def _tracks(data: bytes, position: int) -> list[Track]:
    tracks = []
    while position + 8 <= len(data):
        name, size = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "big")
        if name == b"MTrk":
            tracks.append(_track(_Bytes(data[position + 8 : position + 8 + size], position + 8)))
        position += 8 + size
    if not tracks:
        raise ValueError("has no tracks")
    return tracks


def _track(source: _Bytes) -> Track:
    events: list[Event] = []
    tick, running = 0, 0
    try:
        while source.position < len(source.data):
            delta = source.number()
            status = source.byte()
            if status < 0x80:
                source.position -= 1
                status = running
            event = _event(source, tick + delta, status)
            tick += delta
            if status < 0xF0:
                running = status
            events.append(event)
            if event.status == META and event.data[0] == END_OF_TRACK:
                return Track(tuple(events), tick, is_cut=False)
    except _CutOff:
        return Track(tuple(events), tick, is_cut=True)
    return Track(tuple(events), tick, is_cut=False)


def _event(source: _Bytes, tick: int, status: int) -> Event:
    if status == META:
        kind = source.take(1)
        return Event(tick, META, kind + source.take(source.number()))
    if status in (0xF0, 0xF7):
        source.take(source.number())
        return Event(tick, status, b"")
    if status & 0xF0 not in _DATA_BYTES:
        raise ValueError(f"has no event at byte {source.base + source.position} where one must begin")
    data = source.take(_DATA_BYTES[status & 0xF0])
    if max(data) > 0x7F:
        raise ValueError(f"has a data byte above 127 at byte {source.base + source.position - 1}")
    return Event(tick, status, data)
