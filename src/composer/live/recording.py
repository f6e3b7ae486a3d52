"""A score made from a journal: what was played and what was answered, on one continuous line of ticks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from composer.live.echo import is_note_off, is_note_on
from composer.live.journal import Entry, read_journal
from composer.music import TICKS_PER_QUARTER, Meter, Note, Part, Score, Tempo

_EARLY = TICKS_PER_QUARTER // 2
"""A note played this shortly before tick 0, in the count-in, is an anticipated downbeat and is kept at 0.

One that is over by then keeps its length: a pad struck on the way into the first bar is a few milliseconds long. An
earlier one is kept where it is held as long into the first bar.
"""

Direction = str
_PROGRAM_CHANGE = 0xC0


def to_score(path: str | os.PathLike[str]) -> Score:
    """Return the score of a journal: a part "Player" for each channel played, one for each channel sent.

    A part of the machine has the name that the journal tells, else "Machine"; where a name is taken already the
    channel's number (from 1) follows it. Notes begun while time stood are left out; notes that
    were not ended stop where the journal does. After a jump back the music goes on at the same place of a later bar.
    OSError when the file cannot be read; a torn last line is read over.
    """
    return score_of(read_journal(path))


def score_of(entries: Iterable[Entry]) -> Score:
    """Return the score of journal entries, as `to_score` does."""
    taker = _Taker()
    for entry in entries:
        taker.take(entry)
    return taker.score()


def so_far(entries: Iterable[Entry], tick: float) -> tuple[Score, int]:
    """Return the score of journal entries while time is at `tick`, and where on the score's line that is.

    What sounds now ends there; after jumps of the host the two places differ.
    """
    taker = _Taker()
    for entry in entries:
        taker.take(entry)
    now = taker.reach(tick)
    return taker.score(), now


@dataclass(slots=True)
class _Line:
    """What one direction and channel did: finished notes, open notes as pitch -> (onset, velocity), the program."""

    notes: list[Note] = field(default_factory=list)
    open: dict[int, tuple[int, int]] = field(default_factory=dict)
    program: int = 0

    def end(self, pitch: int, tick: int) -> None:
        if pitch in self.open:
            onset, velocity = self.open.pop(pitch)
            if onset > -_EARLY or tick > _EARLY:
                begin = max(0, onset)
                length = tick - (begin if tick > begin else onset)
                self.notes.append(Note(begin, pitch, max(1, length), velocity))


class _Taker:
    def __init__(self) -> None:
        self._lines: dict[tuple[Direction, int], _Line] = {}
        self._tempos: dict[int, float] = {}
        self._meters: dict[int, tuple[int, int]] = {}
        self._names: dict[int, str] = {}
        self._shift = 0
        self._end = 0
        self._is_running = False

    def take(self, entry: Entry) -> None:
        if "running" in entry:
            self._transport(entry)
        elif "locate" in entry:
            self._jump(round(entry["locate"]), round(entry["tick"]))
        elif "parts" in entry:
            for name, channel, program in entry["parts"]:
                self._names[channel] = name
                self._line("out", channel).program = program
        elif not entry.get("echo"):
            for direction in ("in", "out"):
                if direction in entry:
                    self._message(direction, bytes(entry[direction]), self._tick(entry))

    def reach(self, tick: float) -> int:
        return self._tick({"tick": tick})

    def score(self) -> Score:
        for line in self._lines.values():
            for pitch in list(line.open):
                line.end(pitch, self._end)
        tempos = tuple(Tempo(tick, qpm) for tick, qpm in self._tempos.items())
        return Score(tuple(self._parts()), tempos, tuple(Meter(tick, *meter) for tick, meter in self._meters.items()))

    def _tick(self, entry: Entry) -> int:
        tick = round(float(entry["tick"])) + self._shift
        self._end = max(self._end, tick)
        return tick

    def _transport(self, entry: Entry) -> None:
        self._is_running = entry["running"]
        tick = max(0, self._tick(entry))
        _change(self._tempos, tick, float(entry["tempo"]))
        _change(self._meters, tick, (entry["meter"][0], entry["meter"][1]))

    def _jump(self, left: int, arrived: int) -> None:
        if not any(line.notes or line.open for line in self._lines.values()):
            return
        numerator, denominator = next(reversed(self._meters.values()), (4, 4))
        bar = Meter(0, numerator, denominator).bar
        back = left + self._shift - (arrived + self._shift)
        if back > 0:
            self._shift += -(-back // bar) * bar

    def _message(self, direction: Direction, data: bytes, tick: int) -> None:
        if not data or data[0] >= 0xF0:
            return
        line = self._line(direction, data[0] & 0x0F)
        if is_note_on(data):
            line.end(data[1], tick)
            if self._is_running:
                line.open[data[1]] = (tick, data[2])
        elif is_note_off(data):
            line.end(data[1], tick)
        elif data[0] & 0xF0 == _PROGRAM_CHANGE and len(data) == 2:
            line.program = data[1]

    def _parts(self) -> Iterator[Part]:
        taken: set[str] = set()
        # Sorting keeps the order in which the channels of each direction began.
        for (direction, channel), line in sorted(self._lines.items(), key=lambda item: item[0][0]):
            name = "Player" if direction == "in" else self._names.get(channel, "Machine")
            if line.notes:
                name = f"{name} {channel + 1}" if name in taken else name
                taken.add(name)
                yield Part(name, tuple(sorted(line.notes)), channel, line.program)

    def _line(self, direction: Direction, channel: int) -> _Line:
        return self._lines.setdefault((direction, channel), _Line())


V = TypeVar("V")


def _change(table: dict[int, V], tick: int, value: V) -> None:
    """Enter `value` at `tick` unless it is in force already."""
    if next(reversed(table.values()), None) != value:
        table[tick] = value
