"""A few lines of text that say how the session is; one line on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import TYPE_CHECKING

from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

if TYPE_CHECKING:
    from composer.live.snapshot import Snapshot


class Panel(Widget):
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
        self._shown: list[Content] = []

    def show(self, snapshot: Snapshot) -> None:
        """Show `snapshot`; lines that say the same are not drawn again."""
        lines = self._lines(snapshot)
        if not self.screen.has_class("-wide"):
            lines = [Content("   ").join(lines)]
        before, self._shown = self._shown, lines
        changed = [y for y, (old, new) in enumerate(zip_longest(before, lines)) if not _is_same(old, new)]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def render(self) -> Content:
        """Return what is shown."""
        return Content("\n").join(self._shown)

    def render_line(self, y: int) -> Strip:
        """Return line `y` of the text, as much of it as there is room for."""
        if y >= len(self._shown):
            return Strip.blank(self.size.width, self.rich_style)
        return Visual.to_strips(self, self._shown[y], self.size.width, 1, self.visual_style)[0]

    def on_click(self) -> None:
        """Post what the user asked for by clicking."""
        if self._clicked is not None:
            self.post_message(self._clicked())


def _is_same(one: Content | None, other: Content | None) -> bool:
    # Contents are equal when their texts are, whatever their colours.
    return one is other or (one is not None and other is not None and one.is_same(other))
