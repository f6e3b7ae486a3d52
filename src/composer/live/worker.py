"""The worker: one generator in a process of its own, answering the newest question.

Started as `python -m composer.live.worker`; JSON lines on stdin and stdout. It ends when stdin closes.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TextIO

from composer.errors import ComposerError
from composer.generators import load
from composer.generators.base import Generator, parse_params
from composer.generators.corpus import watcher
from composer.live.steps import answers
from composer.live.wire import Message, QuestionReader, write_notes, write_parts
from composer.music import Part

PATIENCE = 2
"""Questions that may be given up for a newer one before one step is finished anyway."""

Make = Callable[[str, dict[str, str], int], tuple[Generator, tuple[Part, ...]]]


def make_with_parts(name: str, params: dict[str, str], seed: int) -> tuple[Generator, tuple[Part, ...]]:
    """Return a generator and the parts it plays; ComposerError says why it cannot be made."""
    cls: Any = load(name)
    parsed = parse_params(cls.Params, params)
    return cls(parsed, seed), machine_parts(cls, parsed)


def machine_parts(cls: Any, params: Any) -> tuple[Part, ...]:
    """Return the parts that the generator class `cls` plays: what its `parts` says, or one part called Machine."""
    parts = getattr(cls, "parts", None)
    found = parts(params) if callable(parts) else parts
    return tuple(found) if found else (Part("Machine"),)


class Desk:
    """Hold one generator and answer messages; `send` takes the answers. One thread opens and answers."""

    def __init__(self, send: Callable[[Message], None], make: Make = make_with_parts) -> None:
        self._send = send
        self._make = make
        self._generator: Generator | None = None
        self._has_sent = False

    def open(self, message: Message) -> None:
        """Make the generator a message names, and say how it wants to be asked, or why it cannot be made."""
        try:
            params = dict(message.get("params", {}))
            watcher.set(lambda done, of: self._send({"op": "learning", "done": done, "of": of}))
            self._generator, parts = self._make(message["name"], params, message.get("seed", 0))
        except Exception as error:
            self._send({"op": "failed", "id": None, "message": _sentence(error)})
            return
        generator = self._generator
        lead = getattr(getattr(generator, "params", None), "lead", params.get("lead", 1))
        opened: Message = {
            "op": "opened",
            "name": message["name"],
            "grid": generator.grid,
            "margin": generator.margin,
            "lead": int(lead) if str(lead).lstrip("-").isdigit() else 1,
            "parts": write_parts(parts),
        }
        if notice := getattr(generator, "notice", str)():
            opened["notice"] = notice
        self._send(opened)

    def answer(self, question: tuple[int, Any, Any], stop: Callable[[bool], bool] = lambda finished: False) -> bool:
        """Send one `proposed` per grid step; return whether at least one was. `stop` is told whether one was sent."""
        id, context, span = question
        if self._generator is None:
            self._send({"op": "failed", "id": id, "message": "no generator is open"})
            return True
        self._has_sent, began = False, time.monotonic()
        try:
            for step, notes in answers(self._generator, context, span, partial(self._is_over, stop)):
                self._send(self._proposed(id, [step.start, step.end], write_notes(notes), began))
                self._has_sent, began = True, time.monotonic()
                self._prepare(stop)
                if stop(True):
                    break
        except Exception as error:
            self._send({"op": "failed", "id": id, "message": _sentence(error)})
            return True
        return self._has_sent

    def _prepare(self, stop: Callable[[bool], bool]) -> None:
        """Let the generator do ahead what the next question will need, as long as none has come."""
        steps: Iterator[object] = iter(getattr(self._generator, "prepare", tuple)())
        while not stop(True) and next(steps, steps) is not steps:
            pass

    def _is_over(self, stop: Callable[[bool], bool]) -> bool:
        return stop(self._has_sent)

    def _proposed(self, id: int, span: list[int], notes: list[list[Any]], began: float) -> Message:
        ms = round((time.monotonic() - began) * 1000, 3)
        message: Message = {"op": "proposed", "id": id, "span": span, "notes": notes, "ms": ms}
        if chords := getattr(self._generator, "chords", None):
            message["chords"] = [[int(tick), str(symbol)] for tick, symbol in chords]
        if key := getattr(self._generator, "key", None):
            message["key"] = str(key)
        return message


class InlineWorker:
    """Answer at once, in the thread that asks, without a process: for tests and offline checks."""

    def __init__(self, on_message: Callable[[Message], None], make: Make = make_with_parts) -> None:
        self._desk = Desk(on_message, make)
        self._reader = QuestionReader()

    def send(self, message: Message) -> None:
        """Take one message and answer it before returning."""
        # What crosses a pipe is JSON; going through it here shows what would not survive.
        message = json.loads(json.dumps(message))
        if message["op"] == "open":
            self._desk.open(message)
        elif message["op"] == "propose":
            self._desk.answer(self._reader.read(message))

    def close(self) -> None:
        """Do nothing: there is no process to end."""


class _Inbox:
    """Hold the newest question, and every `open` in order."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._opens: list[Message] = []
        self._question: tuple[int, Any, Any] | None = None
        self._closed = False

    def put(self, open_: Message | None = None, question: tuple[int, Any, Any] | None = None) -> None:
        with self._changed:
            if open_:
                self._opens.append(open_)
            self._question = question or self._question
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def waiting(self) -> bool:
        return self._closed or bool(self._opens) or self._question is not None

    def take(self) -> Message | tuple[int, Any, Any] | None:
        """Return an `open`, else the newest question, else None when the session is gone."""
        with self._changed:
            self._changed.wait_for(self.waiting)
            if self._closed:
                return None
            if self._opens:
                return self._opens.pop(0)
            question, self._question = self._question, None
            return question


def serve(lines: TextIO, out: TextIO) -> None:
    """Answer the messages of `lines` on `out` until `lines` ends."""
    inbox = _Inbox()

    def send(message: Message) -> None:
        out.write(json.dumps(message, separators=(",", ":")) + "\n")
        out.flush()

    threading.Thread(target=_read, args=(lines, inbox), name="questions", daemon=True).start()
    desk, given_up = Desk(send), 0
    try:
        while (item := inbox.take()) is not None:
            if isinstance(item, dict):
                desk.open(item)
                continue
            patience = given_up < PATIENCE
            finished = desk.answer(item, lambda done, patience=patience: inbox.waiting() and (done or patience))  # type: ignore[misc]
            given_up = 0 if finished else given_up + 1
    except BrokenPipeError:
        return


def _read(lines: TextIO, inbox: _Inbox) -> None:
    reader = QuestionReader()
    for line in lines:
        message = json.loads(line)
        if message["op"] == "open":
            inbox.put(open_=message)
        elif message["op"] == "propose":
            inbox.put(question=reader.read(message))
    inbox.close()


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, ComposerError) else f"{type(error).__name__}: {error}"


def main() -> None:
    """Serve the session at the other end of stdin and stdout."""
    # A generator that prints must not break the protocol.
    out, sys.stdout = sys.stdout, sys.stderr
    serve(sys.stdin, out)


if __name__ == "__main__":
    main()
