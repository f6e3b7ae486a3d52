"""composer without a verb: the terminal interface."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread

from composer.commands import options
from composer.errors import ComposerError, UsageError


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    options.add_session(parser)
    options.add_preset(parser)
    parser.set_defaults(preset=None)


def run(args: argparse.Namespace) -> int:
    """Open the interface with what flags, preset and settings say; UsageError where nothing can be drawn on."""
    # In a browser there is no terminal either: what serves the interface has told Textual how to draw.
    is_served = "TEXTUAL_DRIVER" in os.environ
    if not (is_served or (sys.stdin.isatty() and sys.stdout.isatty())):
        raise UsageError("the interface needs a terminal; without one, use `composer jam` (see composer --help)")
    from composer import preferences
    from composer.tui import app

    is_first = not preferences.place().exists()
    options.settle(args)
    settings = options.session(args)
    if is_served:
        Thread(target=_end_with_the_server, name="server watch", daemon=True).start()
    return app.run(replace(settings, journal=_journal()), first_time=is_first)


def _end_with_the_server() -> None:
    """Wait until the other end of stdin has gone, and end this process in order: nobody could stop the music."""
    if not hasattr(select, "poll"):
        return
    gone = select.poll()
    gone.register(0, 0)
    gone.poll()
    # What is still drawn must not fail on its way to nobody.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.kill(os.getpid(), signal.SIGTERM)


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
