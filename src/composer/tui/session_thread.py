"""The thread a session runs in: it begins with the screen and is over, with the session closed, when the screen is."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from composer.live.session import Session
    from composer.live.settings import Settings

_JOIN_SECONDS = 10.0


class SessionThread:
    """Make and run one session at a time, away from the interface's thread.

    `make` and the session's `run` are called in a thread of ours; `failed` is called there with what they raised.
    """

    def __init__(self, make: Callable[[Settings], Session], failed: Callable[[Exception], None]) -> None:
        self._make = make
        self._failed = failed
        self._lock = Lock()
        self._thread: Thread | None = None
        self._closed = False
        self.session: Session | None = None

    def open(self, settings: Settings) -> None:
        """Begin a session; returns at once. The one before it must have ended."""
        # Not a daemon: the interpreter must not go away under a session that is still ending its notes.
        self._thread = Thread(target=self._play, args=(settings,), name="session")
        self._thread.start()

    def close(self) -> None:
        """Close the session and wait for its thread; may be called twice and from any thread but the session's."""
        with self._lock:
            self._closed = True
            session = self.session
        if session is not None:
            session.close()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)

    def _play(self, settings: Settings) -> None:
        session = None
        try:
            session = self._make(settings)
            with self._lock:
                self.session = session
                closed = self._closed
            if not closed:
                session.run()
        except Exception as error:  # whatever it is, the player must read it
            self._failed(error)
        finally:
            with self._lock:
                # The failure may already have been answered by opening another one.
                if self.session is session:
                    self.session = None
            if session is not None:
                session.close()
