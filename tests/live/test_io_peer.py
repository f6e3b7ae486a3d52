"""The io process on a real MIDI system: JACK."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from composer.live.link import IoProcess
from composer.midi import ports

pytestmark = pytest.mark.peer

HELD = {"op": "plan", "from": 0, "notes": [[0, 480_000, 60, 80, 1, 7]]}
START = {"op": "start", "tick": 0, "count_in": 240}
ON, OFF = [0x91, 60, 80], [0x81, 60, 64]


class Collector:
    """Collect what comes, events or messages, and wait for one."""

    def __init__(self):
        self.items, self._changed = [], threading.Condition()

    def add(self, item):
        with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    def heard(self, data, at):
        self.add((list(data), at))

    def wait(self, wanted, seconds=15):
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(wanted, self.items)), seconds), self.items
            return next(filter(wanted, self.items))

    def wait_op(self, op, **fields):
        return self.wait(lambda event: {"op": op, **fields}.items() <= event.items())


def connect(source, target):
    subprocess.run(["jack_connect", source, target], check=True, capture_output=True)


@pytest.fixture
def events():
    return Collector()


@pytest.fixture
def process(jack_server, events):
    process = IoProcess(events.add)
    process.send({"op": "open", "api": "jack"})
    yield process
    process.close()


@pytest.fixture
def host(jack_server):
    """Listen on a port of a host called "host"."""
    host = Collector()
    host.port = ports.open_input(None, host.heard, api="jack", client="host")
    yield host
    host.port.close()


def test_notes_travel_both_ways_and_the_held_one_is_ended_before_the_ports_close(process, events, host):
    ready = events.wait_op("ready")
    keyboard = ports.open_output(None, api="jack", client="keyboard")
    try:
        connect(keyboard.name, ready["in_port"])
        connect(ready["out_port"], host.port.name)
        keyboard.send([0x90, 64, 99])
        played = events.wait_op("on")
        process.send(HELD)
        process.send(START)
        host.wait(lambda item: item[0] == ON)
        process.close()
    finally:
        keyboard.close()

    assert (64, 99, 0) == (played["pitch"], played["velocity"], played["channel"])
    assert [ON, OFF] == [data for data, _ in host.items]


def test_our_own_notes_come_back_unheard(process, events, host):
    ready = events.wait_op("ready")
    connect(ready["out_port"], ready["in_port"])
    connect(ready["out_port"], host.port.name)
    notes = [[tick, 60, 60 + tick // 120, 80, 1, tick] for tick in range(0, 960, 120)]
    process.send({"op": "plan", "from": 0, "notes": notes})
    process.send(START)
    host.wait(lambda item: item[0] == [0x81, 67, 64])
    time.sleep(0.1)
    process.close()

    assert [] == [event for event in events.items if event["op"] in ("on", "off")]
    assert 8 == len([event for event in events.items if event["op"] == "sent"])


PARENT = f"""
import time
from composer.live.link import IoProcess
process = IoProcess(lambda event: event["op"] == "ready" and print(event["out_port"], flush=True))
process.send({{"op": "open", "api": "jack"}})
input()
process.send({HELD})
process.send({START})
time.sleep(60)
"""


def test_when_the_main_process_is_killed_the_host_hears_the_end_within_half_a_second(host):
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=pipe, stdout=pipe, text=True) as parent:
        out_port = parent.stdout.readline().strip()
        connect(out_port, host.port.name)
        parent.stdin.write("\n")
        parent.stdin.flush()
        host.wait(lambda item: item[0] == ON)
        parent.kill()
        killed = time.monotonic()
    ended = host.wait(lambda item: item[0] == OFF)[1]
    # A server that is stopped while a client leaves would not end by itself.
    while out_port in ports.list_ports("jack")[0] and time.monotonic() < killed + 10:
        time.sleep(0.05)
    gone = time.monotonic()

    assert ended - killed < 0.5
    assert gone - killed < 5


def test_a_server_that_ends_and_comes_back(start_jack, events, monkeypatch):
    name = f"composer-io-{os.getpid()}"
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    server = start_jack(name)
    process = IoProcess(events.add)
    try:
        process.send({"op": "open", "api": "jack"})
        ready = events.wait_op("ready")
        process.send(HELD)
        process.send(START)
        events.wait_op("sent")
        server.send_signal(signal.SIGKILL)
        server.wait()
        events.wait_op("port", name=ready["in_port"], state="lost")
        events.wait_op("port", name=ready["out_port"], state="lost")
        start_jack(name)
        events.wait_op("port", name=ready["in_port"], state="back")
        events.wait_op("port", name=ready["out_port"], state="back")
        time_goes_on = events.wait(lambda event: event["op"] == "timeline" and event["tick"] > 960)
    finally:
        process.close()

    assert time_goes_on["running"]
    assert 0 == events.wait_op("bye")["stats"]["sounding_at_exit"]
    assert 0 == events.wait_op("gone")["status"]
