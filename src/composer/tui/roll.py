"""The moving piano roll: the past left of a fixed line called now, what is planned right of it."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

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
    Run,
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

_RULER = 2
_NAMES = {kind: kind.name.lower() for kind in Kind}


class Roll(Widget):
    """Draw the notes of a snapshot, from tick `first` on if there is one; lines that did not change stay as drawn."""

    COMPONENT_CLASSES = {f"roll--{name}" for name in _NAMES.values()} | {
        "roll--black",
        "roll--label",
        "roll--chord",
        "roll--number",
    }

    def __init__(self, *, id: str | None = None, first: int | None = None) -> None:
        super().__init__(id=id)
        self._first = first
        self._snapshot: Snapshot | None = None
        self._fit: Fit | None = None
        self._drawn: object = None
        self._rows: list[tuple[bool, list[Run]]] = []
        self._head: list[str] = ["", ""]
        self._labels: list[str] = []
        self._styles: dict[bool, dict[Kind, Style]] = {}

    def show(self, snapshot: Snapshot) -> None:
        """Draw `snapshot`; called on the interface's thread."""
        self._snapshot = snapshot
        width, height = self.size.width - LABEL_WIDTH, self.size.height - _RULER
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
        rows = layout(seen, snapshot.meters, *notes)
        changes = [next(same) for _, same in groupby(snapshot.chords, key=itemgetter(1))]
        chords = [(seen.column(tick), symbol) for tick, symbol in changes]
        bars = [(column, str(number)) for number, column in bar_lines(seen, snapshot.meters)]
        head = [ruler(seen, chords), ruler(seen, bars)]
        shaded = [(is_black_key(seen, y), runs) for y, runs in enumerate(rows)]
        before = [*self._head, *zip(self._labels, self._rows, strict=True)]
        self._head, self._rows, self._labels = head, shaded, labels(seen)
        after = [*self._head, *zip(self._labels, self._rows, strict=True)]
        if len(before) != len(after):
            self.refresh()
            return
        changed = [y for y, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def on_resize(self) -> None:
        """Fit the register to the new height."""
        if self._snapshot is not None:
            self._fit = None
            self.show(self._snapshot)

    def notify_style_update(self) -> None:
        """Look the colours up again: the theme may be another one."""
        self._styles = {}
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """Return line `y` of the widget: chord names, bar numbers, then the rows of the grid."""
        if not self._rows or y - _RULER >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        label = self.get_component_rich_style("roll--label")
        if y < _RULER:
            style = self.get_component_rich_style(("roll--chord", "roll--number")[y])
            return Strip([Segment(" " * LABEL_WIDTH, label), Segment(self._head[y], style)])
        black, runs = self._rows[y - _RULER]
        styles = self._styles_on(black)
        segments = [Segment(self._labels[y - _RULER], label), *(Segment(text, styles[kind]) for text, kind in runs)]
        return Strip(segments, self.size.width)

    def _styles_on(self, is_black: bool) -> dict[Kind, Style]:
        """Return the style of every kind of run on a row, of a black key or not."""
        # Kept, because asking the style sheet for every run would be most of the work of a frame.
        if (styles := self._styles.get(is_black)) is None:
            styles = {kind: self.get_component_rich_style(f"roll--{name}") for kind, name in _NAMES.items()}
            if is_black:
                ground = Style(bgcolor=self.get_component_rich_style("roll--black").bgcolor)
                styles = {kind: style if kind is Kind.SOUNDING else style + ground for kind, style in styles.items()}
            self._styles[is_black] = styles
        return styles
