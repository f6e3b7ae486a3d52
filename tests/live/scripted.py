"""Doubles: generators whose every note is known beforehand, and a session driven by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from composer.generators.base import Context, PartNote
from composer.live.clock import ManualClock
from composer.live.link import InlineIo
from composer.live.net import Net
from composer.live.session import PREROLL_SECONDS, Session
from composer.live.settings import Settings
from composer.live.worker import InlineWorker
from composer.music import Note, Part, Span

MACHINE = (Part("Machine", (), 1, 5),)


@dataclass(frozen=True)
class Params:
    pass


class Echo:
    """Play, at every grid line, a pitch made of what is known: the answer changes whenever the knowledge does."""

    def __init__(self, grid: int = 240, margin: int = 40, base: int = 40, fails: bool = False) -> None:
        self.grid, self.margin, self.base, self.fails = grid, margin, base, fails

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        self.asked = context
        if self.fails:
            raise RuntimeError("no idea")
        heard = sum(n.pitch + n.duration for part in context.players for n in part.notes)
        said = sum(n.pitch for part in context.machines for n in part.notes)
        for onset in range(-(-span.start // 120) * 120, span.end, 120):
            pitch = self.base + (heard + 7 * said + context.known_until // 120 + onset // 120) % 40
            yield PartNote(context.machine[0], Note(onset, pitch, 100, 70))


class Stage:
    """A session on an inline io and an inline worker, moved by hand."""

    def __init__(self, generator=None, fallback=None, worker=None, net=MACHINE, **settings) -> None:
        self.clock = ManualClock(100.0 - PREROLL_SECONDS)
        self.generators = {"echo": generator or Echo()}
        self.io: InlineIo | None = None
        self.workers = []
        self.session = Session(
            Settings(**{"generator": generator if isinstance(generator, str) else "echo", **settings}),
            clock=self.clock,
            io=self._open,
            worker=worker or self._hire,
            net=Net(fallback or Echo(1, 0, base=90), net),
        )
        self.step()

    def _open(self, on_event):
        self.io = InlineIo(on_event, self.clock)
        return self.io

    def _hire(self, on_message):
        self.workers.append(on_message)
        return InlineWorker(on_message, self.make)

    def kill_worker(self) -> None:
        """Let the worker that was made last end without a word."""
        self.workers[-1]({"op": "gone"})
        self.step()

    def lose(self, direction) -> None:
        """Let the port "in" or "out" disappear; it comes back within two seconds."""
        port = {"in": self.io._engine._in, "out": self.io._engine._out}[direction].port
        if port is not None:
            port.close()
        self.step()

    def make(self, name, params, seed):
        if name not in self.generators:
            raise ValueError(f"no {name}")
        return self.generators[name], MACHINE

    def step(self) -> float:
        """Let everything happen that is due now; return the seconds until something is due again."""
        for _ in range(4):
            io = self.io.poll() if self.io else 0.0
            session = self.session.poll(self.clock.now())
        return min(io, session if session is not None else 1.0)

    def run_to(self, seconds: float) -> None:
        """Let time pass until `seconds` after the beginning."""
        until = 100.0 + seconds
        while self.clock.now() < until:
            self.clock.advance(min(max(self.step(), 1e-4), until - self.clock.now()))
        self.step()

    def play(self, *message: int) -> None:
        self.io.play(bytes(message))
        self.step()

    def machine_notes(self) -> list[tuple[int, int]]:
        """Return (onset, pitch) of every note-on that left, at 120 quarters a minute from second 0."""
        return [(round((t - 100) * 960), m[1]) for t, m in self.io.output if m[0] & 0xF0 == 0x90 and m[2] > 0]

    def sounding(self) -> set[tuple[int, int]]:
        """Return channel and pitch of what still sounds according to the messages that left."""
        sounding = set()
        for _, message in self.io.output:
            key = (message[0] & 0x0F, message[1])
            if message[0] & 0xF0 == 0x90 and message[2] > 0:
                sounding.add(key)
            elif message[0] & 0xF0 in (0x80, 0x90):
                sounding.discard(key)
        return sounding
