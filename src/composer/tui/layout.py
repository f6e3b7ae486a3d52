"""Where notes fall on a grid of character cells: pure functions from ticks and pitches to text.

A cell holds two half columns of time and two half rows of pitch. Three textures tell notes apart without colour: the
player's are dense dots, the machine's committed ones are solid, and those it only intends are outlines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from composer.music import TICKS_PER_QUARTER, Meter, Note

LABEL_WIDTH = 4
"""Columns that the names of the pitches take at the left of the grid."""
PITCHES_PER_ROW = (1, 2, 4, 6, 12)
"""The vertical zooms. All divide the octave, so that every C is the lowest pitch of its row."""
_MIDDLE = 62
Meters = tuple[Meter, ...]
"""Every meter since the beginning, the first at tick 0."""


class Kind(IntEnum):
    """Name what a cell shows; where two kinds of notes share one the larger is drawn."""

    EMPTY = 0
    GUIDE = 1
    BAR = 2
    NOW = 3
    INTENDED = 4
    COMMITTED = 5
    PLAYER = 6
    SOUNDING = 7


class Row(NamedTuple):
    """Hold a row of the grid: its text, and the `Kind` of every cell, a byte each."""

    text: str
    kinds: bytes


@dataclass(frozen=True, slots=True)
class Fit:
    """Hold the register shown: the lowest pitch, and how many pitches share a row (one of PITCHES_PER_ROW)."""

    low: int
    per_row: int = 1


@dataclass(frozen=True, slots=True)
class View:
    """Hold which ticks and pitches the grid shows.

    `width` and `height` are cells; `ticks` is the length of half a column; `now` is the column of the line called now;
    `origin` is the number of half columns between tick 0 and the left edge, negative when the edge is before tick 0.
    """

    width: int
    height: int
    now: int
    ticks: int
    origin: int
    fit: Fit

    def half(self, tick: float) -> int:
        """Return the half column of `tick`, 0 at the left edge."""
        return int(tick // self.ticks) - self.origin

    def column(self, tick: float) -> int:
        """Return the column of `tick`, 0 at the left edge."""
        return self.half(tick) // 2

    @property
    def start(self) -> int:
        """Return the tick at the left edge, which may be negative."""
        return self.origin * self.ticks

    @property
    def end(self) -> int:
        """Return the tick at the right edge."""
        return (self.origin + 2 * self.width) * self.ticks

    def row(self, pitch: int) -> int:
        """Return the row of `pitch`, 0 at the top; outside 0..height-1 when it is not shown."""
        return self.height - 1 - (pitch - self.fit.low) // self.fit.per_row


def view(tick: float, width: int, height: int, fit: Fit, first: int | None = None) -> View:
    """Return the view of a grid whose now line is at `tick`, three fifths from the left.

    Nothing before the tick `first` is shown, if there is one: so long the line wanders and the notes stand still.
    """
    ticks = TICKS_PER_QUARTER // (16 if width >= 140 else 8)
    now, here = width * 3 // 5, int(tick // ticks)
    origin = here - 2 * now
    if first is not None and origin < first // ticks:
        origin = first // ticks
        now = max(0, (here - origin) // 2)
    return View(width, height, now, ticks, origin, fit)


def fit(previous: Fit | None, pitches: Iterable[int], rows: int) -> Fit:
    """Return the register that shows every pitch on `rows` rows, the previous one as long as it will do."""
    shown = sorted(set(pitches))
    if not shown:
        return previous or _around(_MIDDLE, _MIDDLE, 1 if rows >= 36 else 2, rows)
    low, high = shown[0], shown[-1]
    if previous is not None and previous.low <= low and high < previous.low + rows * previous.per_row:
        # A finer zoom must have room to spare, or one outer note would make the picture jump back and forth.
        tighter = _zoom(low - 4, high + 4, rows)
        if tighter >= previous.per_row:
            return previous
    return _around(low, high, _zoom(low - 1, high + 1, rows), rows)


def _zoom(low: int, high: int, rows: int) -> int:
    # Up to per_row - 1 pitches are lost where the lowest row is aligned.
    return next((n for n in PITCHES_PER_ROW if rows * n >= high - low + n), PITCHES_PER_ROW[-1])


def _around(low: int, high: int, per_row: int, rows: int) -> Fit:
    size = rows * per_row
    lowest = max(0, min((low + high + 1) // 2 - size // 2, 128 - size))
    lowest -= lowest % per_row
    return Fit(lowest if high < lowest + size else lowest + per_row, per_row)


def layout(
    view: View, meters: Meters, player: Iterable[Note], committed: Iterable[Note], intended: Iterable[Note]
) -> list[Row]:
    """Return the rows of the grid from the top, each as wide as the view."""
    octaves = {view.row(pitch) for pitch in range(0, 128, 12)}
    plain, guided = _grounds(view, meters)
    drawn: dict[int, tuple[list[str], bytearray]] = {}
    for kind, notes in ((Kind.INTENDED, intended), (Kind.COMMITTED, committed), (Kind.PLAYER, player)):
        for note in notes:
            y, first, last = view.row(note.pitch), *_halves(view, note)
            if 0 <= y < view.height and last >= 0 and first < 2 * view.width:
                if y not in drawn:
                    ground = guided if y in octaves else plain
                    drawn[y] = list(ground.text), bytearray(ground.kinds)
                _draw(*drawn[y], kind, first, _stroke(kind, _quarters(view.fit, note.pitch), first & 1, last - first))
    for _, kinds in drawn.values():
        if kinds[view.now] >= Kind.INTENDED:
            kinds[view.now] = Kind.SOUNDING
    rows = {y: Row("".join(text), bytes(kinds)) for y, (text, kinds) in drawn.items()}
    return [rows.get(y, guided if y in octaves else plain) for y in range(view.height)]


def _grounds(view: View, meters: Meters) -> tuple[Row, Row]:
    """Return what a row shows where there are no notes: bar lines and the line called now, without and with beats."""
    lines = {column: ("│", Kind.BAR) for _, column in bar_lines(view, meters)}
    lines[view.now] = ("┃", Kind.NOW)
    beats = {view.column(tick): ("·", Kind.GUIDE) for tick in _ticks(view, meters, attrgetter("beat"))}
    return _ground(view, lines), _ground(view, beats | lines)


def _ground(view: View, marks: dict[int, tuple[str, Kind]]) -> Row:
    text, kinds = zip(*(marks.get(column, (" ", Kind.EMPTY)) for column in range(view.width)), strict=True)
    return Row("".join(text), bytes(kinds))


def bar_lines(view: View, meters: Meters) -> list[tuple[int, int]]:
    """Return the bars that begin inside the view as (number counted from 1, column)."""
    return [(position(tick, meters)[0], view.column(tick)) for tick in _ticks(view, meters, attrgetter("bar"))]


def position(tick: float, meters: Meters) -> tuple[int, int]:
    """Return bar and beat at `tick`, both counted from 1; before the beginning the bar is 0 or negative."""
    bars = sum(-(-(end.tick - meter.tick) // meter.bar) for meter, end in pairwise(meters) if end.tick <= tick)
    meter = next((meter for meter in reversed(meters) if meter.tick <= tick), meters[0])
    bar, inside = divmod(int(tick // 1) - meter.tick, meter.bar)
    return bars + bar + 1, inside // meter.beat + 1


def _ticks(view: View, meters: Meters, unit: Callable[[Meter], int]) -> Iterator[int]:
    """Yield where a unit of the meter in force, its bar or its beat, begins inside the view."""
    for meter, end in zip(meters, (*(following.tick for following in meters[1:]), view.end), strict=True):
        first = max(0, -(-(view.start - meter.tick) // unit(meter)))
        yield from range(meter.tick + first * unit(meter), min(end, view.end), unit(meter))


def labels(view: View) -> list[str]:
    """Return the name of the C of every row that has one, LABEL_WIDTH columns wide."""
    names = {view.row(pitch): f"C{pitch // 12 - 1}" for pitch in range(0, 128, 12)}
    return [names.get(row, "").rjust(LABEL_WIDTH - 1) + " " for row in range(view.height)]


def is_black_key(view: View, row: int) -> bool:
    """Return whether the row is one black key of the piano."""
    pitch = view.fit.low + (view.height - 1 - row)
    return view.fit.per_row == 1 and pitch % 12 in (1, 3, 6, 8, 10)


def ruler(view: View, marks: Sequence[tuple[int, str]]) -> str:
    """Return one line with each text beginning at its column; a text that would touch the one before it is left out.

    A text whose column is left of the edge begins at the edge, as what is in force there; only the last such one does.
    """
    before = [text for column, text in marks if column < 0]
    shown = [(column, text) for column, text in marks if 0 <= column < view.width]
    line = ""
    for column, text in ([(0, before[-1])] if before else []) + shown:
        if not line or column > len(line):
            line = line.ljust(column) + text
    return line[: view.width].ljust(view.width)


def _halves(view: View, note: Note) -> tuple[int, int]:
    """Return the first and last half column of a note; what is outside the view is cut to a cell."""
    first = view.half(note.onset)
    # The last half column stays free, so that a repeated note is seen to begin again.
    last = max(first, view.half(note.end) - 2)
    return max(first, -2 + (first & 1)), min(last, 2 * view.width + (last & 1))


def _quarters(fit: Fit, pitch: int) -> int:
    """Return the quarters of a cell's left half that a note of `pitch` fills: one pitch a row fills both rows."""
    is_upper = (pitch - fit.low) % fit.per_row * 2 >= fit.per_row
    return 5 if fit.per_row == 1 else 1 if is_upper else 4


