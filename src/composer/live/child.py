"""A child process of the session: the io process or a worker, spoken to over its stdin and stdout."""

from __future__ import annotations

import os
import subprocess
import sys

LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""What makes the C library of Linux ask for large pages, in which weights are read faster; nobody else looks at it."""


def start(module: str, *, large_pages: bool = False) -> subprocess.Popen[bytes]:
    """Start a module of this program as a child in a session of its own; one that plays a model takes `large_pages`.

    Ctrl-C in the terminal reaches the main process alone, which then decides who ends when.
    """
    return subprocess.Popen(
        [sys.executable, "-m", module],
        env=LARGE_PAGES | os.environ if large_pages else None,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=sys.platform != "win32",
    )
