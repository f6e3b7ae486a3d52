"""The main process's end of the io process, and an io process that is none: the same engine inside the program."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from composer.live import child
from composer.live.clock import ManualClock
from composer.live.engine import Command, Engine
from composer.live.inlet import Event
from composer.live.io import open_engine
from composer.live.settings import Settings


class Io(Protocol):
    """What a session needs of the io process."""

    @property
    def alive(self) -> bool:
        """Return whether commands still reach an engine."""
        ...

    def send(self, command: Command) -> None:
        """Send one command of docs/architecture.md; the first is `open`."""
        ...

    def close(self) -> None:
        """End every note and the engine; returns when both are done."""
        ...


def opening(settings: Settings, journal: Path | None) -> Command:
    """Return the first command: open the ports and begin as `settings` say, with a journal or without."""
    return {
        "op": "open",
        "in_port": settings.in_port,
        "out_port": settings.out_port,
        "api": settings.api,
        "internal": settings.internal_ports,
        "tempo": settings.tempo,
        "meter": list(settings.meter),
        "sync": settings.sync,
        "journal": None if journal is None else str(journal),
    }


class IoProcess:
    """Run the io process and talk to it.

    `on_event` is called with each event from a thread of its own, last with {"op": "gone", "status"} when the process
    has ended. `send` and `close` may be called from any thread.
    """

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self._process = child.start("composer.live.io")
        self._on_event = on_event
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="io events", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.poll() is None

    def send(self, command: Command) -> None:
        """Send one command; a process that has ended lets it go, and `gone` has told so."""
        line = json.dumps(command, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                assert self._process.stdin
                self._process.stdin.write(line)
                self._process.stdin.flush()
            except (OSError, ValueError):
                return

    def close(self, timeout_seconds: float = 3.0) -> None:
        """Ask the process to end every note and itself; kill it when it has not within `timeout_seconds`."""
        self.send({"op": "quit"})
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if threading.current_thread() is not self._reader:
            self._reader.join(timeout_seconds)
        with self._lock:
            assert self._process.stdin
            try:
                self._process.stdin.close()
            except OSError:
                return

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._on_event(json.loads(line))
        self._on_event({"op": "gone", "status": self._process.wait()})


class InlineIo:
    """Run an engine inside the program on ports in memory, by hand: for tests, and wherever time is given.

    `send`, `play` and the events they cause happen in `poll`, in order, so `on_event` may call `send`. `output` holds
    what left as (seconds, bytes). One thread uses it.
    """

    def __init__(self, on_event: Callable[[Event], None], clock: ManualClock) -> None:
        self.clock = clock
        self.output: list[tuple[float, bytes]] = []
        self._on_event = on_event
        self._engine: Engine | None = None
        self._inbox: deque[Command | tuple[bytes, float]] = deque()
        self._events: deque[Event] = deque()

    @property
    def alive(self) -> bool:
        """Return whether the engine has not been told to quit."""
        return self._engine is None or not self._engine.finished

    def send(self, command: Command) -> None:
        """Queue one command."""
        self._inbox.append(command)

    def play(self, data: bytes) -> None:
        """Queue a message as if it had reached the in port now."""
        self._inbox.append((data, self.clock.now()))

    def poll(self) -> float | None:
        """Do what was sent and what is due now, tell the events; return the seconds until something is due again."""
        wait = None
        while True:
            while self._inbox:
                self._take(self._inbox.popleft())
            if self._engine:
                wait = self._engine.poll(self.clock.now())
            if not self._events:
                return wait
            while self._events:
                self._on_event(self._events.popleft())

    def run(self, seconds: float) -> None:
        """Let `seconds` pass, stopping at every moment at which something is due."""
        until = self.clock.now() + seconds
        wait = self.poll()
        while wait is not None and self.clock.now() + wait <= until:
            self.clock.advance(wait)
            wait = self.poll()
        self.clock.advance(max(0.0, until - self.clock.now()))
        self.poll()

    def close(self) -> None:
        """End every note and the engine."""
        self.send({"op": "quit"})
        self.poll()

    def _take(self, item: Command | tuple[bytes, float]) -> None:
        if isinstance(item, tuple):
            if self._engine:
                self._engine.receive(*item)
        elif self._engine:
            self._engine.command(item)
        else:
            self._open(item)

    def _open(self, command: dict[str, Any]) -> None:
        internal = {**command, "internal": True}
        self._engine = open_engine(internal, self.clock, self._listen, self._events.append, self._keep)

    def _listen(self, data: Sequence[int], time: float) -> None:
        self._inbox.append((bytes(data), time))

    def _keep(self, data: Sequence[int], time: float) -> None:
        self.output.append((time, bytes(data)))