# Kept, because the same notes are drawn in every frame, and only move.
@lru_cache(maxsize=4096)
def _stroke(kind: Kind, quarters: int, first: int, halves: int) -> str:
    """Return the cells of a note: from half column `first`, which is 0 or 1, to the one `halves` later."""
    last = first + halves
    cells = []
    for column in range(last // 2 + 1):
        inside = [half for half in (0, 1) if first <= 2 * column + half <= last]
        body = sum(quarters << half for half in inside)
        ends = sum(quarters << half for half in inside if 2 * column + half in (first, last))
        cells.append(glyph(kind, body, ends))
    return "".join(cells)


def _draw(text: list[str], kinds: bytearray, kind: Kind, first: int, stroke: str) -> None:
    """Draw a note over what a row shows; in a cell it shares with a note of its kind both are seen."""
    column = first // 2
    begin, end = max(column, 0), min(column + len(stroke), len(text))
    stroke = stroke[begin - column : end - column]
    if kind in kinds[begin:end]:
        below = zip(text[begin:end], kinds[begin:end], stroke, strict=True)
        stroke = "".join(_joined(kind, old, new) if its == kind else new for old, its, new in below)
    text[begin:end] = stroke
    kinds[begin:end] = bytes((kind,)) * len(stroke)


def _joined(kind: Kind, one: str, other: str) -> str:
    """Return the glyph that shows what two glyphs of a kind do."""
    if kind is Kind.COMMITTED:
        return _BLOCKS[_BLOCKS.index(one) | _BLOCKS.index(other)]
    return chr(ord(one) | ord(other))


_BLOCKS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
_DENSE = (0x03, 0x18, 0x44, 0xA0)
_EDGE = (0x01, 0x08, 0x40, 0x80)


def glyph(kind: Kind, body: int, ends: int) -> str:
    """Return the character that fills the quarters `body` of a cell as `kind` does; `ends` close an outline."""
    if kind is Kind.COMMITTED:
        return _BLOCKS[body]
    dots = 0
    for quarter in range(4):
        if body >> quarter & 1:
            closed = kind is Kind.PLAYER or ends >> quarter & 1
            dots |= _DENSE[quarter] if closed else _EDGE[quarter]
    return chr(0x2800 + dots)
