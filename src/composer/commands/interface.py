"""composer without a verb: the terminal interface."""

from __future__ import annotations

import os
import sys

from composer.errors import UsageError


def run(preset: str | None = None) -> int:
    """Open the interface with what the user's settings and `preset` say; UsageError where nothing can be drawn on."""
    # In a browser there is no terminal either: what serves the interface has told Textual how to draw.
    if not ("TEXTUAL_DRIVER" in os.environ or (sys.stdin.isatty() and sys.stdout.isatty())):
        raise UsageError("the interface needs a terminal; without one, use `composer jam` (see composer --help)")
    from composer import preferences
    from composer.live.settings import Settings
    from composer.tui import app

    found = preferences.read()
    if found.notice:
        print(f"composer: {found.notice}", file=sys.stderr)
    return app.run(preferences.apply(Settings(), found.values(preset)))
