"""Stories: bind a pedal, a pad or a knob by moving it, use it, and find it again tomorrow."""

import json
from dataclasses import replace

import pytest
from fake_session import STILL, FakeSession
from piloting import shown

from composer.errors import FileError
from composer.generators.base import ROLES
from composer.live.listening import Heard
from composer.live.settings import Settings
from composer.tui import bindings
from composer.tui.actions import ACTIONS
from composer.tui.app import ComposerApp
from composer.tui.bindings import Trigger
from composer.tui.learning import Learning
from composer.tui.messages import KeepAsked, MidiMoved

PEDAL, PAD, PROGRAM = Heard("control", 0, 64, 127), Heard("note", 9, 36, 100), Heard("program", 0, 4, 127)
MARKOV = replace(STILL, generator="markov")


class Story:
    """An app over a session whose MIDI is moved by hand."""

    def __init__(self, pilot, session):
        self.pilot, self.app, self.session = pilot, pilot.app, session

    async def move(self, *heard):
        claimed = [self.session.hear(message) for message in heard]
        await self.pilot.pause(0.2)
        return claimed

    async def learn(self, target, heard):
        self.app.learning.wanted = target
        await self.move(heard)
        await self.app.workers.wait_for_complete()


@pytest.fixture
async def story():
    session = FakeSession(MARKOV)
    posted = []
    app = ComposerApp(Settings(), lambda settings: session)
    async with app.run_test(message_hook=posted.append) as pilot:
        await shown(pilot)
        told = Story(pilot, session)
        told.posted = posted
        yield told


@pytest.mark.parametrize("heard", [PEDAL, PAD, PROGRAM])
async def test_an_action_is_bound_to_what_is_moved_and_done_when_it_comes_again(story, heard):
    await story.learn("do panic", heard)
    assert [] == story.session.commands
    await story.move(replace_value(heard, 0), heard)

    assert ("panic",) == story.session.commands[0]


def replace_value(heard, value):
    return heard._replace(value=value)


async def test_the_list_learns_what_is_chosen(story):
    await story.pilot.press("m", "down", "enter")
    assert "do accompany" == story.app.learning.wanted
    await story.move(PAD)

    assert {"do accompany": Trigger("note", 9, 36)} == story.app.learning.bindings


async def test_escape_gives_up_learning_and_then_leaves_the_list(story):
    await story.pilot.press("m", "enter", "escape")
    assert story.app.learning.wanted is None
    await story.pilot.press("escape")
    await story.pilot.pause()

    assert 1 == len(story.app.screen_stack)


async def test_delete_in_the_list_forgets(story):
    await story.learn("do lead", PEDAL)
    await story.pilot.press("m", "delete")
    await story.pilot.pause(0.1)
    await story.app.workers.wait_for_complete()

    assert ({}, {}) == (story.app.learning.bindings, bindings.read())


async def test_the_chosen_control_is_learned_by_one_key_and_follows_the_knob(story):
    await story.pilot.press("p", "l")
    await story.move(Heard("control", 0, 21, 5))
    await story.move(Heard("control", 0, 21, 127))

    assert ("set_params", {"order": "8"}) == story.session.commands[-1]


async def test_a_pad_turns_a_switch(story):
    await story.learn("set answers", PAD)
    await story.move(PAD)

    assert ("set_params", {"answers": "false"}) == story.session.commands[-1]


async def test_what_is_learned_is_kept_between_runs(story):
    await story.learn("do keep", PAD)
    session = FakeSession()
    app = ComposerApp(Settings(), lambda settings: session)
    async with app.run_test() as pilot:
        await shown(pilot)

        assert {"do keep": Trigger("note", 9, 36)} == app.learning.bindings


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("lead", ("set_role", "continue")),
        ("accompany", ("set_role", "accompany")),
        ("trade", ("set_role", "trade")),
        ("fill", ("set_role", "fill")),
        ("stop", ("stop",)),
        ("panic", ("panic",)),
    ],
)
async def test_every_footswitch_action_commands_the_session(story, name, command):
    await story.learn(f"do {name}", PEDAL)
    await story.move(replace_value(PEDAL, 0), PEDAL)

    assert command in story.session.commands


