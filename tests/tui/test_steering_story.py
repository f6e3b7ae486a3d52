"""Stories: steer any machine from the panel of controls, and see what cannot be steered."""

from dataclasses import replace

import pytest
from fake_session import STILL, FakeSession
from piloting import commands_after, screen_lines, shown, text_of

from composer.live.settings import Settings
from composer.live.steering import NEUTRAL, PITCHED
from composer.music import DRUM_CHANNEL, Part
from composer.tui import readout
from composer.tui.app import ComposerApp

MARKOV = replace(STILL, generator="markov", parts=(Part("Piano"), Part("Bass", (), 1, 33)))


async def test_steering_is_the_next_group_and_its_first_control_turns():
    assert [("set_steering", {"follow": "lead"})] == await commands_after("p", "pagedown", "plus", snapshot=MARKOV)


async def test_a_control_shows_what_is_steered():
    steered = replace(MARKOV, steering=replace(NEUTRAL, transpose=-12, lock="Eb"))
    app = ComposerApp(Settings(), lambda settings: FakeSession(steered))
    async with app.run_test(size=(100, 40)) as pilot:
        await shown(pilot)
        await pilot.press("p")
        await shown(pilot)
        screen = "\n".join(screen_lines(app))

    assert "◂ Eb ▸" in screen
    assert "-12" in screen


@pytest.mark.parametrize(
    ("keys", "command"),
    [(("plus",), ("set_part", "Piano", 1, 0)), (("down", "plus"), ("set_part", "Piano", 0, 1))],
)
async def test_each_part_has_a_channel_and_a_program(keys, command):
    assert [command] == await commands_after("p", "pagedown", "pagedown", *keys, snapshot=MARKOV)


def controls_of(snapshot):
    return {control.name for group in readout.controls(snapshot) for control in group.controls}


def test_drums_cannot_be_steered_by_pitch():
    drums = replace(MARKOV, parts=(Part("Drums", (), DRUM_CHANNEL),))

    assert set(PITCHED) <= controls_of(MARKOV)
    assert not set(PITCHED) & controls_of(drums)


async def test_the_chord_of_the_left_hand_and_what_it_does_with_you_are_shown():
    steered = replace(MARKOV, zone="Am7", steering=replace(NEUTRAL, follow="ignore"))
    app = ComposerApp(Settings(), lambda settings: FakeSession(steered))
    async with app.run_test() as pilot:
        await shown(pilot)

        assert "your chord Am7" in text_of(app, "#transport")
        assert "role accompany, ignores you" in text_of(app, "#generator")


async def test_a_pedal_lets_it_lead_and_follow_again():
    session = FakeSession(MARKOV)
    app = ComposerApp(Settings(), lambda settings: session)
    async with app.run_test() as pilot:
        await shown(pilot)
        app._midi_moved(moved("do lead"))
        await pilot.pause()
        session.shown = replace(MARKOV, steering=replace(NEUTRAL, follow="lead"))
        await shown(pilot)
        app._midi_moved(moved("do accompany"))
        await pilot.pause()

    assert [
        ("set_role", "continue"),
        ("set_steering", {"follow": "lead"}),
        ("set_role", "accompany"),
        ("set_steering", {"follow": "follow"}),
    ] == session.commands


def moved(target):
    from composer.tui.messages import MidiMoved

    return MidiMoved(target, "note", 100)


async def test_a_panel_too_small_for_all_controls_follows_the_chosen_one():
    app = ComposerApp(Settings(), lambda settings: FakeSession(replace(MARKOV, generator="anticipation")))
    async with app.run_test() as pilot:
        await shown(pilot)
        await pilot.press("p", *["down"] * 40)
        await shown(pilot)
        screen = "\n".join(screen_lines(app))

    assert ">Bass program" in screen
