import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from fake_session import STILL, FakeSession, song
from piloting import commands_after, screen_lines, shown, text_of

from composer.errors import PortError, UsageError
from composer.live.settings import Settings
from composer.live.snapshot import Counters, Port
from composer.music import Timeline
from composer.tui.app import ComposerApp
from composer.tui.choose import ERAS, GeneratorList
from composer.tui.keys import Keys
from composer.tui.layout import Kind
from composer.tui.messages import TransportToggled
from composer.tui.panel import Panel
from composer.tui.roll import Roll


async def test_space_starts_what_stands_still():
    assert [("start",)] == await commands_after("space")


async def test_space_stops_what_runs():
    assert [("stop",)] == await commands_after("space", snapshot=replace(STILL, running=True))


@pytest.mark.parametrize("key", ["escape", "!"])
async def test_panic_has_two_keys(key):
    assert [("panic",)] == await commands_after(key)


async def test_a_generator_is_chosen_from_the_list():
    assert [("set_generator", "markov", {})] == await commands_after("g", "up", "enter")


async def test_leaving_the_list_changes_nothing():
    assert [] == await commands_after("g", "escape")


async def test_space_in_the_list_does_not_touch_the_transport():
    assert [] == [c for c in await commands_after("g", "space") if c[0] in ("start", "stop")]


async def test_the_role_advances():
    assert [("set_role", "continue")] == await commands_after("r")


async def test_the_last_role_is_followed_by_the_first():
    assert [("set_role", "accompany")] == await commands_after("r", snapshot=replace(STILL, role="fill"))


@pytest.mark.parametrize(("key", "tempo"), [("plus", 121.0), ("equals_sign", 121.0), ("minus", 119.0)])
async def test_the_tempo_is_nudged_by_one(key, tempo):
    assert [("set_tempo", tempo)] == await commands_after(key)


async def test_nudges_faster_than_the_screen_add_up():
    assert [("set_tempo", 121.0), ("set_tempo", 122.0)] == await commands_after("plus", "plus")


@pytest.mark.parametrize(("key", "tempo"), [("plus", 600.0), ("minus", 10.0)])
async def test_the_tempo_stays_within_what_a_session_takes(key, tempo):
    assert [("set_tempo", tempo)] == await commands_after(key, snapshot=replace(STILL, timeline=Timeline(tempo)))


async def test_the_tempo_of_a_midi_clock_is_left_alone():
    assert [] == await commands_after("plus", snapshot=replace(STILL, source="clock"))


@pytest.mark.parametrize(("source", "other"), [("internal", "clock"), ("clock", "internal")])
async def test_sync_takes_the_other_clock(source, other):
    assert [("set_sync", other)] == await commands_after("s", snapshot=replace(STILL, source=source))


async def test_quit_closes_the_session_and_waits_for_its_thread():
    session = FakeSession()
    app = ComposerApp(Settings(), lambda settings: session)
    async with app.run_test() as pilot:
        await shown(pilot)
        await pilot.press("q")

    assert (True, False) == (session.ended, any(thread.name == "session" for thread in threading.enumerate()))


async def test_an_error_of_the_interface_closes_the_session():
    session = FakeSession()
    app = ComposerApp(Settings(), lambda settings: session)

    async def stumble():
        async with app.run_test() as pilot:
            await shown(pilot)
            app.call_later(lambda: 1 / 0)
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        await stumble()
    assert session.ended


async def test_a_refused_command_is_read_and_not_raised():
    session = FakeSession()

    def refuse(role):
        raise UsageError("there is no such role")

    session.set_role = refuse
    app = ComposerApp(Settings(), lambda settings: session)
    async with app.run_test() as pilot:
        await shown(pilot)
        await pilot.press("r")
        await pilot.pause()

        assert ["there is no such role"] == [note.message for note in app._notifications]


async def test_a_click_on_the_transport_posts_what_the_user_did():
    posted = []
    app = ComposerApp(Settings(), lambda settings: FakeSession())
    async with app.run_test(message_hook=posted.append) as pilot:
        await shown(pilot)
        await pilot.click("#transport")

    # The hook sees a message once for every widget it rises through.
    assert 1 == len({id(message) for message in posted if isinstance(message, TransportToggled)})


