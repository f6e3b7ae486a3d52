"""One question with one line for the answer."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from composer.tui.fitting import Fitting


class Ask(Fitting, ModalScreen[str | None]):
    """Ask for a line of text; dismissed with it, or None when the user thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", tooltip="Answer nothing")]

    def __init__(self, question: str, answer: str = "", hint: str = "") -> None:
        super().__init__()
        self._question, self._answer, self._hint = question, answer, hint

    def compose(self) -> ComposeResult:
        """Show the question as the title of the line."""
        with Vertical(id="ask") as box:
            box.border_title = self._question
            box.border_subtitle = "enter: yes · escape: back"
            yield Input(self._answer, placeholder=self._hint)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the answer; an empty one is none."""
        self.dismiss(event.value.strip() or None)
