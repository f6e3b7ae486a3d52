"""The follower against a clock that nobody here wrote: jack_midi_clock, driven by JACK's transport."""

import subprocess
import threading
import time

import pytest

from composer.midi import ports
from composer.midi.sync import ClockFollower

pytestmark = pytest.mark.peer


class Listener:
    """Feed a follower on the port's thread and let a test wait for what changes."""

    def __init__(self):
        self.follower = ClockFollower()
        self.changes = []
        self.pulses = 0
        self._news = threading.Condition()

    def __call__(self, data, time):
        with self._news:
            change = self.follower.feed(data, time)
            self.pulses += data[0] == 0xF8
            if change:
                self.changes.append((change, round(self.follower.timeline.ticks(time))))
            self._news.notify()

    def wait(self, reached):
        with self._news:
            assert self._news.wait_for(reached, timeout=10), (self.changes, self.pulses)


@pytest.fixture
def listener(transport):
    listener = Listener()
    port = ports.open_input(None, listener)
    for _ in range(100):
        if subprocess.run(["jack_connect", "jack_midi_clock:mclk_out", port.name], capture_output=True).returncode == 0:
            break
        time.sleep(0.05)
    yield listener
    port.close()


def test_start_tempo_stop_and_a_start_from_the_middle(transport, listener):
    follower = listener.follower
    transport("play")
    listener.wait(lambda: listener.pulses >= 72)

    assert [("start", 0)] == listener.changes
    assert follower.tempo == pytest.approx(100, rel=0.02)

    transport("stop")
    listener.wait(lambda: not follower.running)
    transport("locate 230400", "play")
    listener.wait(lambda: follower.running)

    assert ["start", "stop", "locate"] == [change for change, _ in listener.changes[:3]]
    # 4.8 s at 100 quarters a minute are 8 quarters, and the clock names a place a little ahead.
    assert 3840 <= listener.changes[-1][1] <= 3840 + 2 * 480, listener.changes
    assert listener.changes[-1][1] % 120 == 0
