"""Stories: choose a generator, wait for its bar line, compare two, and turn what can be turned."""

from dataclasses import replace

import pytest
from fake_session import STILL, FakeSession
from piloting import commands_after, screen_lines, shown, text_of
from textual import events

from composer.live.settings import Settings
from composer.tui.app import ComposerApp
from composer.tui.choose import ERAS, GeneratorList, in_short
from composer.tui.control_panel import _BAR, _NAME, ControlPanel
from composer.tui.controls import of_generator
from composer.tui.readout import controls
from composer.tui.settling import Settling
from composer.tui.sides import Side, Sides

MARKOV = replace(STILL, generator="markov")
KEY = {info.name: str(number) for number, info in enumerate(ERAS, 1)}
"""The digit that plays each generator."""


def test_the_eras_run_from_1951_to_today():
    years = [info.year for info in ERAS]

    assert 1951 == years[0]
    assert sorted(years) == years


@pytest.mark.parametrize("keys", [("4",), ("g", "4")])
async def test_a_digit_plays_the_era_of_that_number(keys):
    assert [("set_generator", ERAS[3].name, {})] == await commands_after(*keys)


async def test_the_list_names_year_author_and_what_it_does():
    app = ComposerApp(Settings(), lambda settings: FakeSession())
    async with app.run_test(size=(100, 40)) as pilot:
        await shown(pilot)
        await pilot.press("g")
        await pilot.pause()
        screen = "\n".join(screen_lines(app))

    assert "1951  music-of-changes  John Cage" in screen
    assert "The I Ching chooses" in screen


@pytest.mark.parametrize(
    ("room", "said"),
    [(80, "Plays one, two; and three"), (20, "Plays one, two"), (12, "Plays one"), (3, "Plays one")],
)
def test_a_summary_is_cut_where_a_clause_ends(room, said):
    assert said == in_short("Plays one, two; and three. More.", room)


def test_a_list_is_not_cut_after_its_first_word():
    assert "By rules" == in_short("By rules; codes, rows and chains.", 20)


async def test_no_era_is_cut_short_at_80_columns():
    app = ComposerApp(Settings(), lambda settings: FakeSession())
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("g")
        await pilot.pause()
        described = [line for line in screen_lines(app) if "│     " in line]

    assert len(described) >= 8
    assert "…" not in "".join(described)


async def test_what_was_told_does_not_lie_over_the_list():
    """At the first start four messages would cover the lower half of it; help tells the same."""
    app = ComposerApp(Settings(), lambda settings: FakeSession())
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        app.notify("First time here?", timeout=60)
        await pilot.pause()
        await pilot.press("g")
        await pilot.pause()

        assert [] == list(app._notifications)


@pytest.mark.parametrize(
    ("keys", "place"), [(("home", "down", "enter"), 1), (("end", "space"), -1), (("home", "up", "enter"), 0)]
)
async def test_the_bar_moves_and_takes(keys, place):
    assert [("set_generator", ERAS[place].name, {})] == await commands_after("g", *keys)


async def test_the_era_under_the_bar_is_seen_on_a_low_screen():
    app = ComposerApp(Settings(), lambda settings: FakeSession())
    async with app.run_test(size=(80, 15)) as pilot:
        await shown(pilot)
        seen = []
        for keys in (("g", "home"), ("end",)):
            await pilot.press(*keys)
            await pilot.pause()
            screen = "\n".join(screen_lines(app))
            seen.append([f" {info.year}  {info.name} " in screen for info in (ERAS[0], ERAS[-1])])

    assert [[True, False], [False, True]] == seen


async def test_a_click_takes_the_era_and_the_wheel_moves_the_bar():
    session = FakeSession(MARKOV)
    app = ComposerApp(Settings(), lambda settings: session)
    async with app.run_test(size=(80, 15)) as pilot:
        await shown(pilot)
        await pilot.press("g", "end")
        await pilot.pause()
        eras = app.screen.query_one(GeneratorList)
        content = eras.content_region
        eras.post_message(events.MouseScrollUp(eras, 5, 5, 0, -1, 0, False, False, False))
        await pilot.pause()
        highlighted = eras.highlighted
        await pilot.click(offset=(content.x + 5, content.bottom - 1))
        await pilot.pause()

    assert len(ERAS) - 2 == highlighted
    assert [("set_generator", ERAS[-2].name, {})] == session.commands


async def test_while_a_generator_opens_it_is_said():
    app = ComposerApp(Settings(), lambda settings: FakeSession(replace(STILL, pending="markov")))
    async with app.run_test() as pilot:
        await shown(pilot)

        assert "→ markov is getting ready" in text_of(app, "#generator")


async def test_one_key_compares_two_generators():
    # The first press asks with whom; then each press plays the other side.
    assert [
        ("set_generator", "markov", {}),
        ("set_generator", "anticipation", {}),
        ("set_generator", "markov", {}),
    ] == (await commands_after("c", KEY["markov"], "c", "c"))


