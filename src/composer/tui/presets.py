"""Presets: settings saved under a name, to be recalled while playing and by --preset."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from composer import preferences
from composer.errors import ComposerError
from composer.preferences import Preferences
from composer.tui.ask import Ask
from composer.tui.fitting import Fitting

Values = Mapping[str, Any]


class Presets(Fitting, ModalScreen[dict[str, Any] | None]):
    """Show the presets; dismissed with the settings to recall, or None. `present` are the settings in force."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "save", "Save", tooltip="Save what is set now under a name"),
        Binding("b", "begin", "Begin with", tooltip="Begin every session with what is set now"),
        Binding("x,delete", "delete", "Delete", tooltip="Delete the preset; u brings it back"),
        Binding("u", "undo", "Undo", tooltip="Bring back what was there before the last change"),
        Binding("escape,q,P", "dismiss(None)", "Back", tooltip="Leave everything as it is"),
    ]

    def __init__(self, present: Values) -> None:
        super().__init__()
        self._present = dict(present)
        self._found = Preferences()
        self._before: list[Preferences] = []

    def compose(self) -> ComposeResult:
        """Make one option a preset."""
        with Vertical(id="presets") as box:
            box.border_title = "Presets"
            box.border_subtitle = "enter: recall · s: save · b: begin with · x: delete · u: undo · escape: back"
            yield OptionList()

    def on_mount(self) -> None:
        """Read the file."""
        self._refill()

    @work(exclusive=True)
    async def _refill(self) -> None:
        self._found = await asyncio.to_thread(preferences.read)
        if self._found.notice:
            self.app.notify(self._found.notice, severity="warning", markup=False)
        self._show()

    def _show(self) -> None:
        with suppress(NoMatches):
            options = self.query_one(OptionList)
            options.clear_options()
            for name, values in self._found.presets.items():
                text = Content.from_markup("[b]$name[/]  [dim]$said[/]", name=name, said=described(values))
                options.add_option(Option(text))
            options.highlighted = 0 if self._found.presets else None

    @property
    def chosen(self) -> str | None:
        """Return the name of the chosen preset."""
        at = self.query_one(OptionList).highlighted
        return None if at is None else list(self._found.presets)[at]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Recall the preset."""
        self.dismiss(self._found.values(list(self._found.presets)[event.option_index]))

    @work
    async def action_save(self) -> None:
        """Save what is set under a name."""
        name = await self.app.push_screen_wait(Ask("Save as", self.chosen or "", "a name"))
        if name is not None:
            await self._change(lambda found: found.with_preset(name, self._present), f"{name} is saved")

    @work
    async def action_begin(self) -> None:
        """Begin every session with what is set."""
        said = "every session begins so now"
        await self._change(lambda found: Preferences(self._present, found.presets), said)

    @work
    async def action_delete(self) -> None:
        """Delete the chosen preset."""
        if (name := self.chosen) is not None:
            await self._change(lambda found: found.without_preset(name), f"{name} is deleted; press u to bring it back")

    @work
    async def action_undo(self) -> None:
        """Bring back what was there before."""
        if self._before:
            before = self._before.pop()
            await self._change(lambda found: before, "as it was before", remember=False)

    async def _change(self, change: Callable[[Preferences], Preferences], said: str, remember: bool = True) -> None:
        before = self._found
        try:
            after = change(before)
            await asyncio.to_thread(preferences.save, after)
        except ComposerError as error:
            self.app.notify(str(error), severity="error", markup=False)
            return
        if remember:
            self._before.append(before)
        self._found = after
        self.app.notify(said, markup=False)
        self._show()


def described(values: Values) -> str:
    """Return what a preset says in a few words."""
    words = []
    for name, value in values.items():
        if name == "meter":
            value = f"{value[0]}/{value[1]}"
        elif name == "params":
            value = ", ".join(f"{key} {text}" for key, text in value.items()) or "as they are"
        words.append(str(value) if name in ("generator", "role") else f"{name} {value}")
    return " · ".join(words)
