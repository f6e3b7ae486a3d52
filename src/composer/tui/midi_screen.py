"""The list of what MIDI messages do, where new ones are learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from composer.tui.bindings import Bindings
from composer.tui.fitting import Fitting
from composer.tui.messages import BindingDropped, LearnAsked

_BACK = "enter: learn · delete: forget · escape: back"


class MidiScreen(Fitting, ModalScreen[None]):
    """Show every target with its MIDI message; bind one by moving it. `targets` says what each does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,m", "leave", "Back", tooltip="Leave the list, or the learning"),
        Binding("delete,backspace", "forget", "Forget", tooltip="Take the MIDI message away from what is chosen"),
    ]

    def __init__(self, targets: Mapping[str, str], bindings: Bindings) -> None:
        super().__init__()
        self._targets = targets
        self._bound = bindings
        self._wanted: str | None = None

    def compose(self) -> ComposeResult:
        """Make one option a target."""
        with Vertical(id="choose") as box:
            box.border_title, box.border_subtitle = "MIDI", _BACK
            yield OptionList(*(Option(self._line(target), id=target) for target in self._targets))

    def show(self, bindings: Bindings) -> None:
        """Show what is bound now; what was being learned has been."""
        self._bound, self._wanted = bindings, None
        self._draw()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Learn the chosen target."""
        self._learn(event.option_id)

    def action_leave(self) -> None:
        """Give up what is being learned, else go back."""
        if self._wanted is None:
            self.dismiss(None)
        else:
            self._learn(None)

    def action_forget(self) -> None:
        """Unbind the chosen target."""
        option = self.query_one(OptionList).highlighted_option
        if option is not None and option.id is not None:
            self.post_message(BindingDropped(option.id))

    def _learn(self, target: str | None) -> None:
        self._wanted = target
        self.post_message(LearnAsked(target))
        self._draw()

    def _draw(self) -> None:
        box = self.query_one("#choose", Vertical)
        box.border_subtitle = "move or press it now · escape: not now" if self._wanted else _BACK
        options = self.query_one(OptionList)
        for target in self._targets:
            options.replace_option_prompt(target, self._line(target))

    def _line(self, target: str) -> Content:
        trigger = self._bound.get(target)
        said = "…" if target == self._wanted else trigger.label if trigger else ""
        name = f"{target.partition(' ')[2].replace('_', ' '):<18}"
        return Content.from_markup(
            "$name [b]$said[/] [dim]$help[/]", name=name, said=f"{said:<14}", help=self._targets[target]
        )