async def test_without_a_midi_system_the_built_in_player_is_offered_and_plays():
    made = []

    def make(settings):
        made.append(settings.internal_ports)
        return FakeSession(error=None if settings.internal_ports else PortError("there is no MIDI system here"))

    app = ComposerApp(Settings(), make)
    async with app.run_test() as pilot:
        while app.failure is None:
            await pilot.pause()
        await pilot.pause()
        offer = text_of(app, "#offer")
        await pilot.press("d")
        await shown(pilot)

    assert offer.startswith("there is no MIDI system here")
    assert "Press d" in offer
    assert [False, True] == made


async def test_a_session_that_dies_says_why():
    app = ComposerApp(Settings(), lambda settings: FakeSession(error=RuntimeError("the io process is gone")))
    async with app.run_test() as pilot:
        while app.failure is None:
            await pilot.pause()
        await pilot.pause()

        assert "the io process is gone" in text_of(app, "#offer")


async def test_the_generator_to_come_is_announced():
    pending = replace(STILL, pending="markov", switch_at=1920, tick=700.0)
    app = ComposerApp(Settings(), lambda settings: FakeSession(pending))
    async with app.run_test() as pilot:
        await shown(pilot)

        assert "anticipation  → markov at the next bar, in 3 beats" in text_of(app, "#generator")


async def test_a_lost_port_is_named():
    ports = (Port("in", "composer:in", "lost"),)
    app = ComposerApp(Settings(), lambda settings: FakeSession(replace(STILL, ports=ports)))
    async with app.run_test() as pilot:
        await shown(pilot)

        assert "from composer:in lost" in text_of(app, "#ports")


async def test_misses_lateness_and_worker_are_shown():
    counters = Counters(deadlines=50, misses={"anticipation": 2}, late_p99=3.25, ahead_ticks=720)
    app = ComposerApp(Settings(), lambda settings: FakeSession(replace(STILL, counters=counters, worker="restarting")))
    async with app.run_test() as pilot:
        await shown(pilot)
        said = text_of(app, "#engine")

    assert all(word in said for word in ("1.5 ♩", "missed 2/50", "late 3.2 ms", "restarting"))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_nothing_overflows(size):
    # JACK allows a client name once: the second port has the longer one.
    ports = (Port("in", "composer:in"), Port("out", "composer-01:out"))
    app = ComposerApp(Settings(), lambda settings: FakeSession(replace(song(5400.0), ports=ports)))
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        lines = screen_lines(app)
        widgets = [*app.screen.query(Panel), app.screen.query_one(Roll), app.screen.query_one(Keys)]

        assert [size[0]] * size[1] == [len(line) for line in lines]
        assert all(app.screen.region.contains_region(widget.region) for widget in widgets if widget.display)
        assert "⣏⣹ may play" in "".join(lines)
        assert "Quit" in lines[-1]


async def test_a_chord_is_named_where_it_begins_and_not_again():
    chords = ((0, "Am"), (480, "Am"), (960, "F"))
    app = ComposerApp(Settings(), lambda settings: FakeSession(replace(STILL, chords=chords)))
    async with app.run_test() as pilot:
        await shown(pilot)
        line = screen_lines(app)[app.screen.query_one(Roll).region.y]

    assert ["Am", "F"] == line.split()


async def test_a_tiny_screen_says_what_it_needs():
    app = ComposerApp(Settings(), lambda settings: FakeSession(song(5400.0)))
    async with app.run_test(size=(20, 5)) as pilot:
        await shown(pilot)
        said = " ".join(" ".join(screen_lines(app)).split())

    assert "Composer needs 60 x 14 cells; this is 20 x 5." == said


