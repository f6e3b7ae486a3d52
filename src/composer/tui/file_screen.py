"""A MIDI file as a roll: choose bars, let any generator continue, accompany or infill them, hear it, save it."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import Static

from composer.errors import ComposerError
from composer.live.roles import bars_before
from composer.midi import files
from composer.tui.ask import Ask
from composer.tui.choose import offer
from composer.tui.keys import Keys
from composer.tui.open_file import OpenFile
from composer.tui.piece import Piece
from composer.tui.roll import Roll
from composer.tui.room import Room
from composer.tui.score_view import still
from composer.tui.working import Working

_FRAMES_PER_SECOND = 12


class FileScreen(Room):
    """Show one MIDI file and work on it; the file itself changes only when the user saves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,p", "hear", "Hear", tooltip="Hear it from the cursor through the port, or end it"),
        Binding("left", "move(-1)", "Back", show=False, tooltip="Move the cursor a bar back"),
        Binding("right", "move(1)", "On", show=False, tooltip="Move the cursor a bar on"),
        Binding("pageup", "move(-8)", "8 back", show=False, tooltip="Move the cursor eight bars back"),
        Binding("pagedown", "move(8)", "8 on", show=False, tooltip="Move the cursor eight bars on"),
        Binding("home", "move(-100000)", "Beginning", show=False, tooltip="Move the cursor to the first bar"),
        Binding("end", "move(100000)", "End", show=False, tooltip="Move the cursor to the last bar"),
        Binding("left_square_bracket,b", "choose('begun')", "Bars", key_display="[ ]", tooltip="Choose bars from here"),
        Binding("right_square_bracket,n", "choose('ended')", "To", show=False, tooltip="Choose bars up to here"),
        Binding("asterisk", "choose('all_chosen')", "All", show=False, tooltip="Choose every bar"),
        Binding("g", "choose_generator", "Era", tooltip="Choose who composes"),
        Binding("c", "compose('continue')", "Go on", tooltip="A piece of the chosen bars and how they go on"),
        Binding("a", "compose('accompany')", "Accompany", tooltip="Add an accompaniment to the chosen bars"),
        Binding("i", "compose('infill')", "Infill", tooltip="Write the chosen bars anew"),
        Binding("u", "undo", "Undo", tooltip="Bring back what was there before"),
        Binding("w,ctrl+s", "save", "Save", tooltip="Write it to a file"),
        Binding("o", "open", "Open", show=False, tooltip="Open another MIDI file"),
        Binding("escape,q", "leave", "Back", tooltip="Back to where you came from"),
    ]

    def __init__(self, generator: str, path: Path | None = None) -> None:
        super().__init__()
        self.piece: Piece | None = None
        self.generator = generator
        self.seed = 0
        self._path = path
        self._is_saved = True
        self._folder = tempfile.TemporaryDirectory(prefix="composer-")

    def compose(self) -> ComposeResult:
        """Lay two lines of text over the roll."""
        yield Static(id="piece")
        yield Roll(id="file-roll", first=0)
        yield Keys()

    def on_mount(self) -> None:
        """Open the file, or ask for one."""
        self.set_interval(1 / _FRAMES_PER_SECOND, self.look)
        if self._path is not None:
            self._read(self._path)
        else:
            self.action_open()

    def on_unmount(self) -> None:
        """Leave nothing behind."""
        self._folder.cleanup()

    def look(self) -> None:
        """Show the piece as it is now."""
        with suppress(NoMatches):
            self.query_one("#piece", Static).update(self._said())
            if (piece := self.piece) is not None:
                heard = self._rooms.heard_at
                shown = still(
                    piece.score, piece.tick if heard is None else heard, piece.given.__contains__, piece.chosen
                )
                self.query_one(Roll).show(shown)

    def _said(self) -> Content:
        if (piece := self.piece) is None:
            return Content("No file is open: press o to open one.")
        heard = self._rooms.heard_at
        bar = piece.bar if heard is None else bars_before(piece.score, piece.score.bar_start(int(heard)))
        return Content.from_markup(
            "[b]$name[/]$changed  bar [b]$bar[/] of $bars  [dim]chosen[/] [b]$first-$last[/]  "
            "[$text-accent b]$generator[/] [dim]seed[/] $seed\n[dim]$parts[/]",
            name=piece.path.name,
            changed="" if self._is_saved else " (not saved)",
            bar=bar + 1,
            bars=piece.bars,
            first=piece.first + 1,
            last=piece.end,
            generator=self.generator,
            seed=self.seed,
            parts=", ".join(f"{part.name} ({len(part.notes)})" for part in piece.score.parts),
        )

    @work
    async def action_open(self) -> None:
        """Ask for a file and open it."""
        self._rooms.hush()
        folder = self.piece.path.parent if self.piece is not None else Path.cwd()
        path = await self.app.push_screen_wait(OpenFile(folder))
        if path is not None:
            self._read(path)
        elif self.piece is None:
            self.dismiss(None)

    @work
    async def _read(self, path: Path) -> None:
        score = await self._done(lambda: files.read(path))
        if score is None:
            return
        if not score.end:
            self.notify(f"{path.name} has no notes; open another file", severity="warning", markup=False)
            return
        self.piece, self._is_saved = Piece.of(score, path), True
        self.look()

    def action_move(self, bars: int) -> None:
        """Move the cursor."""
        if self.piece is not None:
            self._rooms.hush()
            self.piece = self.piece.moved(bars)
            self.look()

    def action_choose(self, how: str) -> None:
        """Choose bars up to or from the cursor, or all."""
        if self.piece is not None:
            self.piece = getattr(self.piece, how)()
            self.look()

    async def action_choose_generator(self) -> None:
        """Choose who composes."""
        await offer(self, self.generator, self._take_generator)

    def _take_generator(self, name: str) -> None:
        self.generator, self.seed = name, 0
        self.look()

    @work
    async def action_compose(self, verb: str) -> None:
        """Let the generator work on the chosen bars; the next time the seed is another."""
        if (piece := self.piece) is None:
            return
        self._rooms.hush()
        source, result = (Path(self._folder.name) / name for name in ("before.mid", "after.mid"))
        request = await self._done(lambda: piece.asked(verb, self.generator, self.seed, source, result))
        if request is None:
            return
        await self._done(lambda: files.write(piece.score, source, force=True))
        path = await self.app.push_screen_wait(Working(request))
        if path is None or (made := await self._done(lambda: files.read(path))) is None:
            return
        self.piece, self._is_saved = piece.with_result(verb, made), False
        self.seed += 1
        self.look()

    def action_undo(self) -> None:
        """Bring back what was there before."""
        if self.piece is None:
            return
        try:
            self.piece = self.piece.undone()
            self._is_saved = not self.piece.before
        except ComposerError as error:
            self.notify(str(error), severity="warning", markup=False)
        self._rooms.hush()
        self.look()

    def action_hear(self) -> None:
        """Hear the piece from the cursor, or end it."""
        if self._rooms.heard_at is not None:
            self._rooms.hush()
        elif self.piece is not None:
            self._rooms.hear(self.piece.score, self.piece.tick)

    @work
    async def action_save(self) -> None:
        """Write the piece to a file that the user names."""
        if (piece := self.piece) is None:
            return
        proposed = str(_free(piece.path))
        name = await self.app.push_screen_wait(Ask("Save as", proposed))
        if name is None:
            return
        path = piece.path.parent / Path(name).expanduser()
        saved = await self._done(lambda: _written(piece, path, self.generator))
        if saved is not None:
            self._is_saved = True
            self.notify(f"{saved} is written", markup=False)
            self.look()


def _free(path: Path) -> Path:
    number = 2
    while (free := path.with_name(f"{path.stem}-{number}.mid")).exists():
        number += 1
    return free


def _written(piece: Piece, path: Path, generator: str) -> Path:
    import json

    from composer import __version__

    facts = {"composer": __version__, "generator": generator, "input": piece.path.name}
    files.write(piece.score, path, comment=json.dumps(facts, ensure_ascii=False))
    return path
