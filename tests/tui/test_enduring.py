"""The interface outlives its terminal, so that it can end every note."""

import errno
import sys
import threading

import pytest

from composer.tui.app import ComposerApp

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")


class Gone:
    """A terminal that was closed."""

    def write(self, text):
        raise OSError(errno.EIO, "Input/output error")

    flush = close = lambda self: self.write("")

    def fileno(self):
        return 0

    def isatty(self):
        return False


async def test_what_is_drawn_on_a_terminal_that_has_gone_is_drawn_for_nobody(monkeypatch):
    monkeypatch.setattr(sys, "__stderr__", Gone())
    monkeypatch.setattr(sys, "__stdin__", Gone())
    app = ComposerApp.__new__(ComposerApp)
    driver = ComposerApp.get_driver_class(app)(app)
    writer = threading.Thread(
        target=lambda: [driver._file.write("a line\n") for _ in range(3)] + [driver._file.flush()]
    )
    writer.start()
    writer.join(5)

    assert not writer.is_alive()
