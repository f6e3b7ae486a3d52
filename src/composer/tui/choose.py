"""The list of generators to choose from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from composer.generators.base import Info


class GeneratorList(ModalScreen[str | None]):
    """Let the user choose a generator; dismissed with its name, or None when the user thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,g", "dismiss(None)", "Back", tooltip="Leave the generator as it is")
    ]

    def __init__(self, infos: Iterable[Info], current: str) -> None:
        super().__init__()
        self._infos = tuple(infos)
        self._current = current

    def compose(self) -> ComposeResult:
        """Make one option a generator: name, year and author, and what it does."""
        with Vertical(id="choose") as box:
            box.border_title = "Generator"
            box.border_subtitle = "enter: play from the next bar · escape: back"
            yield OptionList(*(Option(_described(info), id=info.name) for info in self._infos))

    def on_mount(self) -> None:
        """Begin at the generator that plays."""
        names = [info.name for info in self._infos]
        self.query_one(OptionList).highlighted = names.index(self._current) if self._current in names else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the chosen name."""
        self.dismiss(event.option_id)


def _described(info: Info) -> Content:
    return Content.from_markup(
        "[b]$name[/]  $year  [dim]$authors[/]\n$summary",
        name=info.name,
        year=info.year,
        authors=info.authors,
        summary=info.summary,
    )
