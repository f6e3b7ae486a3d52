"""The shelf: kept takes, to be heard, varied, continued, taken elsewhere and thrown away, which can be undone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from composer import shelf
from composer.errors import ComposerError
from composer.shelf import Take
from composer.tui.ask import Ask
from composer.tui.keys import Keys
from composer.tui.roll import Roll
from composer.tui.room import Room
from composer.tui.score_view import still
from composer.tui.working import Working

_FRAMES_PER_SECOND = 12
CONTINUED_BARS = 4


class Shelf(Room):
    """Show the kept takes, the newest first, and the chosen one as a roll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,p", "hear", "Hear", tooltip="Hear the take through the port, or end it"),
        Binding("v", "vary", "Vary", tooltip="The same prompt, the next seed: a take beside this one"),
        Binding("c", "continue", "Continue", tooltip=f"Let the generator go on for {CONTINUED_BARS} bars"),
        Binding("e", "export", "Export", tooltip="Copy the take to a file of yours"),
        Binding("o", "open", "Open", tooltip="See the take as a file: choose bars, accompany, infill"),
        Binding("x,delete", "delete", "Delete", tooltip="Take it off the shelf; u brings it back"),
        Binding("u", "undo", "Undo", tooltip="Bring back what was deleted last"),
        Binding("escape,q", "leave", "Back", tooltip="Back to playing"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.takes: list[Take] = []

    def compose(self) -> ComposeResult:
        """Lay the list over the roll."""
        with Vertical(id="shelf") as box:
            box.border_title = "Takes"
            yield OptionList(id="takes")
        yield Roll(id="take-roll", first=0)
        yield Keys()

    def on_mount(self) -> None:
        """Read the shelf."""
        self.set_interval(1 / _FRAMES_PER_SECOND, self.look)
        self.refill()

    @work(exclusive=True)
    async def refill(self, chosen: str | None = None) -> None:
        """Read the shelf again and choose the take called `chosen`, by default the one before."""
        before = self.take
        self.takes = await asyncio.to_thread(self._read)
        names = [take.name for take in self.takes]
        with suppress(NoMatches):
            options = self.query_one(OptionList)
            at = options.highlighted or 0
            options.clear_options()
            options.add_options(Option(_described(take), id=str(n)) for n, take in enumerate(self.takes))
            wanted = chosen or (before.name if before else "")
            if names:
                options.highlighted = names.index(wanted) if wanted in names else min(at, len(names) - 1)
            box = self.query_one("#shelf")
            box.border_subtitle = f"{len(names)} kept" if names else "nothing kept yet: press k while you play"
        self.look()

    def _read(self) -> list[Take]:
        try:
            return shelf.takes()
        except ComposerError as error:
            self.app.call_from_thread(self._tell, error)
            return []

    @property
    def take(self) -> Take | None:
        """Return the chosen take."""
        with suppress(NoMatches):
            at = self.query_one(OptionList).highlighted
            if at is not None and at < len(self.takes):
                return self.takes[at]
        return None

    def look(self) -> None:
        """Draw the chosen take, the cursor where it is heard."""
        if self.take is not None:
            tick = self._rooms.heard_at or 0.0
            self.query_one(Roll).show(still(self.take.score, tick, shelf.is_player))

    def on_option_list_option_highlighted(self) -> None:
        """Hear one take at a time."""
        self._rooms.hush()
        self.look()

    def on_option_list_option_selected(self) -> None:
        """Hear the take that was chosen by enter or a click."""
        self.action_hear()

    def action_hear(self) -> None:
        """Hear the take, or end it."""
        if self._rooms.heard_at is not None:
            self._rooms.hush()
        elif self.take is not None:
            self._rooms.hear(self.take.score)

    def action_vary(self) -> None:
        """Make a variation."""
        if self.take is not None:
            self._make(shelf.variation)

    def action_continue(self) -> None:
        """Let the generator go on."""
        if self.take is not None:
            self._make(lambda take: shelf.continuation(take, CONTINUED_BARS))

    @work
    async def _make(self, asked: Callable[[Take], object]) -> None:
        if (take := self.take) is None:
            return
        self._rooms.hush()
        request = await self._done(lambda: asked(take))
        if request is not None and (path := await self.app.push_screen_wait(Working(request))) is not None:  # type: ignore[arg-type]
            self.refill(path.stem)

    @work
    async def action_export(self) -> None:
        """Copy the take to a place the user names."""
        if (take := self.take) is None:
            return
        place = await self.app.push_screen_wait(Ask("Copy to which file or folder?", str(Path.home() / take.path.name)))
        if place is not None and (path := await self._done(lambda: shelf.export(take, Path(place).expanduser()))):
            self.notify(f"{path} is written", markup=False)

    def action_open(self) -> None:
        """See the take as a file."""
        if self.take is not None:
            self._rooms.hush()
            self._rooms.open_file(self.take.path)

    @work
    async def action_delete(self) -> None:
        """Take it off the shelf."""
        if (take := self.take) is None:
            return
        self._rooms.hush()
        if await self._done(lambda: shelf.delete(take)) is not None:
            self.notify(f"{take.name} is deleted; press u to bring it back", markup=False)
            self.refill()

    @work
    async def action_undo(self) -> None:
        """Bring back what was deleted last."""
        asides = await self._done(shelf.deleted)
        if not asides:
            self.notify("Nothing has been deleted here.", severity="warning")
        elif (take := await self._done(lambda: shelf.restore(asides[-1]))) is not None:
            self.refill(take.name)


def _described(take: Take) -> Content:
    who = str(take.facts.get("generator", "")) or "no generator"
    return Content.from_markup(
        "[b]$name[/]  $bars bars  [dim]$notes notes · $who · seed $seed · $parts[/]",
        name=take.name,
        bars=take.bars,
        notes=take.notes,
        who=who,
        seed=take.seed,
        parts=", ".join(part.name for part in take.score.parts),
    )
