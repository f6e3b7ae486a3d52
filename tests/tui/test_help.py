"""The first run: what is missing and what still works, help on every key, and the tutorial."""

from dataclasses import replace

import pytest
from test_takes import Stage, until

from composer import preferences
from composer.errors import PortError
from composer.live.snapshot import Counters
from composer.tui import here
from composer.tui.app import ComposerApp
from composer.tui.file_screen import FileScreen
from composer.tui.help import Help, keys_of
from composer.tui.presets import Presets
from composer.tui.rooms import Rooms
from composer.tui.takes import Shelf
from composer.tui.tutorial import STEPS, Tutorial


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    """Take away the MIDI system, the weights and FluidSynth."""

    def none(api="auto"):
        raise PortError("there is no MIDI system; start JACK")

    monkeypatch.setattr("composer.midi.ports.list_ports", none)
    monkeypatch.setattr("composer.folders.model_folder", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_what_is_missing_is_told_with_what_still_works(nothing_here):
    midi, weights, sound, takes = here.findings()

    assert [False, False, False, True] == [found.is_there for found in (midi, weights, sound, takes)]
    assert "start JACK" in midi.text
    assert "press d" in midi.text
    assert "none for anticipation" in weights.text
    assert "generators play" in weights.text
    assert "connect a DAW" in sound.text


@pytest.mark.parametrize(("inputs", "is_there"), [(["Keystation"], True), (["composer:in"], False), ([], False)])
def test_a_keyboard_is_one_that_is_not_ours(monkeypatch, inputs, is_there):
    monkeypatch.setattr("composer.midi.ports.list_ports", lambda api="auto": (inputs, [], "jack"))

    assert is_there is here.findings()[0].is_there


async def test_the_first_time_says_what_is_missing_once(nothing_here):
    stage = Stage()
    stage.app.first_time = True
    async with stage:
        await until(stage.pilot, lambda: "First time here?" in stage.said)
        await until(stage.pilot, preferences.place().exists)

        assert "there is no MIDI system" in stage.said


async def test_the_second_time_says_nothing(nothing_here):
    async with Stage() as stage:
        await stage.pilot.pause(0.2)

        assert "" == stage.said


@pytest.mark.parametrize("key", ["H", "f1", "question_mark"])
async def test_help_shows_every_key(key):
    async with Stage(key) as stage:
        await until(stage.pilot, lambda: isinstance(stage.app.screen, Help))
        await until(stage.pilot, lambda: "weights" in str(stage.app.screen.query_one("#here").render()))
        said = "\n".join(str(block.render()) for block in stage.app.screen.query(".keys"))

    keys = [key for screen in (ComposerApp, Shelf, FileScreen, Presets) for key in keys_of(screen)]
    assert [] == [key for key in keys if key.sentence not in said]
    assert len(keys) > 40


async def test_help_goes_back_to_where_one_was():
    async with Stage("S", "H") as stage:
        await until(stage.pilot, lambda: isinstance(stage.app.screen, Help))
        await stage.pilot.press("escape")

        assert isinstance(stage.app.screen, Shelf)


async def test_the_command_palette_knows_every_room():
    async with Stage() as stage:
        titles = {command.title for command in stage.app.get_system_commands(stage.app.screen)}

    assert {binding.description for binding in Rooms.BINDINGS} <= titles
    assert "Play with markov" in titles


def lesson(stage):
    found = stage.app.screen_stack[0].query(Tutorial)
    return found.first() if found else None


async def test_the_tutorial_goes_on_by_doing():
    async with Stage("T") as stage:
        tutorial = lesson(stage)
        steps = [tutorial.step]

        async def see(**changes):
            stage.session.shown = replace(stage.session.shown, **changes)
            stage.app.look()
            tutorial.look()
            await stage.pilot.pause()
            steps.append(tutorial.step)

        await see(counters=Counters(notes_in=1))
        await see(running=False, tick=0.0)
        await see(running=True, tick=4000.0)
        await see(generator="markov")
        await see(role="trade")
        await see(params={"order": "3"})
        assert [0, 1, 1, 2, 3, 4, 5] == steps


async def test_keeping_the_shelf_and_panic_are_steps(tmp_path):
    async with Stage("T") as stage:
        tutorial = lesson(stage)
        tutorial.step = 5
        stage.app.done.add("Kept")
        tutorial.look()
        assert 6 == tutorial.step

        await stage.pilot.press("S")
        await until(stage.pilot, lambda: isinstance(stage.app.screen, Shelf))
        await stage.pilot.press("escape")
        await until(stage.pilot, lambda: tutorial.step == 7)
        await stage.pilot.press("escape")
        await until(stage.pilot, lambda: tutorial.step == 8)


async def test_a_step_can_be_passed_over_and_the_last_one_stays():
    async with Stage("T", *"N" * 20) as stage:
        assert len(STEPS) - 1 == lesson(stage).step


async def test_the_key_that_began_the_tutorial_ends_it():
    async with Stage("T", "T") as stage:
        await until(stage.pilot, lambda: lesson(stage) is None)


async def test_the_tutorial_is_read_at_the_smallest_screen():
    async with Stage("T") as stage:
        await stage.pilot.resize_terminal(80, 24)
        for number in range(len(STEPS)):
            lesson(stage).step = number
            await stage.pilot.pause()
            region = lesson(stage).region
            lines = -(-(len(STEPS[number].text) + 30) // 70)

            assert region.height <= lines + 1
            assert stage.app.screen.region.contains_region(region)


async def test_listening_here_is_one_key():
    async with Stage("L") as stage:
        pass

    assert ("toggle_sound",) in stage.session.commands
