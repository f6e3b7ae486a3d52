"""The preview hears what leaves and what the player plays, and ends with the session."""

import pytest
from rig import Rig

from composer.errors import PortError
from composer.live import engine


class Sound:
    """Collect what a preview is told."""

    def __init__(self, api):
        self.heard, self.is_alive, self.closed = [], True, False
        Sound.last = self

    def send(self, data):
        self.heard.append(tuple(data))

    def alive(self):
        return self.is_alive

    def close(self):
        self.closed = True


@pytest.fixture
def rig(monkeypatch):
    monkeypatch.setattr(engine, "FluidSynth", Sound)
    rig = Rig()
    rig.send("sound")
    return rig


def test_it_sounds_what_leaves(rig):
    rig.plan((0, 480, 60))
    rig.send("start", tick=0, count_in=0)
    rig.io.run(1.5)

    assert [(0x91, 60, 80), (0x81, 60, 64)] == Sound.last.heard


def test_it_sounds_the_player_on_a_channel_of_his_own(rig):
    rig.play(0x90, 64, 70)
    rig.play(0x80, 64, 0)

    assert [(0x9F, 64, 70), (0x8F, 64, 0)] == Sound.last.heard


def test_what_comes_back_from_the_host_is_not_sounded_twice(rig):
    rig.plan((0, 480, 60))
    rig.send("start", tick=0, count_in=0)
    rig.io.run(0.001)
    rig.play(0x91, 60, 80)

    assert [(0x91, 60, 80)] == Sound.last.heard


def test_panic_reaches_the_player_too(rig):
    rig.send("panic")

    assert {(0xBF, 123, 0), (0xBF, 120, 0)} <= set(Sound.last.heard)


def test_the_second_time_it_ends(rig):
    first = Sound.last
    rig.send("sound")
    rig.play(0x90, 64, 70)

    assert ([True, False], True, []) == ([event["on"] for event in rig.ops("sound")], first.closed, first.heard)


def test_one_that_dies_is_told(rig):
    Sound.last.is_alive = False
    rig.io.poll()

    assert "found no way to sound" in rig.ops("sound")[-1]["message"]


def test_quit_ends_it(rig):
    rig.send("quit")

    assert Sound.last.closed


def test_without_fluidsynth_it_is_told_in_one_sentence(monkeypatch):
    def none(api):
        raise PortError("FluidSynth is not installed")

    monkeypatch.setattr(engine, "FluidSynth", none)
    rig = Rig()
    rig.send("sound")

    assert ["FluidSynth is not installed"] == [event["message"] for event in rig.ops("error")]
