"""composer serve: the interface without a terminal, on this machine only, for its own page only."""

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from composer import cli
from composer.commands import serve

PLAYER = set(map(chr, range(0x2801, 0x2900)))
"""What the roll draws the player's notes with."""


class Page:
    """The interface as a browser's server runs it: packets of a letter, a length and what is drawn or typed."""

    def __init__(self, env):
        words = {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver", "COLUMNS": "100", "ROWS": "30"}
        self.process = subprocess.Popen(
            serve.command(), shell=True, env={**env, **words}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        self._rest = b""

    def send(self, kind, payload):
        self.process.stdin.write(kind + len(payload).to_bytes(4, "big") + payload)
        self.process.stdin.flush()

    def drawn(self, seconds, until=lambda text: False):
        """Return what is drawn within `seconds`, or until it is what was waited for."""
        text, end = "", time.monotonic() + seconds
        while time.monotonic() < end and not until(text):
            self._rest += self.process.stdout.read() or b""
            self._rest = self._rest.removeprefix(b"__GANGLION__\n")
            while len(self._rest) >= 5 and len(self._rest) >= (size := 5 + int.from_bytes(self._rest[1:5], "big")):
                packet, self._rest = self._rest[:size], self._rest[size:]
                text += packet[5:].decode() if packet[:1] == b"D" else ""
            time.sleep(0.02)
        return text


@pytest.fixture
def env():
    """Return an environment in which no JACK server answers."""
    if Path("/dev/snd/seq").exists():
        pytest.skip("this machine has an ALSA sequencer")
    return {**os.environ, "JACK_DEFAULT_SERVER": "composer-test-none", "JACK_NO_START_SERVER": "1"}


@pytest.fixture
def page(env):
    page = Page(env)
    yield page
    page.process.stdin.close()
    page.process.kill()
    page.process.stdout.close()
    page.process.wait()


def test_the_interface_is_drawn_and_played_through_pipes(page):
    page.drawn(30, lambda text: "Press d" in text)
    page.send(b"D", b"d")
    page.drawn(20, lambda text: "built-in player" in text)
    page.send(b"D", b" ")
    assert PLAYER & set(page.drawn(20, lambda text: bool(PLAYER & set(text))))
    assert page.drawn(1.0)

    page.send(b"M", json.dumps({"type": "quit"}).encode())
    assert 0 == page.process.wait(15)


def test_a_server_that_has_gone_takes_the_interface_with_it(page):
    page.drawn(30, lambda text: "Press d" in text)
    page.send(b"D", b"d")
    page.drawn(20, lambda text: "built-in player" in text)
    page.send(b"D", b" ")
    page.drawn(2)
    page.process.stdin.close()
    page.process.stdout.close()

    assert page.process.wait(20) is not None


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.0.0.1:8001", False),
        ("https://127.0.0.1:8000", False),
        ("http://127.0.0.1:8000.example.org", False),
        ("http://example.org", False),
        ("null", False),
        (None, False),
    ],
)
def test_only_our_own_page_may_open_a_socket(origin, ours):
    assert ours is serve.is_ours(origin, 8000)


def test_a_preset_is_one_word_for_the_shell():
    said = subprocess.run(
        serve.command("it's; late").replace("-m composer.cli", '-c "import sys; print(sys.argv[1:])"'),
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "['--preset', \"it's; late\"]\n" == said.stdout


def test_without_textual_serve_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)

    assert 2 == cli.main(["serve"])
    assert "pip install 'composer[serve]'" in capsys.readouterr().err


def test_an_unknown_preset_is_refused_before_anything_is_served(capsys):
    assert 2 == cli.main(["serve", "--preset", "dusk"])
    assert "there is no preset 'dusk'" in capsys.readouterr().err


@pytest.fixture
def served(env):
    """Return the port at which `composer serve` answers."""
    if find_spec("textual_serve") is None:
        pytest.skip("textual-serve is not installed (pip install 'composer[serve]')")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "composer.cli", "serve", "--port", str(port)], env=env)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()


def asked(port, path, **headers):
    """Return the status of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_page_is_served_to_this_machine_and_its_socket_to_the_page(served):
    key = base64.b64encode(b"sixteen letters!").decode()
    socket_ = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": key}

    assert 200 == asked(served, "/")
    assert 403 == asked(served, "/ws", Origin="http://example.org", **socket_)
    assert 101 == asked(served, "/ws", Origin=f"http://127.0.0.1:{served}", **socket_)
