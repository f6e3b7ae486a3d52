"""Pictures of the screens, taken while the built-in player and a generator play: `python -m composer.tui.pictures`.

No terminal and no MIDI system are needed: the ports are inside the program, and takes and settings go to a folder that
is gone afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from composer.errors import ComposerError, FileError
from composer.live.settings import Settings
from composer.tui.app import ComposerApp
from composer.tui.file_screen import FileScreen
from composer.tui.takes import Shelf

if TYPE_CHECKING:
    from textual.pilot import Pilot

_PATIENCE_SECONDS = 60.0
Step = Callable[["Pilot[int]"], Awaitable[None]]


class Shot(NamedTuple):
    """Hold the name of a picture, the columns and rows of its screen, the theme, and what to do before it is taken."""

    name: str
    size: tuple[int, int]
    theme: str
    steps: tuple[Step, ...]


def press(*keys: str) -> Step:
    """Return the step that presses keys."""

    async def pressed(pilot: Pilot[int]) -> None:
        await pilot.press(*keys)
        await pilot.pause(0.5)

    return pressed


def until(reached: Callable[[ComposerApp], object]) -> Step:
    """Return the step that waits until the interface is so; ComposerError when that does not come."""

    async def waited(pilot: Pilot[int]) -> None:
        assert isinstance(pilot.app, ComposerApp)
        end = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while not reached(pilot.app):
            if asyncio.get_running_loop().time() > end:
                raise ComposerError("the interface never came to what was to be drawn; see composer doctor")
            await pilot.pause(0.1)

    return waited


def played(bars: int) -> Step:
    """Return the step that waits until so many bars have been played."""
    return until(lambda app: app.snapshot is not None and app.snapshot.tick >= bars * app.snapshot.meter.bar)


def kept(app: ComposerApp) -> bool:
    """Return whether the shelf is open and shows a take."""
    return isinstance(app.screen, Shelf) and app.screen.take is not None


def opened(app: ComposerApp) -> bool:
    """Return whether a file is open."""
    return isinstance(app.screen, FileScreen) and app.screen.piece is not None


READY = until(lambda app: app.snapshot is not None and app.snapshot.worker == "ready")
SHOTS = (
    Shot("play", (140, 40), "textual-dark", (READY, press("space"), played(9))),
    Shot("play-80x24", (80, 24), "textual-light", ()),
    Shot("eras", (100, 30), "textual-dark", (press("g"),)),
    Shot("takes", (100, 30), "textual-dark", (press("g", "k", "S"), until(kept))),
    Shot("file", (100, 30), "textual-dark", (press("o"), until(opened), press("right", "right", "[", "right", "]"))),
)
"""The pictures, one after the other of one evening."""


async def take(folder: Path, generator: str) -> list[Path]:
    """Play, and write one SVG a shot into `folder`; return the files. FileError when one cannot be written."""
    from composer.live.session import Session

    written = []
    journal = folder_of_the_evening() / "evening.journal"
    app = ComposerApp(Settings(generator=generator, internal_ports=True, journal=journal), Session, demo=True)
    async with app.run_test(size=SHOTS[0].size, notifications=True) as pilot:
        for shot in SHOTS:
            await pilot.resize_terminal(*shot.size)
            app.theme = shot.theme
            for step in shot.steps:
                await step(pilot)
            app.clear_notifications()
            await pilot.pause(0.5)
            written.append(folder / f"{shot.name}.svg")
            write(written[-1], app.export_screenshot(title="Composer"))
    return written


def folder_of_the_evening() -> Path:
    """Return the folder that holds what is kept while the pictures are taken."""
    return Path(os.environ["COMPOSER_TAKES"])


def write(path: Path, svg: str) -> None:
    """Write a picture without what it would fetch from elsewhere, its fonts; FileError when that cannot be."""
    try:
        path.write_text(re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL), encoding="utf-8")
    except OSError as error:
        raise FileError(f"the picture {path} cannot be written: {error.strerror}; choose another place") from None


def main(argv: list[str] | None = None) -> int:
    """Take the pictures and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m composer.tui.pictures", description="Take pictures of the screens."
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/pictures"), metavar="DIR", help="where they go")
    parser.add_argument("--generator", default="anticipation", metavar="NAME", help="who plays")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="composer-") as evening:
        os.environ["COMPOSER_TAKES"] = os.environ["COMPOSER_CONFIG"] = evening
        try:
            args.out.mkdir(parents=True, exist_ok=True)
            for path in asyncio.run(take(args.out, args.generator)):
                print(path)
        except ComposerError as error:
            print(f"composer: {error}", file=sys.stderr)
            return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
