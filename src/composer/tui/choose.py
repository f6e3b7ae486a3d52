"""The list of generators to choose from."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from composer.folders import model_folder
from composer.generators import GENERATORS
from composer.generators.base import Info

ERAS = tuple(sorted(GENERATORS.values(), key=lambda info: info.year))
"""The generators from the oldest to the newest."""
_OPEN = "-open"
_WIDEST, _FRAME = 110, 15
"""Cells that the dialog takes at most, and those of them and beside it that no text of an option may use."""


class GeneratorList(Vertical):
    """Let the user choose a generator; hidden until it is opened, and when it is left.

    It lies on the screen it is mounted on, which goes on beneath: a screen of its own would be laid out and painted
    several times before it is seen, with the music drawn through it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,g,c", "leave", "Back", tooltip="Leave the generator as it is"),
        Binding("space", "take", "Choose", show=False, tooltip="Play with the generator under the bar"),
        *(Binding(str(n), f"choose({n})", "Era", show=False, tooltip=f"Play with generator {n}") for n in range(1, 10)),
    ]

    def __init__(self) -> None:
        super().__init__(id="choose")
        self.border_subtitle = "enter: play from the next bar · escape: back"
        self._room = 0
        self._missing: set[str] = set()
        self._chosen: Callable[[str], object] = str
        self._before: Widget | None = None

    def compose(self) -> ComposeResult:
        """Make one option a generator: its number, year, name and author, and what it does."""
        yield OptionList(*(Option("", id=info.name) for info in ERAS))

    def on_mount(self) -> None:
        """Write the lines, as long as there is room."""
        self._write()

    def open(self, current: str, chosen: Callable[[str], object], title: str = "Generator") -> None:
        """Show the list, at the generator called `current`; `chosen` is called with the name of another one."""
        if self.has_class(_OPEN):
            return
        self.border_title, self._chosen, self._before = title, chosen, self.screen.focused
        options, names = self.query_one(OptionList), [info.name for info in ERAS]
        if self._room != self._width():
            self._write()
        options.highlighted = names.index(current) if current in names else 0
        self.add_class(_OPEN)
        options.focus()
        self.run_worker(self._mark_missing())

    def _width(self) -> int:
        return min(self.app.size.width, _WIDEST) - _FRAME

    def _write(self) -> None:
        self._room = self._width()
        for number, info in enumerate(ERAS, 1):
            line = self._line(number, info, info.name in self._missing)
            self.query_one(OptionList).replace_option_prompt(info.name, line)

    async def _mark_missing(self) -> None:
        # Looking for folders is the disk's business and not the interface's.
        missing = await asyncio.to_thread(without_weights, ERAS)
        if missing != self._missing:
            self._missing = missing
            self._write()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the chosen name."""
        event.stop()
        self._take(str(event.option_id))

    def action_choose(self, number: int) -> None:
        """Take a generator by its number in the list."""
        if number <= len(ERAS):
            self._take(ERAS[number - 1].name)

    def action_take(self) -> None:
        """Take the generator under the bar."""
        self.query_one(OptionList).action_select()

    def action_leave(self) -> None:
        """Take none."""
        self.screen.set_focus(self._before)
        self.remove_class(_OPEN)

    def _take(self, name: str) -> None:
        self.action_leave()
        self._chosen(name)

    def _line(self, number: int, info: Info, is_missing: bool) -> Content:
        missing = "[$text-warning]its weights are missing: composer models download[/]" if is_missing else "$summary"
        return Content.from_markup(
            f"$number  $year  [b]$name[/]  [dim]$authors[/]\n   {missing}",
            number=number,
            name=info.name,
            year=info.year,
            authors=info.authors,
            summary=in_short(info.summary, self._room),
        )


async def offer(screen: Screen[Any], current: str, chosen: Callable[[str], object], title: str = "Generator") -> None:
    """Open the list on a screen, which gets one when it has none yet; see `GeneratorList.open`."""
    if not screen.query(GeneratorList):
        await screen.mount(GeneratorList())
    screen.query_one(GeneratorList).open(current, chosen, title)


def in_short(summary: str, room: int) -> str:
    """Return as many whole clauses of a summary's first sentence as fit `room` cells, at least one."""
    sentence = summary.partition(". ")[0].rstrip(".")
    clauses = [sentence[: mark.start()] for mark in re.finditer("[,;:] ", sentence)] + [sentence]
    return next((text for text in reversed(clauses) if len(text) <= room), clauses[0])


def without_weights(infos: Iterable[Info]) -> set[str]:
    """Return the names of the generators whose weights are not on this machine; looks at the disk."""
    return {info.name for info in infos if info.weights is not None and model_folder(info.weights) is None}
