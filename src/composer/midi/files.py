"""Scores from MIDI files and back.

What reading makes of a file: times are rounded to 480 ticks a quarter; each channel of each track that has notes
becomes a part, under a name of its own; equal pitches that overlap on one channel end in the order in which they began;
notes without an end last to the end of their track; a note of no length lasts one tick. Files that count in SMPTE
frames keep their seconds. A score that is written and read again comes back the same but for those rules, and that a
tempo is rounded to the whole microseconds a quarter which the format holds.
"""

from __future__ import annotations

import logging
import os
from bisect import bisect_right
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import NamedTuple

import mido

from composer.errors import FileError
from composer.midi import smf
from composer.midi.stream import NoteTracker, PlayedNote, messages
from composer.music import DRUM_CHANNEL, TICKS_PER_QUARTER, Meter, Note, Part, Score, Tempo

LARGEST_FILE = 64 * 2**20
"""Bytes; the largest collections of piano rolls stay far below."""
LAST_TICK = 0x0FFFFFFF
"""The largest time that one number of the format holds: 155 hours at 60 quarters a minute."""

_TEXT, _NAME, _TEMPO, _METER = 0x01, 0x03, 0x51, 0x58
_PROGRAM = 0xC0
_US_PER_MINUTE = 60_000_000
_SMPTE_FRAMES = {24: 24.0, 25: 25.0, 29: 30_000 / 1001, 30: 30.0}

log = logging.getLogger(__name__)


def read(path: str | os.PathLike[str]) -> Score:
    """Return the score in the MIDI file at `path`; FileError names the file and what is wrong with it.

    A track that was cut off is read up to the cut, with a warning in the log.
    """
    try:
        return _score(load(path))
    except ValueError as error:
        raise FileError(f"{path} {error}") from error


def load(path: str | os.PathLike[str]) -> smf.MidiFile:
    """Return the events of the file at `path` as they are; FileError and warnings as for `read`."""
    file = _parse(path)
    if file.kind == 2:
        raise FileError(f"{path} is a MIDI file of type 2 (separate patterns); save it as type 0 or 1 to use it here")
    for number, track in enumerate(file.tracks, start=1):
        if track.is_cut:
            log.warning("%s is cut off in track %d; what was there is used", path, number)
    return file


def comment(path: str | os.PathLike[str]) -> str | None:
    """Return the text at tick 0 of the first track, None when there is none; FileError as for `read`."""
    for event in _parse(path).tracks[0].events:
        if event.tick == 0 and event.status == smf.META and event.data[0] == _TEXT:
            return _decode(event.data[1:])
    return None


def write(score: Score, path: str | os.PathLike[str], *, comment: str | None = None, force: bool = False) -> None:
    """Write `score` as a MIDI file of type 1 at 480 ticks a quarter, the same bytes every time.

    `comment` becomes a text at tick 0 of the first track. FileError as for `save`.
    """
    if max(score.end, score.tempos[-1].tick, score.meters[-1].tick) > LAST_TICK:
        raise FileError(f"{path} cannot hold a score of {score.end} ticks; a MIDI file ends at {LAST_TICK}")
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    file.tracks = [_conductor(score, comment), *(_part_track(part) for part in score.parts)]
    buffer = BytesIO()
    file.save(file=buffer)
    save(buffer.getvalue(), path, force=force)