async def test_a_footswitch_keeps_the_last_bars(story):
    await story.learn("do keep", PAD)
    await story.move(PAD)

    assert {8} == {m.bars for m in story.posted if isinstance(m, KeepAsked)}


def test_every_role_has_a_footswitch():
    assert set(ROLES) == {
        message.role for action in ACTIONS.values() if hasattr(message := action.make(), "role") and message.role
    }


def moved(*heard, target="do stop", trigger=PEDAL):
    posted = []
    learning = Learning(posted.append)
    learning.bindings = {target: bindings.trigger_of(trigger)}
    claimed = [learning.hear(message) for message in heard]
    return [message.value for message in posted if isinstance(message, MidiMoved)], claimed


def test_a_pedal_is_pressed_once_however_often_it_says_that_it_is_down():
    values = [127, 127, 100, 0, 127]

    assert ([127, 127], [True] * 5) == moved(*(replace_value(PEDAL, value) for value in values))


def test_what_nobody_bound_is_music():
    assert ([], [False, False]) == moved(PAD, Heard("control", 1, 64, 127))


def test_who_plays_on_while_a_pedal_is_learned_means_the_pedal():
    seconds = iter([0.0, 0.4, 0.9, 3.0])
    learning = Learning(lambda message: None, lambda: next(seconds))
    assert not learning.hear(PAD)
    learning.wanted = "do stop"

    assert [False, False, True] == [learning.hear(heard) for heard in (PAD, PAD, PEDAL)]
    assert {"do stop": Trigger("control", 0, 64)} == learning.bindings
    learning.wanted = "do keep"
    assert learning.hear(PAD)


def test_all_notes_off_is_never_learned():
    learning = Learning(lambda message: None)
    learning.wanted = "do stop"

    assert not learning.hear(Heard("control", 0, 123, 0))
    assert "do stop" == learning.wanted


def test_a_message_does_one_thing():
    first = bindings.bound({}, "do stop", Trigger("control", 0, 64))

    assert {"do keep": Trigger("control", 0, 64)} == bindings.bound(first, "do keep", Trigger("control", 0, 64))


@pytest.mark.parametrize("text", ["{", "[]", '{"do stop": ["sysex", 0, 1]}', '{"do stop": ["note", 16, 1]}', "[1]"])
def test_a_damaged_file_is_said_to_be(text):
    bindings.place().parent.mkdir(parents=True)
    bindings.place().write_text(text)

    with pytest.raises(FileError, match="cannot be read"):
        bindings.read()


def test_bindings_are_kept_as_they_were():
    kept = {"do stop": Trigger("program", 3, 4), "set density": Trigger("control", 0, 21)}
    bindings.save(kept)

    assert kept == bindings.read()
    assert ["program", 3, 4] == json.loads(bindings.place().read_text())["do stop"]


@pytest.mark.parametrize(
    ("trigger", "label"),
    [
        (Trigger("control", 0, 64), "CC 64 ch 1"),
        (Trigger("note", 9, 36), "C2 ch 10"),
        (Trigger("program", 0, 0), "program 1 ch 1"),
    ],
)
def test_a_trigger_is_named_as_a_musician_would(trigger, label):
    assert label == trigger.label


async def test_a_damaged_file_is_told_and_the_music_begins():
    bindings.place().parent.mkdir(parents=True)
    bindings.place().write_text("{")
    app = ComposerApp(Settings(), lambda settings: FakeSession())
    async with app.run_test() as pilot:
        await shown(pilot)
        await pilot.pause()

        assert ["cannot be read" in note.message for note in app._notifications] == [True]
        assert app.playing.session is not None
