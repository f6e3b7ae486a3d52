"""A job: one piece of offline composing in a process of its own, with progress, that can be given up at any moment.

Run as `python -m composer.live.job`: one request as a JSON object on stdin, answers on stdout, one JSON object a line:
{"share": 0..1} while it works, then {"done": path, "notes": number} or {"failed": sentence}. The process is nice, so
that music that plays meanwhile is on time; giving up is ending it, and what it had not finished leaves no file.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

from composer.errors import ComposerError, UsageError
from composer.live import child
from composer.music import Score

VERBS = ("generate", "continue", "accompany", "infill")
_STEP = 0.01


@dataclass(frozen=True, slots=True)
class Request:
    """Hold what to compose: the verb, the file to begin from, the file to write, and who writes it."""

    verb: str
    output: Path
    generator: str
    input: Path | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    bars: int = 8
    """How many bars `generate` and `continue` write."""
    span: tuple[int, int] | None = None
    """The bars, counted from 0, that are taken of the input (`accompany`) or written anew (`infill`)."""
    parts: tuple[str, ...] | None = None
    """The parts that are heard (`accompany`; the others are left out) or rewritten (`infill`); None is all."""
    role: str = "accompany"
    tempo: float = 120.0
    meter: tuple[int, int] = (4, 4)
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else the text in the written file says."""

    def to_json(self) -> dict[str, Any]:
        """Return the request as JSON values."""
        names = self.__dataclass_fields__
        values = {name: getattr(self, name) for name in names}
        return {**values, "output": str(self.output), "input": None if self.input is None else str(self.input)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Request:
        """Return the request that `to_json` wrote."""
        found = dict(values)
        found["output"] = Path(found["output"])
        found["input"] = Path(found["input"]) if found["input"] is not None else None
        for name in ("span", "parts", "meter"):
            found[name] = tuple(found[name]) if found[name] is not None else None
        return Request(**found)


def compose(request: Request, progress: Callable[[float], None] | None = None) -> Score:
    """Return the music a request asks for; ComposerError when that cannot be had."""
    from composer.live import offline
    from composer.midi import files

    made: dict[str, Any] = {"params": dict(request.params), "seed": request.seed, "progress": progress}
    name = request.generator
    if request.verb == "generate":
        return offline.generate(name, bars=request.bars, tempo=request.tempo, meter=request.meter, **made)
    if request.input is None or request.verb not in VERBS:
        raise UsageError(f"there is no job {request.verb!r} without a file; the jobs are {', '.join(VERBS)}")
    score = files.read(request.input)
    if request.verb == "infill":
        if request.span is None:
            raise UsageError("infill needs the bars to write anew; choose the first and the last")
        return offline.infill(score, name, bars=request.span, parts=request.parts, **made)
    if request.span is not None:
        score = taken(score, *request.span)
    if request.verb == "continue":
        return rejoined(score, offline.continue_score(score, name, bars=request.bars, **made))
    if request.parts is not None:
        score = replace(score, parts=tuple(part for part in score.parts if part.name in request.parts))
    return offline.accompany(score, name, role=request.role, **made)  # type: ignore[arg-type]


def taken(score: Score, first: int, end: int) -> Score:
    """Return bars [first, end) of a score, from tick 0; notes that last longer end there."""
    from composer.music import Span

    span = Span(score.bar_tick(first), score.bar_tick(end))
    parts = tuple(
        part.with_notes(replace(n, duration=min(n.duration, span.end - n.onset)) for n in part.within(span))
        for part in score.parts
    )
    within = replace(score, parts=parts, tempos=tuple(t for t in score.tempos if t.tick < span.end))
    meters = tuple(meter for meter in score.meters if meter.tick < span.end)
    return replace(within, meters=meters).shift(-span.start)


def rejoined(before: Score, after: Score) -> Score:
    """Return `after` with what a part that was new in it plays given to the part of `before` that it goes on with.

    The machine's part is called as the one it goes on with, and an apostrophe follows because that name was taken.
    """
    score = before
    for part in after.parts[len(before.parts) :]:
        old = next((p for p in score.parts if p.name == part.name.rstrip("'") and p.is_drums == part.is_drums), None)
        if old is None or part.name == old.name:
            score = score.with_part(part)
        else:
            score = score.with_part(old.with_notes((*old.notes, *part.notes)))
    return replace(after, parts=score.parts)


class Job:
    """Run one request in a process; `progress` and then `ended` are called from a thread of its own.

    `ended` gets the path that was written, or None and the sentence that says why not; it is not called after `cancel`.
    """

    def __init__(
        self, request: Request, progress: Callable[[float], None], ended: Callable[[Path | None, str], None]
    ) -> None:
        self._progress, self._ended = progress, ended
        self._is_cancelled = False
        self._process = child.start("composer.live.job", large_pages=True)
        assert self._process.stdin
        with suppress(OSError), self._process.stdin as pipe:
            pipe.write(json.dumps(request.to_json()).encode() + b"\n")
        self._thread = threading.Thread(target=self._read, name="job", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Give it up, whatever it does; returns when the process has ended."""
        self._is_cancelled = True
        self._process.kill()
        self._process.wait()
        if threading.current_thread() is not self._thread:
            self._thread.join(1.0)

    def wait(self, timeout_seconds: float | None = None) -> None:
        """Wait for the end."""
        self._thread.join(timeout_seconds)

    def _read(self) -> None:
        answer: dict[str, Any] = {}
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                try:
                    answer = json.loads(line)
                except ValueError:
                    # A library printed into the stream of answers.
                    continue
                if "share" in answer and not self._is_cancelled:
                    self._progress(float(answer["share"]))
        self._process.wait()
        if self._is_cancelled:
            return
        if "done" in answer:
            self._ended(Path(answer["done"]), "")
        else:
            self._ended(None, answer.get("failed") or "the process that composed has ended; try again")


def serve(request: Request, out: TextIO) -> None:
    """Compose, write the file and answer on `out`."""
    from composer import __version__
    from composer.midi import files

    told = -1.0

    def answer(message: Mapping[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    def progress(share: float) -> None:
        nonlocal told
        if share - told >= _STEP:
            told = share
            answer({"share": round(share, 3)})

    try:
        score = compose(request, progress)
        facts = {"composer": __version__, "verb": request.verb, "generator": request.generator, "seed": request.seed}
        facts |= {"params": dict(request.params), **request.facts}
        files.write(score, request.output, comment=json.dumps(facts, ensure_ascii=False), force=True)
        answer({"done": str(request.output), "notes": sum(len(part.notes) for part in score.parts)})
    except ComposerError as error:
        answer({"failed": str(error)})
    except Exception as error:
        answer({"failed": f"{request.generator} stumbled ({type(error).__name__}: {error})"})


def main() -> None:
    """Do the one job that stdin asks for."""
    # What a generator prints must not break the stream of answers.
    out, sys.stdout = sys.stdout, sys.stderr
    if hasattr(os, "nice"):
        os.nice(10)
    with suppress(BrokenPipeError):
        serve(Request.from_json(json.loads(sys.stdin.readline())), out)


if __name__ == "__main__":
    main()
