"""Hear an rtmidi input on a thread of our own, where the MIDI system's thread must not wait for Python."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

QUEUED = 8192
"""Messages that rtmidi is to keep for us: more than four seconds of a thousand notes a second."""

_POLL_SECONDS = 0.002
_DRIFT = 1e-4
"""The most that the MIDI system's clock may run slower than ours, as a share; quartzes keep to a third of that."""


class Collector:
    """Fetch what an rtmidi input queues, every two milliseconds, and pass it on with the moment of its arrival.

    JACK calls every program on a deadline, one after the other. A callback in Python would wait there for the
    interpreter's lock: the whole graph would be late, sound breaks up and messages of other programs are lost. The
    moments are the MIDI system's own, from the differences that rtmidi notes: as exact as a callback's would be.
    """

    def __init__(self, handle: Any, callback: Callable[[Sequence[int], float], None]) -> None:
        self._handle, self._callback = handle, callback
        self._elapsed = 0.0
        self._first = math.inf
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="midi-in", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; when it returns the handle may be deleted, unless it was called by the callback."""
        self._closed = True
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._closed:
            while not self._closed and (event := self._handle.get_message()) is not None:
                message, since_last = event
                self._callback(message, self._arrival(since_last))
            time.sleep(_POLL_SECONDS)

    def _arrival(self, since_last: float) -> float:
        """Return when a message came, in seconds of the monotonic clock; it can only be fetched later than that."""
        self._elapsed += since_last
        self._first = min(self._first + _DRIFT * since_last, time.monotonic() - self._elapsed)
        return self._first + self._elapsed