async def test_the_other_side_keeps_its_parameters():
    commands = await commands_after(KEY["markov"], "p", "plus", "c", "1", "c", snapshot=MARKOV)

    assert [
        ("set_generator", "markov", {}),
        ("set_params", {"order": "5"}),
        ("set_generator", "music-of-changes", {}),
        ("set_generator", "markov", {"order": "5"}),
    ] == commands


def test_a_generator_that_cannot_be_opened_leaves_the_side_before():
    sides = Sides(Side("markov", {})).beside("amt-large")

    assert ("markov", "A") == (sides.refused("amt-large").current.generator, sides.refused("amt-large").letter)


async def test_a_refused_generator_turns_back_to_the_side_that_plays():
    session = FakeSession(replace(STILL, generator="markov"))
    app = ComposerApp(Settings(generator="markov"), lambda settings: session)
    async with app.run_test() as pilot:
        await shown(pilot)
        await pilot.press("c", "3")
        session.shown = replace(MARKOV, pending=ERAS[2].name)
        await shown(pilot)
        session.shown = MARKOV
        await shown(pilot)

        assert "markov" == app.sides.current.generator


async def test_plus_changes_the_chosen_control_and_not_the_tempo():
    assert [("set_params", {"order": "5"})] == await commands_after("p", "plus", snapshot=MARKOV)


async def test_minus_and_backspace_too():
    assert [("set_params", {"density": "0.45"})] == await commands_after("p", "down", "minus", snapshot=MARKOV)


async def test_after_the_controls_plus_is_the_tempo_again():
    assert [("set_tempo", 121.0)] == await commands_after("p", "p", "plus", snapshot=MARKOV)


def test_wishes_faster_than_a_session_takes_them_are_asked_for_together():
    order, density = of_generator("markov")[:2]
    settling = Settling()
    settling.want(order, "5", 0.0)

    assert {"generator": {"order": "5"}} == settling.due(0.0)
    settling.want(order, "6", 0.01)
    settling.want(order, "7", 0.02)
    settling.want(density, "0.10", 0.03)
    assert {} == settling.due(0.1)
    assert {"generator": {"order": "7", "density": "0.10"}} == settling.due(0.2)


def test_a_wish_is_shown_until_it_is_confirmed_or_refused():
    (order, *_) = of_generator("markov")
    settling = Settling()
    settling.want(order, "7", 0.0)
    settling.due(0.0)

    assert {"order": "7"} == settling.over({"order": "4"}, 0.5)
    assert {"order": "4"} == settling.over({"order": "4"}, 1.5)


async def test_a_click_on_the_bar_sets_the_control():
    session = FakeSession(MARKOV)
    app = ComposerApp(Settings(), lambda settings: session)
    async with app.run_test() as pilot:
        await shown(pilot)
        await pilot.press("p")
        await shown(pilot)
        panel = app.screen.query_one(ControlPanel)
        density = next(n for n, line in enumerate(screen_lines(app)) if "density" in line)
        column = panel.content_region.x + _NAME + _BAR
        await pilot.click(offset=(column, density))
        await pilot.pause(0.2)

    assert [("set_params", {"density": "1.00"})] == session.commands


async def test_the_help_of_the_chosen_control_is_read():
    app = ComposerApp(Settings(), lambda settings: FakeSession(MARKOV))
    async with app.run_test() as pilot:
        await shown(pilot)
        await pilot.press("p")
        await shown(pilot)
        screen = "\n".join(screen_lines(app))

    assert "notes the phrases look back (1" in screen


async def test_what_a_generator_cannot_be_told_is_said_to_be_absent():
    app = ComposerApp(Settings(), lambda settings: FakeSession(replace(STILL, generator=ERAS[0].name)))
    async with app.run_test() as pilot:
        await shown(pilot)
        await pilot.press("p")
        await shown(pilot)
        screen = "\n".join(screen_lines(app))

    assert "here without density, temperature" in screen
    assert "temperature  " not in screen


def test_a_lowest_pitch_is_a_register():
    ours, dice, chords = (
        controls(replace(STILL, generator=name))[0].note for name in ("anticipation", "music-of-changes", "achorripsis")
    )

    assert "" == ours
    assert "register" not in dice
    assert "register" in chords


async def test_every_key_of_the_controls_has_a_tooltip():
    assert [] == [binding.key for binding in ControlPanel.BINDINGS if not (binding.tooltip and binding.description)]


async def test_a_generator_without_its_weights_is_marked_in_the_list(monkeypatch):
    monkeypatch.setattr("composer.tui.choose.model_folder", lambda name: None)
    app = ComposerApp(Settings(), lambda settings: FakeSession())
    async with app.run_test(size=(100, 60)) as pilot:
        await shown(pilot)
        await pilot.press("g")
        await app.workers.wait_for_complete()
        await pilot.pause()
        lines = [line.strip() for line in screen_lines(app)]

    marked = [lines[n - 1] for n, line in enumerate(lines) if "its weights are missing" in line]
    needing = [info.name for info in ERAS if info.weights]
    assert len(needing) == len(marked)
    assert all(f" {name} " in line for name, line in zip(needing, marked, strict=True))
