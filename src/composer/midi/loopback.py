"""A port within the program: for tests, and where there is no MIDI system."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from composer.errors import PortError


class LoopbackPort:
    """Be both ends of a cable: what is sent reaches the callback at once, on the sender's thread.

    `clock` gives the time, in seconds, that the callback is told.
    """

    api = "loopback"

    def __init__(
        self,
        callback: Callable[[Sequence[int], float], None] | None = None,
        *,
        name: str = "loopback",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.callback = callback
        self._clock = clock
        self._open = True

    def send(self, data: Sequence[int]) -> None:
        """Hand the message `data` to the other end; PortError when the port is closed."""
        if not self._open:
            raise PortError(f"the port {self.name} is closed; open it again to send")
        if self.callback is not None:
            self.callback(tuple(data), self._clock())

    def alive(self) -> bool:
        """Return whether the port is open."""
        return self._open

    def close(self) -> None:
        """Pull the plug; closing twice does nothing."""
        self._open = False
