"""A seat: one generator in a worker, kept alive, and asked one question at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import SimpleQueue
from typing import Protocol

from composer.generators.base import Context
from composer.live import child
from composer.live.steps import Pace
from composer.live.wire import Message, QuestionWriter, read_parts
from composer.music import Part, Span

HANG_SECONDS = 5.0
"""A worker that was asked and says nothing for this long is taken for dead."""
OPEN_SECONDS = 60.0
"""A generator may take this long to open."""
_RETRY_SECONDS = (0.0, 0.5, 2.0, 5.0)


class Link(Protocol):
    """What a seat needs of a worker."""

    def send(self, message: Message) -> None:
        """Send one message; never waits."""
        ...

    def close(self) -> None:
        """End the worker."""
        ...


MakeLink = Callable[[Callable[[Message], None]], Link]


class WorkerProcess:
    """Run a worker process and talk to it.

    `on_message` is called from a thread of its own, last with {"op": "gone"}. `send` and `close` never wait for the
    worker and may be called from any thread.
    """

    def __init__(self, on_message: Callable[[Message], None]) -> None:
        self._process = child.start("composer.live.worker", large_pages=True)
        self._on_message = on_message
        self._outbox: SimpleQueue[Message | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._write, "worker questions"), (self._read, "worker answers"))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Send one message; a worker that has ended lets it go."""
        self._outbox.put(message)

    def close(self) -> None:
        """Kill the worker: it holds nothing that could be lost."""
        self._process.kill()
        self._outbox.put(None)
        self._process.wait()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(1.0)

    def _write(self) -> None:
        assert self._process.stdin
        with suppress(OSError, ValueError):
            while (message := self._outbox.get()) is not None:
                self._process.stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
                self._process.stdin.flush()
        with suppress(OSError):
            self._process.stdin.close()

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                try:
                    message = json.loads(line)
                except ValueError:
                    # A library printed into the protocol's stream.
                    continue
                self._on_message(message)
        self._outbox.put(None)
        self._process.wait()
        self._on_message({"op": "gone"})


class Seat:
    """Hold one generator: open it, ask it, and put another worker in its place when it dies.

    `post` takes the seat and each message of its present worker, from any thread; the rest belongs to one thread.
    """

    def __init__(
        self, number: int, make: MakeLink, post: Callable[[Seat, int, Message], None], pace: Pace, seed: int
    ) -> None:
        self.number = number
        self.name = ""
        self.params: dict[str, str] = {}
        self.state = "starting"
        self.parts: tuple[Part, ...] = (Part("Machine"),)
        self.pace = pace
        self.restarts = 0
        self.boundary: int | None = None
        """The last grid line at which this seat was asked; None asks at once."""
        self.expected: int | None = None
        """The last grid line that it was asked about early."""
        self._make, self._post, self._seed = make, post, seed
        self._link: Link | None = None
        self._life = 0
        self._deaths = 0
        self._writer = QuestionWriter()
        self._waiting_since: float | None = None
        self._retry_at: float | None = None
        self._asked: tuple[int, Context | None, Span] = (0, None, Span(0, 0))
        self._accepted: dict[str, str] = {}

    @property
    def is_ready(self) -> bool:
        """Return whether the generator is open."""
        return self.state == "ready"

    def open(self, name: str, params: Mapping[str, str], now: float) -> None:
        """Open a generator, in a new worker unless one runs."""
        self.name, self.params = name, dict(params)
        if self._link is None:
            self._connect(now)
        else:
            self._send_open(now)

    def ask(self, id: int, context: Context, span: Span, now: float) -> None:
        """Ask for `span`; the newest question is the one that is answered."""
        if self._link is not None and self.is_ready:
            self._waiting_since, self._asked = now, (id, context, span)
            self._link.send(self._writer.write(id, context, span))

    def asked(self, context: Context, span: Span) -> int:
        """Return the number of the last question when it was this one, else 0."""
        id, *question = self._asked
        return id if question == [context, span] else 0

    def take(self, life: int, message: Message, now: float) -> Message | None:
        """Take a message of a worker and return it, None when it was only the seat's business or a dead worker's."""
        if life != self._life:
            return None
        match message["op"]:
            case "gone":
                self._died(now)
            case "learning":
                self._waiting_since = now
                if not self.is_ready:
                    self.state = f"starting: {message['done']} of {message['of']} files read"
            case "opened":
                self.state, self._deaths = "ready", 0
                self._waiting_since, self.boundary, self._accepted = None, None, self.params
                self._asked = (0, None, Span(0, 0))
                self.parts = read_parts(message["parts"])
                self.pace = self._paced(message)
                return message
            case "failed" if message["id"] is None:
                self._waiting_since = None
                self.params = self._accepted
                if not self.is_ready:
                    self.state = f"failed: {message['message']}"
                return message
            case _:
                is_last = message["op"] == "failed" or message["span"][1] >= self._asked[2].end
                if message["id"] == self._asked[0]:
                    self._waiting_since = None if is_last else now
                return message
        return None

    def check(self, now: float) -> None:
        """Replace a worker that hangs or has died."""
        limit = HANG_SECONDS if self.is_ready else OPEN_SECONDS
        if self._waiting_since is not None and now - self._waiting_since > limit:
            self._died(now)
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            self._connect(now)

    def close(self) -> None:
        """End the worker."""
        self._life += 1
        self._retry_at = self._waiting_since = None
        if self._link is not None:
            self._link.close()
            self._link = None

    def _connect(self, now: float) -> None:
        self._life += 1
        life = self._life
        self.state, self._writer = "starting", QuestionWriter()
        self._link = self._make(lambda message: self._post(self, life, message))
        self._send_open(now)

    def _send_open(self, now: float) -> None:
        assert self._link
        self._waiting_since = now
        self._link.send({"op": "open", "name": self.name, "params": self.params, "seed": self._seed, "folder": None})

    def _died(self, now: float) -> None:
        self.close()
        self.state = "starting"
        self.restarts += 1
        self._retry_at = now + _RETRY_SECONDS[min(self._deaths, len(_RETRY_SECONDS) - 1)]
        self._deaths += 1

    def _paced(self, message: Message) -> Pace:
        grid = message["grid"]
        lead = max(1, message.get("lead", 1))
        if grid > 1 and self.pace.commit_is_set:
            lead = 1 + -(-self.pace.commit // grid)
        return Pace(grid, message["margin"], lead, self.pace.commit, self.pace.lookahead, self.pace.commit_is_set)
