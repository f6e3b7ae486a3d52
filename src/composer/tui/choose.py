"""The list of generators to choose from."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from composer.folders import model_folder
from composer.generators import GENERATORS
from composer.generators.base import Info
from composer.tui.fitting import Fitting

ERAS = tuple(sorted(GENERATORS.values(), key=lambda info: info.year))
"""The generators from the oldest to the newest."""
_WIDEST, _FRAME = 110, 15
"""Cells that the dialog takes at most, and those of them and beside it that no text of an option may use."""


class GeneratorList(Fitting, ModalScreen[str | None]):
    """Let the user choose a generator; dismissed with its name, or None when the user thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,g,c", "dismiss(None)", "Back", tooltip="Leave the generator as it is"),
        *(Binding(str(n), f"choose({n})", "Era", show=False, tooltip=f"Play with generator {n}") for n in range(1, 10)),
    ]

    def __init__(self, infos: Iterable[Info], current: str, title: str = "Generator") -> None:
        super().__init__()
        self._title = title
        self._infos = tuple(infos)
        self._current = current

    def compose(self) -> ComposeResult:
        """Make one option a generator: its number, year, name and author, and what it does."""
        self._room = min(self.app.size.width, _WIDEST) - _FRAME
        with Vertical(id="choose") as box:
            box.border_title = self._title
            box.border_subtitle = "enter: play from the next bar · escape: back"
            yield OptionList(*(Option(self._line(n, info), id=info.name) for n, info in enumerate(self._infos, 1)))

    def on_mount(self) -> None:
        """Begin at the generator that plays."""
        names = [info.name for info in self._infos]
        self.query_one(OptionList).highlighted = names.index(self._current) if self._current in names else 0
        self.run_worker(self._mark_missing())

    async def _mark_missing(self) -> None:
        # Looking for folders is the disk's business and not the interface's.
        missing = await asyncio.to_thread(without_weights, self._infos)
        for number, info in enumerate(self._infos, 1):
            if info.name in missing:
                self.query_one(OptionList).replace_option_prompt(info.name, self._line(number, info, is_missing=True))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the chosen name."""
        self.dismiss(event.option_id)

    def action_choose(self, number: int) -> None:
        """Return the name of a generator by its number in the list."""
        if number <= len(self._infos):
            self.dismiss(self._infos[number - 1].name)

    def _line(self, number: int, info: Info, is_missing: bool = False) -> Content:
        missing = "[$text-warning]its weights are missing: composer models download[/]" if is_missing else "$summary"
        return Content.from_markup(
            f"$number  $year  [b]$name[/]  [dim]$authors[/]\n   {missing}",
            number=number,
            name=info.name,
            year=info.year,
            authors=info.authors,
            summary=in_short(info.summary, self._room),
        )


def in_short(summary: str, room: int) -> str:
    """Return as many whole clauses of a summary's first sentence as fit `room` cells, at least one."""
    sentence = summary.partition(". ")[0].rstrip(".")
    clauses = [sentence[: mark.start()] for mark in re.finditer("[,;:] ", sentence)] + [sentence]
    return next((text for text in reversed(clauses) if len(text) <= room), clauses[0])


def without_weights(infos: Iterable[Info]) -> set[str]:
    """Return the names of the generators whose weights are not on this machine; looks at the disk."""
    return {info.name for info in infos if info.weights is not None and model_folder(info.weights) is None}
