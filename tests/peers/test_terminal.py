"""The interface in a real terminal (tmux), with a host at its ports."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from ensemble import connect, is_running, phrase, sounding, wait_until

pytestmark = [pytest.mark.peer, pytest.mark.slow]

PLAYER, MACHINE = set(map(chr, range(0x2801, 0x2900))), set("▘▝▀▖▌▞▛▗▚▐▜▄▙▟█")
"""What the roll draws notes with: the player's and those still intended, and those that are certain."""


class Terminal:
    """A tmux server of its own with one screen."""

    def __init__(self, folder, *command):
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
        words = [
            *self._tmux,
            "new-session",
            "-d",
            "-x",
            "120",
            "-y",
            "40",
            *command,
            ";",
            "set",
            "remain-on-exit",
            "on",
        ]
        subprocess.run(words, check=True, env={**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"})
        self.pid = int(self._run("display-message", "-p", "#{pane_pid}"))

    def _run(self, *words):
        return subprocess.run([*self._tmux, *words], check=True, capture_output=True, text=True).stdout

    def screen(self):
        return self._run("capture-pane", "-p")

    def press(self, *keys):
        self._run("send-keys", *keys)

    def paste(self, text):
        """Paste as terminals do that tell a program so (bracketed paste)."""
        self._run("set-buffer", text)
        self._run("paste-buffer", "-p")

    def wait(self, shown, seconds=20):
        """Wait until `shown(screen)` and return it."""
        return wait_until(lambda: shown(self.screen()), seconds, f"on the screen:\n{self.screen()}\nwhat")

    def close(self):
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def terminal(jack_server, tmp_path):
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    terminal = Terminal(tmp_path, sys.executable, "-m", "composer.cli")
    yield terminal
    terminal.close()


def test_play_switch_panic_and_quit(terminal, host, melody):
    screen = terminal.wait(lambda screen: "to composer" in screen and screen)
    ports = [word for word in screen.split() if word.startswith("composer") and ":" in word]
    connect(host.ports["play"], next(port for port in ports if port.endswith(":in")))
    connect(next(port for port in ports if port.endswith(":out")), host.ports["hear"])
    assert "■" in screen

    # The roll shows what is played and what is answered.
    terminal.press("Space")
    terminal.wait(lambda screen: "▶" in screen)
    host.play(*phrase(melody, 40.0))
    terminal.wait(lambda screen: PLAYER & set(roll(screen)) and MACHINE & set(roll(screen)))
    host.wait_note(after=host.played[0][0])
    before = terminal.screen()
    terminal.wait(lambda screen: roll(screen) != roll(before))

    # Another generator takes over at a bar line while the music goes on.
    terminal.press("g")
    terminal.wait(lambda screen: "enter: play from the next bar" in screen)
    terminal.press("Up", "Enter")
    terminal.wait(lambda screen: "→" not in screen and "enter: play" not in screen and "markov" in screen)
    switched = time.monotonic()
    host.wait_note(after=switched + 1)

    # Panic ends what sounds, and the music goes on after it.
    host.wait_sounding()
    terminal.press("Escape")
    host.wait(lambda: (0xB0, 120, 0) in [message for _, message in host.heard])
    # What left together may have been heard at the same moment: its order counts.
    panicked = [message for _, message in host.heard].index((0xB0, 120, 0))
    assert set() == sounding(host.heard[:panicked])
    host.wait_note(after=host.heard[panicked][0])

    terminal.press("Space")
    terminal.wait(lambda screen: "■" in screen)
    host.wait(lambda: not sounding(host.heard))

    # Quitting in the middle of a note ends it.
    terminal.press("Space")
    host.play(*phrase(melody, 8.0))
    stopped = time.monotonic()
    host.wait_note(after=stopped)
    host.wait_sounding()
    terminal.press("q")
    wait_until(lambda: not is_running(terminal.pid), 15, "the end")
    host.wait(lambda: not sounding(host.heard), 2)
    assert "Traceback" not in terminal.screen()


def roll(screen):
    """Return the lines of the roll: those between the panels and the message."""
    return "\n".join(screen.splitlines()[6:-3])
