"""composer jam: the live engine without an interface."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from composer.commands import options
from composer.errors import ModelError, PortError

if TYPE_CHECKING:
    from composer.live.session import Session
    from composer.live.settings import Settings
    from composer.live.stats import Stats


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    options.add_session(parser)
    help = "write what you and the machine played to this MIDI file at the end"
    parser.add_argument("--record", type=Path, metavar="FILE.mid", help=help)
    parser.add_argument("--stats", type=Path, metavar="FILE.json", help="write the figures of the run to this file")
    options.add_force(parser)
    help = "end by itself after so many seconds (default: Ctrl-C ends it)"
    parser.add_argument("--duration", type=options.number(0.1, 1e7), metavar="SECONDS", help=help)
    help = "let the built-in player play, and tell each bar; without a MIDI system, through ports inside the program"
    parser.add_argument("--demo", action="store_true", help=help)
    options.add_preset(parser)


def run(args: argparse.Namespace) -> int:
    """Play until the duration is over or a signal comes, and say what was played."""
    options.settle(args)
    settings = settings_of(args)
    from composer.live.session import Session

    session = Session(settings)
    with closed_by_signals(session), company(session, demo=args.demo, bars=args.demo):
        stats = session.run()
    tell_end(settings, stats)
    return 0


def settings_of(args: argparse.Namespace) -> Settings:
    """Return what the flags say; an error names the flag that cannot be followed, before anything is opened."""
    for path in (args.record, args.stats):
        if path is not None:
            options.writable(path, args.force)
    return replace(
        options.session(args),
        record=args.record,
        stats=args.stats,
        duration=args.duration,
        internal_ports=_needs_internal_ports(args),
    )


def _needs_internal_ports(args: argparse.Namespace) -> bool:
    """Return whether ports inside the program must stand in; PortError without a MIDI system and without --demo."""
    from composer.midi.ports import list_ports

    try:
        list_ports(args.api)
    except PortError as error:
        if args.demo and args.in_port is None and args.out_port is None:
            return True
        raise PortError(f"{error}; `composer jam --demo` plays without one") from error
    return False


@contextmanager
def closed_by_signals(session: Session) -> Iterator[None]:
    """End the session in order when terminal, system or user asks for it, also while it is opening or ending."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: session.close()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def company(session: Session, *, demo: bool, bars: bool) -> Iterator[None]:
    """Start the time once the generator is open, tell what happens, and let the built-in player play in a demo.

    ModelError when the generator could not be opened.
    """
    from composer.commands.account import Account

    account = Account(session, bars)
    account.begin()
    player = None
    if demo:
        from composer.live.demo import Demo

        player = Demo(lambda: session)
    try:
        yield
    finally:
        if player is not None:
            player.stop()
        account.end()
    if account.failure:
        raise ModelError(account.failure)


def tell_end(settings: Settings, stats: Stats) -> None:
    """Say on stderr how many notes there were and where they are."""
    late = stats.late_ms
    print(
        f"you played {stats.notes_in} notes, the machine {stats.notes_out}"
        f" (half of them within {late['p50']:.1f} ms of their moment, 99 of 100 within {late['p99']:.1f} ms)",
        file=sys.stderr,
    )
    if settings.record is not None and settings.record.exists():
        print(f"the recording is in {settings.record}", file=sys.stderr)
        if shutil.which("fluidsynth"):
            print(f"hear it: {hear(settings.record)}", file=sys.stderr)


def hear(recording: Path) -> str:
    """Return the command that makes sound of a recording, with the soundfont that pretty_midi carries."""
    from importlib.util import find_spec

    found = find_spec("pretty_midi")
    folder = Path(found.origin).parent if found and found.origin else Path()
    return f"fluidsynth -ni -F {recording.with_suffix('.wav')} {folder / 'TimGM6mb.sf2'} {recording}"
