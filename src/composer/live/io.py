"""The io process: ports, clock, plan, ledger and journal, apart from everything that may be slow.

Run as `python -m composer.live.io`: commands come in on stdin and events go out on stdout, one JSON object a line
(docs/architecture.md). It waits for nobody: a thread reads commands, a thread writes events, a thread writes the
journal, and the main thread sleeps until the next due moment or the next message. One asyncio loop for everything
would let a redraw or a slow disk delay a note; so would a model in this process, which is why it imports the standard
library, the MIDI packages and musical time, and nothing else.

When stdin closes, for whatever reason, every sounding note is ended, the journal is flushed and the process exits.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from composer.errors import ComposerError, FileError
from composer.live.clock import Clock, SystemClock
from composer.live.engine import Command, Engine, Setup
from composer.live.inlet import Event
from composer.live.journal import Journal
from composer.midi.loopback import LoopbackPort
from composer.midi.ports import InputPort, OutputPort, open_input, open_output

Listener = Callable[[Sequence[int], float], None]
Message = tuple[bytes, float]
Inbox = SimpleQueue[Command | Message]

_QUIT: Command = {"op": "quit"}
# A wait of the system may end up to a timer's grain late, so it ends this much early and the rest is slept in crumbs.
_GRAIN_SECONDS = 0.001
_CRUMB_SECONDS = 0.0002
# A MIDI system that died may never return from closing a port.
_EXIT_SECONDS = 2.0


def open_engine(
    command: Command,
    clock: Clock,
    listen: Listener,
    emit: Callable[[Event], None],
    keep: Listener | None = None,
) -> Engine | None:
    """Return the engine that an `open` command asks for and emit `ready`, or return None and emit `failed`.

    `listen` is called with what the in port receives, from the port's own thread. With `internal`, ports in memory
    stand in for the MIDI system: what is sent goes to `keep`, what is received comes with the command `feed`.
    """
    try:
        if command.get("op") != "open":
            raise ComposerError(f"the first command must be open, not {command.get('op')!r}")
        open_in, open_out = _openers(command, clock, listen, keep)
        setup = Setup(
            float(command.get("tempo", 120)), _meter(command.get("meter", (4, 4))), command.get("sync", "internal")
        )
        journal = _journal(command["journal"]) if command.get("journal") else None
        engine = Engine(clock, open_in, open_out, emit, setup, journal)
    except (ComposerError, OSError, ValueError, TypeError) as error:
        kind, status = type(error).__name__, getattr(error, "exit_status", 1)
        emit({"op": "failed", "message": str(error), "status": status, "kind": kind})
        return None
    emit({"op": "ready", **engine.ports()})
    return engine


def _journal(path: str) -> Journal:
    try:
        return Journal(path)
    except OSError as error:
        folder = Path(path).parent
        raise FileError(f"nothing can be recorded in {folder} ({error.strerror}); choose another --record") from error


def _meter(values: list[int]) -> tuple[int, int]:
    numerator, denominator = values
    return int(numerator), int(denominator)


def _openers(
    command: Command, clock: Clock, listen: Listener, keep: Listener | None
) -> tuple[Callable[[], InputPort], Callable[[], OutputPort]]:
    if command.get("internal"):
        return (
            lambda: LoopbackPort(listen, name="in", clock=clock.now),
            lambda: LoopbackPort(keep, name="out", clock=clock.now),
        )

    api, client = command.get("api") or "auto", command.get("client") or "composer"
    in_port, out_port = command.get("in_port"), command.get("out_port")
    return (
        lambda: open_input(in_port, listen, api=api, client=client),
        lambda: open_output(out_port, api=api, client=client),
    )


def read_commands(descriptor: int) -> Iterator[Command]:
    """Yield the JSON objects that arrive on a file descriptor, one a line, until it closes; other lines are let go."""
    # Not sys.stdin: a daemon thread that waits inside its lock would abort the interpreter at exit.
    rest = b""
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:
            return
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            with suppress(ValueError):
                command = json.loads(line)
                if isinstance(command, dict):
                    yield command


class EventWriter:
    """Write events to a file descriptor from a thread of its own, so that a reader who stalls delays nobody."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: SimpleQueue[Event | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def emit(self, event: Event) -> None:
        """Queue an event; from any thread."""
        self._queue.put(event)

    def close(self, timeout_seconds: float) -> None:
        """Write what is queued, waiting at most `timeout_seconds`."""
        self._queue.put(None)
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        # A closed pipe raises OSError: nobody reads any more, and the commands' end of file ends the process.
        with suppress(OSError):
            while (event := self._queue.get()) is not None:
                left = memoryview(json.dumps(event, separators=(",", ":")).encode() + b"\n")
                while left:
                    left = left[os.write(self._descriptor, left) :]


def next_item(inbox: Inbox, clock: Clock, seconds: float | None) -> Command | Message | None:
    """Return the next item of the inbox, None when `seconds` have passed without one; sleeps, to within 0.2 ms."""
    deadline = clock.now() + (1.0 if seconds is None else seconds)
    left = deadline - clock.now()
    try:
        if left > _GRAIN_SECONDS:
            return inbox.get(timeout=left - _GRAIN_SECONDS)
        while inbox.empty() and (left := deadline - clock.now()) > 0:
            time.sleep(min(left, _CRUMB_SECONDS))
        return inbox.get_nowait()
    except Empty:
        return None


def run(engine: Engine, inbox: Inbox, clock: Clock) -> None:
    """Turn the engine until it has finished."""
    while not engine.finished:
        item = next_item(inbox, clock, engine.poll(clock.now()))
        if isinstance(item, tuple):
            engine.receive(*item)
        elif item is not None:
            engine.command(item)


def main() -> int:
    """Run the io process; return the exit status: 0, or 1 when the ports could not be opened."""
    clock, inbox, writer = SystemClock(), Inbox(), EventWriter(1)
    # The main process hears Ctrl-C too and decides; the other signals, and its death, end the music at once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: inbox.put(_QUIT))
    threading.Thread(target=_read, args=(inbox,), name="commands", daemon=True).start()
    first = inbox.get()
    if first == _QUIT:
        return 0
    assert isinstance(first, dict)
    engine = open_engine(first, clock, lambda data, at: inbox.put((bytes(data), at)), writer.emit)
    if engine is None:
        writer.close(1.0)
        return 1
    _favour_time()
    run(engine, inbox, clock)
    _leave(engine, writer)
    return 0


def _read(inbox: Inbox) -> None:
    for command in read_commands(0):
        inbox.put(command)
    inbox.put(_QUIT)


def _favour_time() -> None:
    """Ask the system to wake the player's thread first, where that is allowed."""
    sys.setswitchinterval(0.0005)
    gc.freeze()
    with suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))


def _leave(engine: Engine, writer: EventWriter) -> None:
    # A MIDI system can hang while a port is closed, and rtmidi then keeps the interpreter's lock, so the guard must be
    # a thread that does not need it. By now every note has been ended and the journal is on the disk.
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(_EXIT_SECONDS, exit=True, file=nowhere)
        writer.close(0.3)
        engine.close()
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    sys.exit(main())
