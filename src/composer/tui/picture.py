"""A picture of the screen without a terminal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, cast

from composer.errors import FileError
from composer.tui.app import ComposerApp

if TYPE_CHECKING:
    from composer.live.session import Session
    from composer.live.settings import Settings
    from composer.live.snapshot import Snapshot


class _Still:
    """Stand where a session would: show one snapshot and do nothing."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def listen(self, listener: object) -> None:
        pass

    def watch(self, watcher: object) -> None:
        pass

    def run(self) -> None:
        pass

    def close(self) -> None:
        pass


def save(path: Path, snapshot: Snapshot, size: tuple[int, int] = (120, 36), theme: str = "textual-dark") -> None:
    """Write the screen that shows `snapshot` as SVG; `size` is columns and rows. FileError when that cannot be."""
    svg = asyncio.run(_drawn(snapshot, size, theme))
    try:
        path.write_text(svg, encoding="utf-8")
    except OSError as error:
        raise FileError(f"the picture {path} cannot be written: {error.strerror}; choose another place") from None


async def _drawn(snapshot: Snapshot, size: tuple[int, int], theme: str) -> str:
    from composer.live.settings import Settings

    def still(settings: Settings) -> Session:
        return cast("Session", _Still(snapshot))

    app = ComposerApp(Settings(), still)
    async with app.run_test(size=size) as pilot:
        app.theme = theme
        await pilot.pause()
        app.show(snapshot)
        await pilot.pause()
        return app.export_screenshot(title="Composer")
