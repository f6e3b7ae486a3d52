"""The line at the foot of a screen: which keys do something now. A click on one presses it."""

from __future__ import annotations

from functools import lru_cache

from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static


class Keys(Static):
    """Name the keys that are bound and shown, as Textual's Footer does.

    One line of text, where Footer makes a widget of each key whenever the focus moves, which takes longer than to open
    a list.
    """

    def on_mount(self) -> None:
        """Name the keys, and again whenever others are bound."""
        self.screen.bindings_updated_signal.subscribe(self, self._tell)

    def on_resize(self) -> None:
        """Leave out what has no room."""
        self._tell(self.screen)

    def _tell(self, screen: Screen[object]) -> None:
        if screen is not self.screen:
            return
        named: dict[str, Content] = {}
        seen, palette = set[str](), Content()
        for key, active in screen.active_bindings.items():
            binding, shown = active.binding, self.app.get_key_display(active.binding)
            if key == self.app.COMMAND_PALETTE_BINDING:
                palette = _named(key, shown, binding.description)
            elif binding.show and active.enabled and shown not in seen and binding.action not in named:
                # An action is named by the first of its keys, and of two that show the same key the first is obeyed.
                seen.add(shown)
                named[binding.action] = _named(key, shown, binding.description)
        line = Content(" ").join(named.values())
        room = self.size.width - line.cell_length - palette.cell_length
        self.update(Content.assemble(line, " " * room, palette) if room > 0 else line)


# Kept, because to read markup is more work than to draw it.
@lru_cache(maxsize=256)
def _named(key: str, shown: str, what: str) -> Content:
    markup = f"[@click=app.simulate_key('{key}')][$footer-key-foreground b]$key[/] $what[/]"
    return Content.from_markup(markup, key=shown, what=what)
