"""The journal: one JSON line for each message in or out, written by a thread of its own; and a score made from it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

Entry = dict[str, Any]
"""A line: `time` seconds of the monotonic clock, `tick`, and one of

in, out: the message's bytes as a list; `echo` is true for one of ours come back;
running: whether time runs, with `tempo` and `meter`, whenever one of the three changes;
locate: the tick that was left for `tick`;
parts: the machine's parts from here on, as rows of name, channel, program.
"""


class Journal:
    """Write entries to a file without making the caller wait; raises OSError when the file cannot be made.

    When the disk is full, what was written stays whole, `failure` says why, and later entries are let go. Each batch
    goes to the operating system at once, so a crash of the process loses what a few milliseconds brought. `write` may
    be called from any thread.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.failure: str | None = None
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115
        self._queue: SimpleQueue[Entry | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def write(self, entry: Entry) -> None:
        """Queue an entry."""
        self._queue.put(entry)

    def close(self, timeout_seconds: float = 1.0) -> None:
        """Write what is queued and close the file, waiting at most `timeout_seconds`."""
        self._queue.put(None)
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        with self._file:
            size = 0
            while (batch := self._batch()) is not None:
                if self.failure is None:
                    size = self._append(batch, size)

    def _batch(self) -> bytes | None:
        """Return the lines of everything queued, after waiting for the first; None at the end."""
        entry = self._queue.get()
        if entry is None:
            return None
        lines = []
        while entry is not None:
            lines.append(json.dumps(entry, separators=(",", ":")))
            try:
                entry = self._queue.get_nowait()
            except Empty:
                break
        if entry is None:
            self._queue.put(None)
        return ("\n".join(lines) + "\n").encode()

    def _append(self, batch: bytes, size: int) -> int:
        """Write `batch` after the first `size` bytes and return the new size; a batch that fails leaves no trace."""
        left = memoryview(batch)
        try:
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as error:
            self.failure = error.strerror
            with suppress(OSError):  # A torn last line is read over by read_journal.
                self._file.truncate(size)
            return size
        return size + len(batch)


def read_journal(path: str | os.PathLike[str]) -> Iterator[Entry]:
    """Yield the entries of a journal, leaving out lines that a crash or a full disk tore."""
    with open(path, "rb") as lines:
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and "time" in entry and "tick" in entry:
                yield entry
