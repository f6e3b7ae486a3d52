"""The list of generators to choose from."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from composer.folders import model_folder
from composer.generators import GENERATORS
from composer.generators.base import Info

ERAS = tuple(sorted(GENERATORS.values(), key=lambda info: info.year))
"""The generators from the oldest to the newest."""
_OPEN = "-open"
_LINES = 2
"""Lines of an era: its name, and what it does."""
_INDENT = " " * 4


class GeneratorList(Widget, can_focus=True):
    """Let the user choose a generator; hidden until it is opened, and when it is left.

    It lies on the screen it is mounted on, which goes on beneath, and is one widget that draws its lines by itself: a
    screen of its own, or a list made of several widgets, would be laid out and painted twice before it is seen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,g,c", "leave", "Back", tooltip="Leave the generator as it is"),
        Binding("enter,space", "take", "Choose", show=False, tooltip="Play with the generator under the bar"),
        Binding("up,k", "move(-1)", "Up", show=False, tooltip="Go to the older generator"),
        Binding("down,j", "move(1)", "Down", show=False, tooltip="Go to the newer generator"),
        Binding("home,pageup", "move(-100)", "Oldest", show=False, tooltip="Go to the oldest generator"),
        Binding("end,pagedown", "move(100)", "Newest", show=False, tooltip="Go to the newest generator"),
        *(Binding(str(n), f"choose({n})", "Era", show=False, tooltip=f"Play with generator {n}") for n in range(1, 10)),
    ]

    highlighted: reactive[int] = reactive(0)
    """The place of the generator under the bar."""
    missing: reactive[frozenset[str]] = reactive(frozenset[str]())
    """The names of the generators whose weights are not on this machine."""

    def __init__(self) -> None:
        super().__init__(id="choose")
        self.border_subtitle = "enter: play from the next bar · escape: back"
        self._chosen: Callable[[str], object] = str
        self._before: Widget | None = None
        self._drawn: tuple[object, list[Strip]] = (None, [])

    def open(self, current: str, chosen: Callable[[str], object], title: str = "Generator") -> None:
        """Show the list, at the generator called `current`; `chosen` is called with the name of another one.

        Messages that lie on the screen are gone: they would cover it.
        """
        if self.has_class(_OPEN):
            return
        self.app.clear_notifications()
        self.border_title, self._chosen, self._before = title, chosen, self.screen.focused
        names = [info.name for info in ERAS]
        self.highlighted = names.index(current) if current in names else 0
        self.add_class(_OPEN)
        self.focus()
        self.run_worker(self._mark_missing())

    async def _mark_missing(self) -> None:
        # Looking for folders is the disk's business and not the interface's.
        self.missing = frozenset(await asyncio.to_thread(without_weights, ERAS))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines there are."""
        return len(ERAS) * _LINES

    def render(self) -> Content:
        """Draw the lines that have room, those under the bar among them."""
        width, height = self.content_size
        lines: list[Content] = []
        for place, info in enumerate(ERAS):
            for line in _lines(place + 1, info, info.name in self.missing, width):
                under_bar = place == self.highlighted
                shown = line.truncate(width, ellipsis=True, pad=under_bar)
                lines.append(
                    shown.stylize("$block-cursor-foreground on $block-cursor-background") if under_bar else shown
                )
        return Content("\n").join(lines[self._top : self._top + height])

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of `crop`, as they were drawn if nothing has changed since: drawing takes a frame's time."""
        state = (crop, self.size, self.highlighted, self.missing, self.border_title, self.visual_style, self.app.theme)
        if state != self._drawn[0]:
            self._drawn = state, super().render_lines(crop)
        return self._drawn[1]

    @property
    def _top(self) -> int:
        """Return the first line that is shown."""
        return max(0, min((self.highlighted + 1) * _LINES - self.content_size.height, self.highlighted * _LINES))

    def on_click(self, event: events.Click) -> None:
        """Take the generator that was clicked on."""
        event.stop()
        if (offset := event.get_content_offset(self)) is not None:
            self.action_choose((self._top + offset.y) // _LINES + 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go on to the next one."""
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go back to the one before."""
        event.stop()
        self.action_move(-1)

    def action_move(self, by: int) -> None:
        """Move the bar by so many generators, as far as there are any."""
        self.highlighted = max(0, min(len(ERAS) - 1, self.highlighted + by))

    def action_choose(self, number: int) -> None:
        """Take a generator by its number in the list."""
        if number <= len(ERAS):
            self.action_leave()
            self._chosen(ERAS[number - 1].name)

    def action_take(self) -> None:
        """Take the generator under the bar."""
        self.action_choose(self.highlighted + 1)

    def action_leave(self) -> None:
        """Take none."""
        self.screen.set_focus(self._before)
        self.remove_class(_OPEN)


# Kept, because to read markup is more work than to draw it.
@lru_cache(maxsize=64)
def _lines(number: int, info: Info, is_missing: bool, width: int) -> tuple[Content, Content]:
    """Return the two lines of a generator: number, year, name and authors, and what it does or lacks."""
    name = Content.from_markup(
        " $number  $year  [b]$name[/]  [dim]$authors[/]",
        number=number,
        year=info.year,
        name=info.name,
        authors=info.authors,
    )
    if is_missing:
        lacks = "[$text-warning]its weights are missing: composer models download[/]"
        return name, Content.from_markup(_INDENT + lacks)
    return name, Content(_INDENT + in_short(info.summary, width - len(_INDENT) - 1))


async def offer(screen: Screen[Any], current: str, chosen: Callable[[str], object], title: str = "Generator") -> None:
    """Open the list on a screen, which gets one when it has none yet; see `GeneratorList.open`."""
    if not screen.query(GeneratorList):
        await screen.mount(GeneratorList(), before=0)
    screen.query_one(GeneratorList).open(current, chosen, title)


def in_short(summary: str, room: int) -> str:
    """Return as many whole clauses of a summary's first sentence as fit `room` cells, at least one."""
    sentence = summary.partition(". ")[0].rstrip(".")
    # What follows a semicolon is said whole or not at all: a list cut short says something else.
    clauses = [sentence[: mark.start()] for mark in re.finditer(r";.*|[,:] ", sentence)] + [sentence]
    return next((text for text in reversed(clauses) if len(text) <= room), clauses[0])


def without_weights(infos: Iterable[Info]) -> set[str]:
    """Return the names of the generators whose weights are not on this machine; looks at the disk."""
    return {info.name for info in infos if info.weights is not None and model_folder(info.weights) is None}
