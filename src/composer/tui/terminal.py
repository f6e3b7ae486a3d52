"""The terminal drawn on: Textual's, but one that may close or be suspended while something is being drawn."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.driver import Driver


def enduring(kind: type[Driver]) -> type[Driver]:
    """Return `kind`, as one that goes on when the terminal has gone, if it draws on a Unix terminal."""
    if sys.platform == "win32":
        return kind
    from textual.drivers.linux_driver import LinuxDriver

    if kind is not LinuxDriver:
        return kind

    class Enduring(LinuxDriver):
        """Draw on a terminal for as long as there is one.

        A write that failed would end the thread that writes, and the interface would wait for it for ever, while the
        music goes on.
        """

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._file: Any = _Forgiving(self._file)

        def _sigcont_application(self, *heard: Any) -> None:
            # What was stopped without having been asked has given nothing back, and must not take it twice.
            if self._must_signal_resume:
                super()._sigcont_application(*heard)

    return Enduring


class _Forgiving:
    """Write to a file, or to nobody once it has gone."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write."""
        with suppress(OSError, ValueError):
            self._file.write(text)

    def flush(self) -> None:
        """Flush; what the file could not take is dropped with it."""
        with suppress(OSError, ValueError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
