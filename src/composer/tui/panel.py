"""A few lines of text that say how the session is; one line on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

if TYPE_CHECKING:
    from composer.live.snapshot import Snapshot


class Panel(Static):
    """Show what `lines` says about a snapshot; a click posts what `clicked` makes."""

    def __init__(
        self,
        lines: Callable[[Snapshot], list[Content]],
        clicked: Callable[[], Message] | None = None,
        *,
        id: str,
    ) -> None:
        super().__init__(id=id)
        self.border_title = id.capitalize()
        self._lines = lines
        self._clicked = clicked
        self._shown: Content | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Show `snapshot`; nothing is drawn when the text is the same."""
        between = "\n" if self.screen.has_class("-wide") else "   "
        text = Content(between).join(self._lines(snapshot))
        if text != self._shown:
            self._shown = text
            self.update(text, layout=False)

    def on_click(self) -> None:
        """Post what the user asked for by clicking."""
        if self._clicked is not None:
            self.post_message(self._clicked())