@pytest.mark.parametrize("key", ["g", "S", "F", "H", "P", "m", "T", "p"])
async def test_so_does_every_other_screen_and_comes_back(key):
    app = ComposerApp(Settings(), lambda settings: FakeSession(song(5400.0)))
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot)
        await pilot.press(key)
        await pilot.pause()
        before = app.screen.css_path_nodes, [child.display for child in app.screen.children]
        await pilot.resize_terminal(20, 5)
        await pilot.pause()
        said = " ".join(" ".join(screen_lines(app)).split())
        await pilot.resize_terminal(100, 30)
        await pilot.pause()

        assert "Composer needs 60 x 14 cells; this is 20 x 5." == said
        assert before == (app.screen.css_path_nodes, [child.display for child in app.screen.children])


async def test_the_same_snapshot_is_drawn_once():
    standing = replace(song(5400.0), running=False)
    app = ComposerApp(Settings(), lambda settings: FakeSession(standing))
    async with app.run_test() as pilot:
        await shown(pilot)
        roll = app.screen.query_one(Roll)
        drawn = roll._lines
        roll.show(replace(standing, tick=5401.0))

        assert drawn is roll._lines


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
async def test_the_three_kinds_of_notes_stand_out_from_every_theme(theme):
    app = ComposerApp(Settings(), lambda settings: FakeSession(song(5400.0)))
    async with app.run_test() as pilot:
        app.theme = theme
        await shown(pilot)
        roll = app.screen.query_one(Roll)
        styles = [roll.get_component_styles(f"roll--{k.name.lower()}") for k in (Kind.PLAYER, Kind.COMMITTED)]

        assert all(abs(style.color.brightness - style.background.brightness) > 0.3 for style in styles)


async def test_every_key_has_a_tooltip():
    assert [] == [binding.key for binding in ComposerApp.BINDINGS if not (binding.tooltip and binding.description)]


async def test_messages_of_the_session_are_read():
    app = ComposerApp(Settings(), lambda settings: FakeSession(replace(STILL, messages=("one", "two"))))
    async with app.run_test() as pilot:
        await shown(pilot)

        assert "two" == text_of(app, "#message")


async def test_what_starts_it_is_said_only_while_it_stands_still():
    session = FakeSession()
    session.shown = replace(STILL, ports=())
    app = ComposerApp(Settings(), lambda settings: session)
    async with app.run_test() as pilot:
        await shown(pilot)
        said = []
        for key in ("d", "space", "space", "d"):
            await pilot.press(key)
            app.look()
            await pilot.pause()
            said.append(text_of(app, "#message"))

    assert ["press space to start" in text for text in said] == [True, False, True, False]
    assert "press d to end it" in said[1]
    assert "" == said[3]


async def test_what_is_told_is_shown_without_waiting_for_the_next_frame(monkeypatch):
    monkeypatch.setattr("composer.tui.app.FRAMES_PER_SECOND", 0.01)
    session = FakeSession()
    app = ComposerApp(Settings(), lambda settings: session)
    async with app.run_test() as pilot:
        await shown(pilot)
        session.shown = replace(STILL, timeline=Timeline(90.0))
        session.tell()
        await pilot.pause()
        await pilot.pause()

        assert "♩=90.0" in text_of(app, "#transport")


def test_what_changes_is_drawn_within_two_ticks_of_four_milliseconds():
    ask = "import composer.tui.app; from textual import constants; print(constants.MAX_FPS)"
    env = {name: value for name, value in os.environ.items() if name != "TEXTUAL_FPS"}
    told = [
        subprocess.run([sys.executable, "-c", ask], env=env | wish, capture_output=True, text=True, check=True).stdout
        for wish in ({}, {"TEXTUAL_FPS": "30"})
    ]

    assert ["250", "30"] == [text.strip() for text in told]


async def test_the_list_begins_at_the_generator_that_plays():
    app = ComposerApp(Settings(), lambda settings: FakeSession(replace(STILL, generator="markov")))
    async with app.run_test() as pilot:
        await shown(pilot)
        app.sides = app.sides.chosen("markov")
        await pilot.press("g")
        await pilot.pause()

        assert app.screen.query_one(GeneratorList).display
        assert "markov" == ERAS[app.screen.query_one(GeneratorList).highlighted].name