def save(data: bytes, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Put `data` at `path`, whole or not at all; an existing file is replaced only with `force`.

    FileError when the file exists, or the folder is missing, full or closed to us.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise FileError(f"{path} is a folder; name a file to write")
    if target.exists() and not force:
        raise FileError(f"{path} exists already; choose another name, or replace it with --force")
    unfinished = target.with_name(f".{target.name[:200]}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror or error}; choose another place") from error
    finally:
        _remove(unfinished)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        log.debug("no unfinished file to remove at %s", path)


def _parse(path: str | os.PathLike[str]) -> smf.MidiFile:
    try:
        size = Path(path).stat().st_size
        if size > LARGEST_FILE:
            raise FileError(f"{path} has {size >> 20} megabytes; MIDI files up to {LARGEST_FILE >> 20} are read")
        file = smf.parse(Path(path).read_bytes())
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise FileError(f"{path} {error}") from error
    if file.kind > 2:
        raise FileError(f"{path} says it is a MIDI file of type {file.kind}; types 0 and 1 are read")
    return file


def _score(file: smf.MidiFile) -> Score:
    events = [event for track in file.tracks for event in track.events]
    tempos: dict[int, float] = {}
    meters: dict[int, tuple[int, int]] = {}
    for tick, status, data in events:
        if status == smf.META and data[0] == _TEMPO and len(data) == 4:
            qpm = _qpm(int.from_bytes(data[1:], "big"))
            if 0 < qpm < 10_000:
                tempos[tick] = qpm
        # A meter that notation has no sign for (a numerator of 0, a denominator beyond 64) says nothing useful.
        elif status == smf.META and data[0] == _METER and len(data) >= 3 and data[1] > 0 and data[2] <= 6:
            meters[tick] = (data[1], 1 << data[2])
    ticks = _scale(file.division, sorted(tempos.items()))
    if max(ticks(track.end) for track in file.tracks) > LAST_TICK:
        raise ValueError(f"lasts longer than {LAST_TICK} ticks; it is damaged")
    return Score(
        tuple(_parts(file, ticks)),
        tuple(Tempo(tick, qpm) for tick, qpm in {ticks(t): qpm for t, qpm in sorted(tempos.items())}.items()),
        tuple(Meter(tick, *meter) for tick, meter in {ticks(t): meter for t, meter in sorted(meters.items())}.items()),
    )


def _qpm(us_per_quarter: int) -> float:
    """Return the shortest number that is written as the same microseconds: 90, not 89.999955."""
    if us_per_quarter == 0:
        return 0.0
    exact = _US_PER_MINUTE / us_per_quarter
    return next(
        (qpm for digits in range(7) if (qpm := round(exact, digits)) and _us_per_quarter(qpm) == us_per_quarter), exact
    )


def _us_per_quarter(qpm: float) -> int:
    return min(0xFFFFFF, max(1, round(_US_PER_MINUTE / qpm)))


def _scale(division: int, tempos: list[tuple[int, float]]) -> Callable[[int], int]:
    """Return the function from the file's ticks to ours."""
    if division > 0:
        return lambda tick: (2 * tick * TICKS_PER_QUARTER + division) // (2 * division)
    frames, per_frame = _SMPTE_FRAMES.get(-(division >> 8)), division & 0xFF
    if frames is None or per_frame == 0:
        raise ValueError(f"counts time in a way that does not exist (division {division & 0xFFFF:#06x})")
    # SMPTE ticks are seconds, so how many of ours they are changes with the tempo.
    starts, origins, rates = [0], [0.0], [120.0 * TICKS_PER_QUARTER / 60 / (frames * per_frame)]
    for tick, qpm in tempos:
        origins.append(origins[-1] + (tick - starts[-1]) * rates[-1])
        starts.append(tick)
        rates.append(qpm * TICKS_PER_QUARTER / 60 / (frames * per_frame))

    def ticks(tick: int) -> int:
        at = bisect_right(starts, tick) - 1
        return int(origins[at] + (tick - starts[at]) * rates[at] + 0.5)

    return ticks


class _Line(NamedTuple):
    """What one channel of one track plays."""

    name: str
    channel: int
    program: int
    notes: tuple[Note, ...]


def _parts(file: smf.MidiFile, ticks: Callable[[int], int]) -> Iterator[Part]:
    anywhere: dict[int, int] = {}
    for track in file.tracks:
        for event in track.events:
            if event.status & 0xF0 == _PROGRAM:
                anywhere.setdefault(event.status & 0x0F, event.data[0])
    taken: set[str] = set()
    for line in (line for track in file.tracks for line in _lines(track, ticks, anywhere)):
        name, numbers = line.name, count(2)
        while name in taken:
            name = f"{line.name} {next(numbers)}"
        taken.add(name)
        yield Part(name, line.notes, line.channel, line.program)


def _lines(track: smf.Track, ticks: Callable[[int], int], anywhere: dict[int, int]) -> Iterator[_Line]:
    tracker = NoteTracker()
    played: list[PlayedNote] = []
    programs: dict[int, int] = {}
    first: dict[int, int] = {}
    title = ""
    for tick, status, data in track.events:
        channel = status & 0x0F
        if status == smf.META:
            title = title or (_decode(data[1:]) if data[0] == _NAME else "")
        elif status & 0xF0 == _PROGRAM and channel not in first:
            programs[channel] = data[0]
        else:
            played += tracker.feed(ticks(tick), (status, *data))
            if status & 0xF0 == 0x90 and data[1] > 0:
                first.setdefault(channel, tick)
    played += tracker.close(ticks(track.end))
    for channel in sorted(first, key=lambda c: (first[c], c)):
        program = programs.get(channel, anywhere.get(channel, 0))
        notes = (
            Note(int(n.onset), n.pitch, max(1, int(n.duration)), n.velocity) for n in played if n.channel == channel
        )
        # The title of a track with several channels names the piece, not a player.
        name = title if title and len(first) == 1 else _instrument(channel, program)
        yield _Line(name, channel, program, tuple(sorted(notes)))


def _instrument(channel: int, program: int) -> str:
    if channel == DRUM_CHANNEL:
        return "Drums"
    import pretty_midi

    return str(pretty_midi.program_to_instrument_name(program))


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\0", "").strip()


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _conductor(score: Score, comment: str | None) -> mido.MidiTrack:
    changes: list[tuple[int, mido.MetaMessage]] = []
    if comment is not None:
        changes.append((0, mido.MetaMessage("text", text=_encodable(comment))))
    changes += [(t.tick, mido.MetaMessage("set_tempo", tempo=_us_per_quarter(t.qpm))) for t in score.tempos]
    changes += [
        (m.tick, mido.MetaMessage("time_signature", numerator=m.numerator, denominator=m.denominator))
        for m in score.meters
    ]
    return _track(sorted(changes, key=lambda change: change[0]))


def _part_track(part: Part) -> mido.MidiTrack:
    notes = [PlayedNote(n.onset, n.duration, n.pitch, n.velocity, part.channel) for n in part.notes]
    return _track(
        [
            (0, mido.MetaMessage("track_name", name=_encodable(part.name))),
            (0, mido.Message("program_change", channel=part.channel, program=part.program)),
            *((int(tick), mido.Message.from_bytes(data)) for tick, data in messages(notes)),
        ]
    )


def _track(timed: list[tuple[int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
    before = 0
    track = mido.MidiTrack()
    for tick, message in timed:
        track.append(message.copy(time=tick - before))
        before = tick
    return track
