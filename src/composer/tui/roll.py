"""The moving piano roll: the past left of a fixed line called now, what is planned right of it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from composer.music import Note
from composer.tui.layout import (
    LABEL_WIDTH,
    Fit,
    Kind,
    Row,
    View,
    bar_lines,
    fit,
    is_black_key,
    labels,
    layout,
    ruler,
    view,
)

if TYPE_CHECKING:
    from composer.live.snapshot import Snapshot

_RULERS = ("chord", "number")
_NAMES = [kind.name.lower() for kind in Kind]
_RUNS = re.compile(b"\0*([^\0%c])(?:\\1|\0)*|%c+|\0+" % (Kind.SOUNDING, Kind.SOUNDING))
"""Neighbouring cells of one kind, or empty. Of a space only the ground is seen, which is another one only where a note
sounds: it joins either neighbour, so that fewer colours are sent, which are most of what a terminal has to read."""


class _Line(NamedTuple):
    """Hold a line of the widget; `ground` says which of the styles its cells have."""

    label: str
    ground: str
    row: Row


@lru_cache(maxsize=8)
def _margin(view: View) -> list[tuple[str, str]]:
    """Return label and ground of every row; of the view, only height and register count."""
    return [(label, "black" if is_black_key(view, y) else "white") for y, label in enumerate(labels(view))]


class Roll(Widget):
    """Draw the notes of a snapshot, from tick `first` on if there is one; lines that did not change stay as drawn."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"roll--{name}" for name in (*_NAMES, *_RULERS, "black", "label")}

    def __init__(self, *, id: str | None = None, first: int | None = None) -> None:
        super().__init__(id=id)
        self._first = first
        self._snapshot: Snapshot | None = None
        self._fit: Fit | None = None
        self._drawn: object = None
        self._lines: list[_Line] = []
        self._strips: dict[_Line, Strip] = {}
        self._styles: dict[str, list[Style]] = {}

    def show(self, snapshot: Snapshot) -> None:
        """Draw `snapshot`; called on the interface's thread."""
        self._snapshot = snapshot
        width, height = self.size.width - LABEL_WIDTH, self.size.height - len(_RULERS)
        if width < 1 or height < 1:
            return
        edges = view(snapshot.tick, width, height, self._fit or Fit(0), self._first)
        machine = (
            [part_note.note for part_note in part_notes] for part_notes in (snapshot.committed, snapshot.intended)
        )
        notes = [
            [note for note in kind if note.end > edges.start and note.onset < edges.end]
            for kind in (snapshot.player, *machine)
        ]
        self._fit = fit(self._fit, (note.pitch for kind in notes for note in kind), height)
        seen = view(snapshot.tick, width, height, self._fit, self._first)
        drawn = (seen, snapshot.meters, notes, snapshot.chords)
        if drawn != self._drawn:
            self._drawn = drawn
            self._redraw(seen, snapshot, notes)

    def _redraw(self, seen: View, snapshot: Snapshot, notes: list[list[Note]]) -> None:
        changes = [next(same) for _, same in groupby(snapshot.chords, key=itemgetter(1))]
        chords = [(seen.column(tick), symbol) for tick, symbol in changes]
        bars = [(column, str(number)) for number, column in bar_lines(seen, snapshot.meters)]
        heads = [
            _Line(" " * LABEL_WIDTH, name, Row(ruler(seen, marks), bytes(seen.width)))
            for name, marks in zip(_RULERS, (chords, bars), strict=True)
        ]
        margin = _margin(replace(seen, now=0, origin=0))
        grid = layout(seen, snapshot.meters, *notes)
        rows = [_Line(label, ground, row) for (label, ground), row in zip(margin, grid, strict=True)]
        before, self._lines = self._lines, heads + rows
        self._strips = {line: self._strips[line] for line in self._lines if line in self._strips}
        if len(before) != len(self._lines):
            self.refresh()
            return
        changed = [y for y, (old, new) in enumerate(zip(before, self._lines, strict=True)) if old != new]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def on_resize(self) -> None:
        """Fit the register to the new height."""
        if self._snapshot is not None:
            self._fit = None
            self.show(self._snapshot)

    def notify_style_update(self) -> None:
        """Look the colours up again: the theme may be another one."""
        self._styles, self._strips = {}, {}
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of `crop`: chord names, bar numbers, then the rows of the grid."""
        # Not by way of Widget's, which gives every line the borders and effects that style sheets can ask for: the roll
        # has none, and its lines are others in every frame.
        ground = self._styles_on("white")[Kind.EMPTY]
        return [self._strip(y).crop_extend(crop.x, crop.right, ground) for y in crop.line_range]

    def _strip(self, y: int) -> Strip:
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self._styles_on("white")[Kind.EMPTY])
        line = self._lines[y]
        if (strip := self._strips.get(line)) is None:
            strip = self._strips[line] = self._drawn_line(line)
        return strip

    def _drawn_line(self, line: _Line) -> Strip:
        (text, kinds), styles = line.row, self._styles_on(line.ground)
        segments = [Segment(line.label, self._styles_on("label")[Kind.EMPTY])]
        for run in _RUNS.finditer(kinds):
            kind = run[1][0] if run[1] else kinds[run.start()]
            segments.append(Segment(text[run.start() : run.end()], styles[kind]))
        return Strip(segments, len(line.label) + len(text))

    def _styles_on(self, ground: str) -> list[Style]:
        """Return the style of every kind of run on a ground: "black" and "white" keys; rulers and labels have one."""
        # Kept, because asking the style sheet for every run would be most of the work of a frame.
        if (styles := self._styles.get(ground)) is None:
            names = _NAMES if ground in ("black", "white") else [ground]
            styles = [self._filtered(self.get_component_rich_style(f"roll--{name}")) for name in names]
            if ground == "black":
                key = Style(bgcolor=self._filtered(self.get_component_rich_style("roll--black")).bgcolor)
                styles = [style if kind == Kind.SOUNDING else style + key for kind, style in enumerate(styles)]
            self._styles[ground] = styles
        return styles

    def _filtered(self, style: Style) -> Style:
        """Return a style as the terminal is to show it: without colour, or with colours of the theme."""
        segments = [Segment(" ", style)]
        for line_filter in self.get_line_filters():
            segments = line_filter.apply(segments, self.background_colors[1])
        return segments[0].style or style
