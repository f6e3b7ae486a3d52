"""What befalls a terminal: closed, suspended, pasted into, flooded. Nothing is lost, nothing keeps sounding."""

import json
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from ensemble import children, connect, is_running, ons, sounding, wait_until
from test_terminal import Terminal, terminal  # noqa: F401 - the fixture
from test_terminal_keeps import jack_server, split, sung  # noqa: F401 - a server that waits for late clients

from composer import shelf
from composer.midi import files

pytestmark = [pytest.mark.peer, pytest.mark.slow]

SCALE = [60, 62, 64, 65, 67, 65, 64, 62]


@pytest.fixture
def playing(terminal, host):  # noqa: F811
    """Return the terminal with the host at its ports, the transport running."""
    return played(terminal, host)


@pytest.fixture
def job(jack_server, tmp_path, host):  # noqa: F811
    """Return the same as a job of a shell, which alone may continue what was suspended; `job.pid` is the interface."""
    if shutil.which("tmux") is None or shutil.which("bash") is None:
        pytest.skip("tmux or bash is not installed")
    terminal = Terminal(tmp_path, "bash", "--norc", "--noprofile")  # noqa: F811
    terminal.press(f"{sys.executable} -m composer.cli", "Enter")
    found = lambda: next((pid for pid, line in children(terminal.pid).items() if "composer.cli" in line), None)  # noqa: E731
    shell, terminal.pid = terminal.pid, wait_until(found, 20, "the interface")
    yield played(terminal, host)
    terminal.close()
    for pid in (terminal.pid, shell):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def played(terminal, host):  # noqa: F811
    """Start the transport of a terminal, the host at its ports."""
    screen = terminal.wait(lambda screen: "to composer" in screen and "worker ready" in screen and screen)
    ports = [word for word in screen.split() if word.startswith("composer") and ":" in word]
    connect(host.ports["play"], next(port for port in ports if port.endswith(":in")))
    connect(next(port for port in ports if port.endswith(":out")), host.ports["hear"])
    wait_until(lambda: terminal.press("Escape") or host.heard, 20, "a sign of the cable")
    host.heard.clear()
    terminal.press("Space")
    terminal.wait(lambda screen: "▶" in screen)
    return terminal


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def player_pitches(take):
    return [pitch for pitch, _ in split(take)[0]]


def test_a_closed_terminal_keeps_everything_and_ends_every_note(playing, host):
    host.play(*sung(SCALE * 3))
    host.wait_note()
    host.wait(lambda: len(ons(host.heard)) > 12 and sounding(host.heard))
    played = len(ons(host.played))
    playing.close()
    wait_until(lambda: not is_running(playing.pid), 15, "the end")

    host.wait(lambda: not sounding(host.heard), 2)
    (take,) = shelf.takes()
    assert (SCALE * 3)[:played] == player_pitches(take)[:played]
    assert len(split(take)[1]) >= len(ons(host.heard)) - 8 > 0
    assert "keep" == json.loads(files.comment(take.path))["verb"]
    assert [] == list(shelf.folder().glob(".*"))


def test_what_is_played_while_the_interface_sleeps_is_heard_when_it_wakes(job, host):
    host.play(*sung(SCALE))
    host.wait_note()
    os.kill(job.pid, signal.SIGTSTP)
    wait_until(lambda: state(job.pid) == "T", 10, "sleep")
    # What was planned ends by itself, and nobody plans anything more.
    host.wait(lambda: len(ons(host.played)) == len(SCALE))
    wait_until(lambda: time.monotonic() - host.heard[-1][0] > 1.5, 15, "silence")
    assert set() == sounding(host.heard)

    job.press("fg", "Enter")
    job.wait(lambda screen: "▶" in screen)
    woken = time.monotonic()
    host.play(*sung(SCALE))
    host.wait_note(after=woken)
    host.wait(lambda: len(ons(host.played)) == 2 * len(SCALE))
    job.press("F9")
    wait_until(lambda: len(shelf.takes()) == 1, 20, "the take")
    assert SCALE == player_pitches(shelf.takes()[0])[: len(SCALE)]
    job.press("q")
    wait_until(lambda: not is_running(job.pid), 15, "the end")
    host.wait(lambda: not sounding(host.heard), 2)


def test_ctrl_z_is_silence_and_fg_the_screen(job, host):
    host.play(*sung(SCALE * 2))
    host.wait_note()
    host.wait_sounding()
    job.press("C-z")
    wait_until(lambda: state(job.pid) == "T", 10, "sleep")
    asleep = time.monotonic()
    host.wait(lambda: not sounding(host.heard), 3)
    job.wait(lambda screen: "Stopped" in screen)
    time.sleep(1.0)
    assert [] == [at for at, _ in ons(host.heard) if at > asleep]

    job.press("fg", "Enter")
    job.wait(lambda screen: "■" in screen and "to composer" in screen)
    job.press("Space")
    job.wait(lambda screen: "▶" in screen)
    started = time.monotonic()
    host.play(*sung(SCALE))
    host.wait_note(after=started)
    job.press("q")
    wait_until(lambda: not is_running(job.pid), 15, "the end")


def test_what_is_pasted_is_no_command(playing, host):
    host.play(*sung(SCALE * 2))
    host.wait_note()
    playing.paste("q S x k ! c d r p 4 T \n" * 400)
    playing.wait(lambda screen: "no command" in screen)
    pasted = time.monotonic()
    host.wait_note(after=pasted + 1)

    screen = playing.screen()
    assert "▶" in screen
    assert "role accompany" in screen
    assert [] == shelf.takes()


def test_a_thousand_notes_a_second_are_all_kept_and_the_keys_still_work(playing, host):
    count, seconds = 5000, 5.0
    pitches = [36 + n % 48 for n in range(count)]
    host.play(*sung(pitches, seconds / count))
    host.wait(lambda: len(host.played) > count)
    playing.press("+")
    playing.wait(lambda screen: "♩=121.0" in screen, 10)
    host.wait(lambda: len(host.played) == 2 * count, 40)
    quiet = time.monotonic()
    # A period of JACK is one moment, and notes of one moment are kept in the order of their pitches.
    host.play(*((0.2 + at, data) for at, data in sung(SCALE)))
    host.wait_note(after=quiet + 1)
    playing.press("F9")
    wait_until(lambda: len(shelf.takes()) == 1, 40, "the take")
    kept = player_pitches(shelf.takes()[0])[:count]

    assert sorted(pitches) == sorted(kept)
    playing.press("Space")
    playing.wait(lambda screen: "■" in screen)
    host.wait(lambda: not sounding(host.heard))
    playing.press("q")
    wait_until(lambda: not is_running(playing.pid), 20, "the end")
    assert "Traceback" not in playing.screen()
