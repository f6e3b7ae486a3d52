"""composer without a verb: the terminal interface."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from composer.errors import ComposerError, UsageError


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
    settings = preferences.apply(Settings(), found.values(preset))
    return app.run(replace(settings, journal=_journal()))


def _journal() -> Path | None:
    """Return where to record what is played, None where nothing can be written; what a crash left is kept first."""
    from composer import shelf

    try:
        for take in shelf.recover():
            print(f"composer: a session that never ended is kept as {take.name}", file=sys.stderr)
        return shelf.journal()
    except ComposerError as error:
        print(f"composer: {error}", file=sys.stderr)
        return None
