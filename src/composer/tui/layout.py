"""Where notes fall on a grid of character cells: pure functions from ticks and pitches to text.

A cell holds two half columns of time and two half rows of pitch. Three textures tell notes apart without colour: the
player's are dense dots, the machine's committed ones are solid, and those it only intends are outlines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
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
    """Name what a run of cells shows; where two kinds of notes share a cell the larger one is drawn."""

    EMPTY = 0
    GUIDE = 1
    BAR = 2
    NOW = 3
    INTENDED = 4
    COMMITTED = 5
    PLAYER = 6
    SOUNDING = 7


class Run(NamedTuple):
    """Hold neighbouring cells of one kind."""

    text: str
    kind: Kind


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
) -> list[list[Run]]:
    """Return the rows of the grid from the top, each as runs of cells whose texts add up to the view's width."""
    cells: list[dict[int, _Cell]] = [{} for _ in range(view.height)]
    for kind, notes in ((Kind.INTENDED, intended), (Kind.COMMITTED, committed), (Kind.PLAYER, player)):
        for note in notes:
            _draw(view, cells, kind, note)
    lines = {column: Run("│", Kind.BAR) for _, column in bar_lines(view, meters)}
    lines[view.now] = Run("┃", Kind.NOW)
    guides = {view.column(tick): Run("·", Kind.GUIDE) for tick in _ticks(view, meters, attrgetter("beat"))}
    octaves = {view.row(pitch) for pitch in range(0, 128, 12)}
    return [_runs(view, row, {**guides, **lines} if y in octaves else lines) for y, row in enumerate(cells)]


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


@dataclass(slots=True)
class _Cell:
    """Collect the quarters (upper left 1, upper right 2, lower left 4, lower right 8) of a cell's highest kind."""

    kind: Kind
    body: int = 0
    ends: int = 0


def _draw(view: View, cells: list[dict[int, _Cell]], kind: Kind, note: Note) -> None:
    row = view.row(note.pitch)
    first = view.half(note.onset)
    # The last half column stays free, so that a repeated note is seen to begin again.
    last = max(first, view.half(note.end) - 2)
    if not 0 <= row < view.height or last < 0 or first >= 2 * view.width:
        return
    upper = (note.pitch - view.fit.low) % view.fit.per_row * 2 >= view.fit.per_row
    rows = 5 if view.fit.per_row == 1 else 1 if upper else 4
    line = cells[row]
    for half in range(max(first, 0), min(last, 2 * view.width - 1) + 1):
        cell = line.get(half // 2)
        if cell is None or cell.kind < kind:
            cell = line[half // 2] = _Cell(kind)
        quarters = rows << (half & 1)
        cell.body |= quarters
        if half in (first, last):
            cell.ends |= quarters


def _runs(view: View, cells: dict[int, _Cell], lines: dict[int, Run]) -> list[Run]:
    runs: list[Run] = []
    text, kind, column = "", Kind.EMPTY, 0
    for at in sorted({*cells, *(c for c in lines if 0 <= c < view.width)}):
        if (cell := cells.get(at)) is None:
            drawn, its = lines[at]
        else:
            drawn = glyph(cell.kind, cell.body, cell.ends)
            its = Kind.SOUNDING if at == view.now else cell.kind
        if at == column and its is kind:
            text += drawn
        else:
            if text:
                runs.append(Run(text, kind))
            if at > column:
                runs.append(Run(" " * (at - column), Kind.EMPTY))
            text, kind = drawn, its
        column = at + 1
    if text:
        runs.append(Run(text, kind))
    if column < view.width:
        runs.append(Run(" " * (view.width - column), Kind.EMPTY))
    return runs


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
