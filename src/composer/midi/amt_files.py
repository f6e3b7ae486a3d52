"""MIDI files as the Anticipatory Music Transformer reads and writes them: messages in seconds, tracks in ticks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from io import BytesIO

import mido

from composer.errors import FileError
from composer.midi import smf
from composer.midi.files import LAST_TICK, load, save

TICKS_PER_QUARTER = 50
"""So that a tick at 120 quarters a minute is 10 ms."""
_TEMPO = 0x51
_US_PER_QUARTER = 500_000


def messages(path: str | os.PathLike[str]) -> list[tuple[float, tuple[int, ...]]]:
    """Return the channel messages of a file as (seconds, bytes), in the order and with the rounding of mido's playback.

    FileError names the file and what is wrong with it.
    """
    file = load(path)
    if file.division <= 0:
        raise FileError(
            f"{path} counts time in SMPTE frames, which this vocabulary was not made from; save it in quarters"
        )
    return list(_timed(file))


def _timed(file: smf.MidiFile) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Merge the tracks by tick, a tie in the order of the tracks, and add up seconds message by message.

    Sums of many short times round differently from one long one, so every message counts.
    """
    merged = sorted((event for track in file.tracks for event in track.events), key=lambda event: event.tick)
    seconds, before, tempo = 0.0, 0, _US_PER_QUARTER
    for tick, status, data in merged:
        if status == smf.META and data[0] == smf.END_OF_TRACK:
            continue
        if tick > before:
            seconds += (tick - before) * (tempo * 1e-6 / file.division)
            before = tick
        if status == smf.META:
            if data[0] == _TEMPO and len(data) == 4:
                tempo = int.from_bytes(data[1:], "big")
        elif status < 0xF0:
            yield seconds, (status, *data)


def write(
    tracks: Sequence[Sequence[tuple[int, tuple[int, ...]]]], path: str | os.PathLike[str], *, force: bool = False
) -> None:
    """Write tracks of (tick, bytes), sorted, at 100 ticks a second; FileError as for files.save."""
    end = max((track[-1][0] for track in tracks if track), default=0)
    if end > LAST_TICK:
        raise FileError(f"{path} cannot hold {end} ticks; a MIDI file ends at {LAST_TICK}")
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER)
    for track in tracks:
        line, before = mido.MidiTrack(), 0
        for tick, data in track:
            line.append(mido.Message.from_bytes(data, time=tick - before))
            before = tick
        file.tracks.append(line)
    buffer = BytesIO()
    file.save(file=buffer)
    save(buffer.getvalue(), path, force=force)
