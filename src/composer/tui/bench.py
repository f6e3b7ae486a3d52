"""What the interface costs, in a terminal of its own: from a key to the screen that shows it, and its share of a core.

The interface runs in a process of its own on a pseudo terminal, as it does for a user; `python -m composer.tui.bench`
is that process.
"""

from __future__ import annotations

import json
import os
import re
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from composer.errors import ComposerError
from composer.live.lateness import quantiles
from composer.live.settings import Settings
from composer.live.stats import Stats

COLUMNS, ROWS = 120, 40
PAUSE_SECONDS = 0.35
"""Between two keys."""
PATIENCE_SECONDS = 2.0
"""A key that shows nothing for this long is counted as this late."""
KEYS = (("+", "=121"), ("-", "=120")) * 3
"""Keys with what they put on the screen: the tempo, once io process and session have taken it."""
LIST_KEYS = (("g", "music-of-changes"), ("g", ""))
"""Keys that open a list and close it, where nothing is measured."""
_OPEN_SECONDS, _SAMPLE_SECONDS = 60.0, 0.5
_ESCAPES = re.compile(
    r"\x1b\[[0-9;?<>=$]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>78c]|\x1b[\]P][^\x07\x1b]*(?:\x07|\x1b\\)"
)


def play(settings: Settings) -> tuple[Stats, dict[str, Any]]:
    """Play for the settings' duration with the built-in player; return the session's and the interface's figures.

    During the second half of the time keys are pressed. `key_ms` and `list_ms` are quantiles of the milliseconds from
    a key to the screen that shows what it did, for commands and for the list of generators; `core_share` is the part of
    one core that the process took besides the session's own thread during the first half. ComposerError where there are
    no pseudo terminals, or when the interface does not come up.
    """
    assert settings.duration
    assert settings.stats
    figures = settings.stats.with_name("interface.json")
    screen = _Screen(settings, figures)
    try:
        screen.wait("ready", _OPEN_SECONDS)
        screen.press(" ")
        began = time.monotonic()
        half, end = began + settings.duration / 2, began + settings.duration
        screen.pass_(settings.duration / 2)
        late_ms: dict[str, list[float]] = {"key_ms": [], "list_ms": []}
        while time.monotonic() < end:
            late_ms["key_ms"] += _pressed(screen, KEYS)
            late_ms["list_ms"] += _pressed(screen, LIST_KEYS)
        screen.end()
    finally:
        screen.kill()
    share = _share(json.loads(figures.read_text("utf-8")), began, half)
    stats = Stats(**json.loads(settings.stats.read_text("utf-8")))
    return stats, {**{name: quantiles(values) for name, values in late_ms.items()}, "core_share": share}


def _pressed(screen: _Screen, keys: Iterable[tuple[str, str]]) -> Iterator[float]:
    """Press keys one after the other, and yield after how many milliseconds each showed."""
    for key, shown in keys:
        screen.press(key)
        if shown:
            yield screen.wait(shown, PATIENCE_SECONDS) * 1000
        screen.pass_(PAUSE_SECONDS)


def _share(samples: list[tuple[float, float]], begin: float, end: float) -> float:
    """Return the growth of (monotonic seconds, seconds of work) inside a time, a second of work a second being 1."""
    inside = [(at, worked) for at, worked in samples if begin <= at <= end]
    (first, before), (last, after) = inside[0], inside[-1]
    return round((after - before) / (last - first), 4)


class _Screen:
    """Hold the interface's process and its pseudo terminal."""

    def __init__(self, settings: Settings, figures: Path) -> None:
        try:
            import fcntl
            import pty
            import termios
        except ImportError as error:
            raise ComposerError(
                "the interface is measured on a pseudo terminal, which this system has not; use --no-interface"
            ) from error
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        told = {name: getattr(settings, name) for name in ("generator", "api", "seed", "internal_ports")}
        told |= {"params": dict(settings.params), "stats": str(settings.stats)}
        command = [sys.executable, "-m", "composer.tui.bench", json.dumps(told), str(figures)]
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
        )
        os.close(theirs)
        self._text = ""

    def press(self, key: str) -> None:
        """Type a key; what was drawn before does not count any more."""
        self.pass_(0.0)
        self._text = ""
        os.write(self._ours, key.encode())

    def wait(self, shown: str, seconds: float) -> float:
        """Return after how many seconds `shown` was drawn, at most `seconds`; ComposerError when the process ended."""
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            self._read(seconds - passed)
            if shown in _ESCAPES.sub("", self._text):
                return time.monotonic() - began
            if self._process.poll() is not None:
                raise ComposerError(f"the interface ended by itself: {_ESCAPES.sub('', self._text)[-500:].strip()}")
        return seconds

    def pass_(self, seconds: float) -> None:
        """Let time pass, and what is drawn go by."""
        end = time.monotonic() + seconds
        while self._read(max(0.0, end - time.monotonic())):
            pass

    def end(self) -> None:
        """Ask the interface to leave, and wait until it has."""
        self._process.terminate()
        end = time.monotonic() + _OPEN_SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            self._read(0.1)

    def kill(self) -> None:
        """Leave no process behind."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def _read(self, seconds: float) -> bool:
        """Read what is drawn within `seconds`; return whether anything was."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:
            # The other end has closed.
            return False
        self._text = (self._text + data.decode(errors="replace"))[-200_000:]
        return bool(data)


class _Work:
    """Note every second what the process took, the session's own thread left out."""

    def __init__(self) -> None:
        self.samples: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._session: int | None = None
        self._thread = threading.Thread(target=self._look, name="work", daemon=True)
        self._thread.start()

    def leave_out(self) -> None:
        """Leave the calling thread out from now on."""
        self._session = threading.get_ident()

    def end(self) -> None:
        """Look no longer; called before the thread that is left out has ended."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            other = 0.0
            if self._session is not None:
                other = time.clock_gettime(time.pthread_getcpuclockid(self._session))
            self.samples.append((time.monotonic(), time.process_time() - other))


def main(told: str, figures: str) -> int:
    """Run the interface with the settings `told` as JSON, and write what its process took besides the session."""
    from composer.live.session import Session
    from composer.tui import app

    work = _Work()

    class Watched(Session):
        """Leave its thread out of what the interface takes."""

        def run(self) -> Stats:
            work.leave_out()
            try:
                return super().run()
            finally:
                work.end()

    values = json.loads(told)
    status = app.run(replace(Settings(**values), stats=Path(values["stats"])), demo=True, make=Watched)
    Path(figures).write_text(json.dumps(work.samples), "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
