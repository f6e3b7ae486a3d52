"""Ports: names and refusals anywhere, and a real JACK server where there is one."""

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from composer.errors import PortError, UsageError
from composer.midi import ports

LISTED = ["Keys:out 20:0", "keys", "Drums:out 24:0"]


@pytest.mark.parametrize(
    ("name", "expected"), [("keys", "keys"), ("Keys:", "Keys:out 20:0"), ("DRUM", "Drums:out 24:0")]
)
def test_a_name_means_itself_or_the_only_port_that_contains_it(name, expected):
    assert expected == ports.match_port(name, LISTED, "alsa input")


def test_an_ambiguous_name_lists_what_it_could_be():
    with pytest.raises(PortError, match="Keys:out 20:0, Drums:out 24:0"):
        ports.match_port("out", LISTED, "alsa input")


def test_a_missing_name_lists_what_there_is():
    with pytest.raises(PortError, match="no alsa input port 'organ'; there are Keys:out 20:0, keys, Drums"):
        ports.match_port("organ", LISTED, "alsa input")
    with pytest.raises(PortError, match="there are none"):
        ports.match_port("organ", [], "alsa input")


def test_an_unknown_midi_system_is_wrong_usage():
    with pytest.raises(UsageError, match="auto, alsa, jack, coremidi, winmm"):
        ports.open_output(None, api="oss")


def test_windows_is_told_of_loopback_ports(monkeypatch):
    monkeypatch.setattr(ports, "_rtmidi", lambda: SimpleNamespace(API_WINDOWS_MM=4, get_compiled_api=lambda: [4]))

    with pytest.raises(PortError, match="loopMIDI"):
        ports.open_input(None, print, api="winmm")


def test_a_system_that_rtmidi_was_built_without(monkeypatch):
    monkeypatch.setattr(ports, "_rtmidi", lambda: SimpleNamespace(API_MACOSX_CORE=1, get_compiled_api=lambda: [2]))

    with pytest.raises(PortError, match="coremidi does not exist on this system"):
        ports.list_ports("coremidi")


def test_without_any_midi_system_it_says_what_to_do_and_nothing_else(monkeypatch, capfd):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "composer-no-such-server")
    monkeypatch.setattr(ports.Path, "exists", lambda path: False)

    with pytest.raises(PortError, match=r"modprobe snd-seq.*start JACK"):
        ports.open_input(None, print)
    assert () == ports.available_apis()
    assert ("", "") == capfd.readouterr()


def test_a_named_midi_system_that_does_not_answer_is_told_in_one_sentence(monkeypatch, capfd):
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/no/such/file")

    with pytest.raises(PortError, match="alsa does not answer"):
        ports.open_output(None, api="alsa")
    assert ("", "") == capfd.readouterr()


def test_an_exception_in_the_callback_is_logged_and_the_next_message_is_heard(caplog):
    heard = []
    relay = ports._relay(lambda data, time: heard.append(data[1] // data[2]))
    relay([0x90, 60, 0], 0.0)
    relay([0x90, 60, 6], 0.0)

    assert [10] == heard
    assert "ZeroDivisionError" in caplog.text


def test_importing_the_package_loads_neither_mido_nor_rtmidi():
    code = "import composer.midi, composer.midi.ports, sys; print({'mido', 'rtmidi'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


class Heard:
    """Collect messages, and wait for the next one."""

    def __init__(self):
        self.messages = []
        self._arrived = threading.Semaphore(0)

    def __call__(self, data, time):
        self.messages.append((list(data), time))
        self._arrived.release()

    def next(self):
        assert self._arrived.acquire(timeout=5), "nothing arrived within 5 s"
        return self.messages[-1]


def connect(source, target):
    subprocess.run(["jack_connect", source, target], check=True, capture_output=True)


@pytest.fixture
def pair(jack_server):
    heard = Heard()
    into = ports.open_input(None, heard)
    out = ports.open_output(None)
    yield SimpleNamespace(into=into, out=out, heard=heard)
    into.close()
    out.close()


@pytest.mark.peer
def test_jack_shows_the_virtual_ports_under_the_documented_names(pair):
    assert ("composer:in", "composer-01:out", "jack") == (pair.into.name, pair.out.name, pair.out.api)
    assert (["composer-01:out"], ["composer:in"], "jack") == ports.list_ports()


@pytest.mark.peer
def test_a_note_and_a_clock_pulse_travel_from_out_to_in(pair):
    connect("composer:out", "composer:in")
    before = time.monotonic()
    for data in ([0x90, 60, 100], [0xF8]):
        pair.out.send(data)

        assert pair.heard.next()[0] == data
    assert before < pair.heard.messages[0][1] < time.monotonic()


@pytest.mark.peer
def test_a_callback_that_waits_holds_up_no_other_program(pair):
    waits, go_on = threading.Event(), threading.Event()
    slow = ports.open_input(None, lambda *_: (waits.set(), go_on.wait(20)), client="slow")
    connect("composer:out", "slow:in")
    connect("composer:out", "composer:in")
    pair.out.send([0x90, 60, 100])
    assert waits.wait(5)
    pair.heard.next()
    try:
        pair.out.send([0x90, 62, 100])

        assert pair.heard.next()[0] == [0x90, 62, 100]
    finally:
        go_on.set()
        slow.close()


@pytest.mark.peer
def test_a_second_composer_gets_numbered_names(pair):
    second = ports.open_input(None, print)
    try:
        assert second.name == "composer-02:in"
    finally:
        second.close()


@pytest.mark.peer
def test_an_existing_port_is_opened_by_a_part_of_its_name(pair):
    out = ports.open_output("SER:IN", client="keyboard")
    try:
        out.send([0x91, 64, 1])

        assert out.name == "composer:in"
        assert pair.heard.next()[0] == [0x91, 64, 1]
        pair.into.close()
        assert not out.alive()
        assert pair.out.alive()
    finally:
        out.close()


@pytest.mark.peer
def test_a_closed_port_is_gone_and_refuses_to_send(pair):
    pair.out.close()

    assert not pair.out.alive()
    assert ([], ["composer:in"], "jack") == ports.list_ports()
    with pytest.raises(PortError, match="composer-01:out is closed"):
        pair.out.send([0xF8])


LOSE_SERVER = """
import sys, time
from composer.midi import ports
def wait(for_what):
    while not for_what():
        time.sleep(0.02)
into, out = ports.open_input(None, print), ports.open_output(None)
print(into.alive(), out.alive(), flush=True)
wait(lambda: not into.alive() and not out.alive())
print("lost", flush=True)
sys.stdin.readline()
new_into, new_out = ports.open_input(None, print), ports.open_output(None)
print(new_into.name, new_out.name, new_into.alive(), new_out.alive(), flush=True)
for port in into, out, new_into, new_out:
    port.close()
"""


@pytest.mark.peer
def test_a_server_that_ends_is_noticed_in_silence_and_the_next_one_used(start_jack):
    name = f"composer-lost-{os.getpid()}"
    environment = {**os.environ, "JACK_DEFAULT_SERVER": name}
    server = start_jack(name)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", LOSE_SERVER], env=environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe
    ) as child:
        assert child.stdout.readline() == "True True\n"
        server.send_signal(signal.SIGKILL)
        server.wait()
        assert child.stdout.readline() == "lost\n"
        start_jack(name)
        assert ("composer:in composer-01:out True True\n", "") == child.communicate("\n", timeout=30)
    assert child.returncode == 0
