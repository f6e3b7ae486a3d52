"""The list of controls beside the roll: what can be set now, changed by keys, by the mouse, and by learned MIDI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.strip import Strip
from textual.widget import Widget

from composer.tui.controls import SWITCH, Control
from composer.tui.messages import ControlMoved, LearnAsked

_NAME, _BAR, _VALUE = 19, 7, 8
_HELP_LINES = 3
COARSE = 5
"""Steps of a coarse move."""


class Group(NamedTuple):
    """Hold controls under a title, and what to say below them, such as which ones there are not."""

    title: str
    controls: tuple[Control, ...]
    note: str = ""


class _Note(str):
    """Be what is said below a group."""


_Row = Control | str


class ControlPanel(Widget, can_focus=True):
    """Show groups of controls; what the user does with them is posted, and shown when it has been done."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "control--title",
        "control--name",
        "control--bar",
        "control--chosen",
        "control--help",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "Up", show=False, tooltip="The control above"),
        Binding("down", "choose(1)", "Down", show=False, tooltip="The control below"),
        Binding("pagedown", "leap(1)", "Group", show=False, tooltip="The first control of the next group"),
        Binding("pageup", "leap(-1)", "Group", show=False, tooltip="The first control of the group before"),
        Binding("right,plus,equals_sign", "move(1)", "More", key_display="+", tooltip="One step more"),
        Binding("left,minus", "move(-1)", "Less", key_display="-", tooltip="One step less"),
        Binding("shift+right,greater_than_sign", f"move({COARSE})", "More", show=False, tooltip="Five steps more"),
        Binding("shift+left,less_than_sign", f"move(-{COARSE})", "Less", show=False, tooltip="Five steps less"),
        Binding("backspace,delete", "reset", "Default", key_display="⌫", tooltip="Back to the default"),
        Binding("l", "learn", "Learn", tooltip="Bind this control to the next MIDI control, note or program you move"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Controls"
        self._groups: tuple[Group, ...] = ()
        self._values: Mapping[str, str] = {}
        self._bound: Mapping[str, str] = {}
        self._rows: list[_Row] = []
        self._chosen = ""
        self._top = 0
        self._drawn: object = None

    @property
    def chosen(self) -> Control | None:
        """Return the control that keys change."""
        return next((row for row in self._rows if isinstance(row, Control) and row.name == self._chosen), None)

    def show(self, groups: Sequence[Group], values: Mapping[str, str], bound: Mapping[str, str]) -> None:
        """Show `groups` with their values, and the MIDI messages bound to them, both by the controls' names."""
        drawn = (tuple(groups), dict(values), dict(bound))
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self._groups, self._values, self._bound = drawn
        self._rows = [row for group in groups for row in _rows(group) if row]
        if self.chosen is None:
            self._chosen = next((row.name for row in self._rows if isinstance(row, Control)), "")
        self._follow()

    def action_choose(self, steps: int) -> None:
        """Choose another control."""
        names = [row.name for row in self._rows if isinstance(row, Control)]
        if names:
            place = names.index(self._chosen) + steps
            self._chosen = names[max(0, min(place, len(names) - 1))]
            self._follow()

    def action_leap(self, steps: int) -> None:
        """Choose the first control of another group."""
        firsts = [group.controls[0].name for group in self._groups if group.controls]
        here = next((n for n, group in enumerate(self._groups) if self.chosen in group.controls), 0)
        if firsts:
            self._chosen = firsts[max(0, min(here + steps, len(firsts) - 1))]
            self._follow()

    def action_move(self, steps: int) -> None:
        """Change the chosen control by steps."""
        if (control := self.chosen) is not None:
            self._post(control, control.moved(self._value(control), steps))

    def action_reset(self) -> None:
        """Put the chosen control back."""
        if (control := self.chosen) is not None:
            self._post(control, control.default)

    def action_learn(self) -> None:
        """Ask for the chosen control to be bound."""
        if (control := self.chosen) is not None:
            self.post_message(LearnAsked(f"set {control.name}"))

    def on_click(self, event: Click) -> None:
        """Choose the row; a click on its bar or value changes it."""
        place = event.get_content_offset_capture(self)
        row = self._row_at(place.y)
        if not isinstance(row, Control):
            return
        self._chosen = row.name
        column = place.x - 1 - _NAME
        if row.options and column >= 0:
            self._post(row, row.moved(self._value(row), 1))
        elif 0 <= column < _BAR:
            self._post(row, row.at(column / (_BAR - 1)))
        self._follow()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Choose the next control."""
        self.action_choose(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Choose the control before."""
        self.action_choose(-1)

    def on_resize(self) -> None:
        """Keep the chosen control in sight."""
        self._follow()

    def on_focus(self) -> None:
        """Show which control keys change."""
        self.refresh()

    def on_blur(self) -> None:
        """Show that keys change none."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return line `y`: a row of the list, or of the help below it."""
        width = self.size.width
        row = self._row_at(y)
        if row is None:
            lines = self._help(width)
            place = y - (self.size.height - _HELP_LINES)
            text = lines[place] if 0 <= place < len(lines) else ""
            return _line([(f" {text}", self._style("help"))], width)
        if isinstance(row, str):
            return _line([(f" {row}", self._style("help" if isinstance(row, _Note) else "title"))], width)
        chosen = row.name == self._chosen
        style = self._style("chosen") if chosen and self.has_focus else self._style("name")
        mark = ">" if chosen else " "
        bar = style if chosen and self.has_focus else self._style("bar")
        mark += f"{row.name.replace('_', ' '):<{_NAME}}"[:_NAME]
        return _line([(mark, style), *((text, bar if is_bar else style) for text, is_bar in self._setting(row))], width)

    def _setting(self, control: Control) -> list[tuple[str, bool]]:
        value = self._value(control)
        bound = " ♪" if control.name in self._bound else ""
        if control.options == SWITCH:
            return [(("[x]" if value == "true" else "[ ]") + bound, False)]
        if control.options:
            return [(f"◂ {value} ▸{bound}", False)]
        halves = round(control.share(value) * _BAR * 2)
        return [
            (("━" * (halves // 2) + "╸" * (halves % 2)).ljust(_BAR, "┈"), True),
            (f"{value:>{_VALUE - 1}}{bound}", False),
        ]

    def _help(self, width: int) -> list[str]:
        if (control := self.chosen) is None:
            return ["nothing can be set here"]
        range_ = "" if control.options else f" ({control.at(0.0)} to {control.at(1.0)})"
        bound = f"♪ {self._bound[control.name]}" if control.name in self._bound else ""
        words = f"{control.help}{range_}".split()
        lines = [""]
        for word in words:
            if len(lines[-1]) + len(word) + 1 > width - 2:
                lines.append("")
            lines[-1] = f"{lines[-1]} {word}".strip()
        return [*lines[: _HELP_LINES - 1], bound] if bound else lines[:_HELP_LINES]

    def _row_at(self, y: int) -> _Row | None:
        place = y + self._top
        inside = 0 <= y < self.size.height - _HELP_LINES
        return self._rows[place] if inside and place < len(self._rows) else None

    def _follow(self) -> None:
        room = max(1, self.size.height - _HELP_LINES)
        place = next(
            (n for n, row in enumerate(self._rows) if not isinstance(row, str) and row.name == self._chosen), 0
        )
        # The title above the first control comes into sight with it.
        first = place - 1 if place and isinstance(self._rows[place - 1], str) else place
        self._top = max(0, min(max(min(self._top, first), place - room + 1), max(0, len(self._rows) - 1)))
        self.refresh()

    def _post(self, control: Control, value: str) -> None:
        self.post_message(ControlMoved(control, value))

    def _value(self, control: Control) -> str:
        return self._values.get(control.name, control.default)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"control--{name}")


def _rows(group: Group) -> tuple[_Row, ...]:
    return (group.title, *group.controls, _Note(group.note))


def _line(parts: list[tuple[str, Style]], width: int) -> Strip:
    strip = Strip([Segment(text, style) for text, style in parts])
    return strip.adjust_cell_length(width, parts[-1][1])
