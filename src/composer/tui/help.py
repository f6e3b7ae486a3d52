"""Help: every key of every screen, and what there is on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import ClassVar, NamedTuple

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import ModalScreen
from textual.widgets import Static

from composer.tui import here
from composer.tui.fitting import Fitting


class Key(NamedTuple):
    """Hold a key as the user reads it, what it does in a word, and in a sentence."""

    key: str
    word: str
    sentence: str


def keys_of(screen: type) -> Iterator[Key]:
    """Yield the keys that a screen or an app binds itself, those of its bases first."""
    for cls in reversed(screen.__mro__):
        if not cls.__module__.startswith("composer."):
            continue
        for binding in cls.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding):
                yield Key(_readable(binding), binding.description, binding.tooltip)


_SIGNS = {"plus": "+", "minus": "-", "equals_sign": "=", "exclamation_mark": "!", "question_mark": "?"}
_SIGNS |= {"left_square_bracket": "[", "right_square_bracket": "]", "asterisk": "*", "escape": "esc"}


def _readable(binding: Binding) -> str:
    return " ".join(_SIGNS.get(key, key) for key in binding.key.split(","))


class Help(Fitting, ModalScreen[None]):
    """Show the keys of `screens`, a heading and a class each, after what there is on this machine."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,H,question_mark", "dismiss(None)", "Back", tooltip="Back to where you were")
    ]

    def __init__(self, screens: dict[str, type]) -> None:
        super().__init__()
        self._screens = screens

    def compose(self) -> ComposeResult:
        """Lay one block of text under the other."""
        with VerticalScroll(id="help") as box:
            box.border_title = "Help"
            box.border_subtitle = "↑↓ · ctrl+p: every command by name · T: tutorial · escape: back"
            yield Static("Looking what is here ...", id="here")
            for heading, screen in self._screens.items():
                yield Static(_table(heading, list(keys_of(screen))), classes="keys")

    def on_mount(self) -> None:
        """Look what is here."""
        self._look()

    @work
    async def _look(self) -> None:
        found = await asyncio.to_thread(here.findings)
        with suppress(NoMatches):
            self.query_one("#here", Static).update(described(found))


def described(found: list[here.Finding]) -> Content:
    """Return findings as lines, what is there with a tick."""
    lines = [
        Content.from_markup("[$text-success]✓[/] $text" if is_there else "[$text-warning]✗[/] $text", text=text)
        for is_there, text in found
    ]
    return Content("\n").join([Content.from_markup("[b]Here[/]"), *lines])


def _table(heading: str, keys: list[Key]) -> Content:
    width = max((len(key.key) for key in keys), default=0)
    lines = [
        Content.from_markup("  [$text-accent b]$key[/]  $word  [dim]$sentence[/]", **row)
        for row in ({"key": key.key.ljust(width), "word": key.word.ljust(10), "sentence": key.sentence} for key in keys)
    ]
    return Content("\n").join([Content.from_markup("\n[b]$heading[/]", heading=heading), *lines])
