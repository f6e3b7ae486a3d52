"""composer without a verb: the terminal interface."""

from __future__ import annotations

import sys

from composer.errors import UsageError


def run() -> int:
    """Open the interface; UsageError where there is no terminal to draw on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the interface needs a terminal; without one, use `composer jam` (see composer --help)")
    from composer.live.settings import Settings
    from composer.tui import app

    return app.run(Settings())
