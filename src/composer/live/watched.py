"""A port that may disappear and come back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Literal, TypeVar

from composer.midi.ports import InputPort

P = TypeVar("P", bound=InputPort)


class Watched(Generic[P]):
    """Hold a port and open it again when it has disappeared; only its first opening may raise."""

    def __init__(self, opener: Callable[[], P]) -> None:
        self._opener = opener
        port = opener()
        self.port: P | None = port
        self.name, self.api = port.name, port.api

    def check(self) -> Literal["lost", "back"] | None:
        """Return what has changed since the last check; a lost port is opened again."""
        if self.port is None:
            return self._reopen()
        with suppress(Exception):
            if self.port.alive():
                return None
        self.close()
        return "lost"

    def close(self) -> None:
        """Close the port if it is open."""
        port, self.port = self.port, None
        with suppress(Exception):
            if port is not None:
                port.close()

    def _reopen(self) -> Literal["back"] | None:
        try:
            self.port = self._opener()
        except Exception:
            return None
        return "back"
