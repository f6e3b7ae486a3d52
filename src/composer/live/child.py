"""A child process of the session: the io process or a worker, spoken to over its stdin and stdout."""

from __future__ import annotations

import subprocess
import sys


def start(module: str) -> subprocess.Popen[bytes]:
    """Start a module of this program as a child in a session of its own.

    Ctrl-C in the terminal reaches the main process alone, which then decides who ends when.
    """
    return subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=sys.platform != "win32",
    )
