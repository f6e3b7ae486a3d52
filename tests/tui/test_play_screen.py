"""The play screen as text, at the smallest and at a large size, in every theme, and without colour.

Where a change of the screen is wanted, COMPOSER_SCREENS=write writes the texts anew.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from fake_session import STILL, FakeSession, song
from piloting import screen_lines, shown, text_of

from composer.generators.base import PartNote
from composer.live.settings import Settings
from composer.live.snapshot import Counters
from composer.music import Note
from composer.tui.app import ComposerApp
from composer.tui.layout import LABEL_WIDTH, Kind
from composer.tui.roll import Roll

SCREENS = Path(__file__).with_name("screens")
# A generator that nobody knows has no controls of its own that may change.
PLAYED = replace(song(5400.0), running=False, generator="somebody")
SIZES = [(80, 24), (200, 60)]


async def drawn(size, theme="textual-dark", snapshot=PLAYED):
    """Return the lines of the screen above the keys."""
    app = ComposerApp(Settings(), lambda settings: FakeSession(snapshot))
    async with app.run_test(size=size) as pilot:
        app.theme = theme
        await shown(pilot)
        await shown(pilot)
        return [line.rstrip() for line in screen_lines(app)[:-1]]


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize("size", SIZES)
async def test_the_screen_is_the_one_that_was_agreed_on(size, theme):
    path = SCREENS / f"play_{size[0]}x{size[1]}.txt"
    lines = await drawn(size, theme)
    if os.environ.get("COMPOSER_SCREENS") == "write":
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    assert path.read_text(encoding="utf-8").splitlines() == lines


async def test_without_colour_the_same_is_read(monkeypatch):
    coloured = await drawn((80, 24))
    monkeypatch.setenv("NO_COLOR", "1")
    app = ComposerApp(Settings(), lambda settings: FakeSession(PLAYED))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await shown(pilot)

        assert app.no_color
        assert coloured == [line.rstrip() for line in screen_lines(app)[:-1]]


async def test_every_cell_of_the_roll_has_the_colours_of_what_it_shows():
    before, sounding, after = Note(480, 60, 240), Note(960, 72, 120), Note(1440, 60, 240)
    alone = replace(
        PLAYED,
        tick=1000.0,
        player=(sounding, Note(480, 72, 240)),
        committed=(PartNote("piano", before),),
        intended=(PartNote("piano", after),),
    )
    app = ComposerApp(Settings(), lambda settings: FakeSession(alone))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await shown(pilot)
        roll = app.screen.query_one(Roll)
        styles = {kind: roll.get_component_rich_style(f"roll--{kind.name.lower()}") for kind in Kind}
        strips = roll.render_lines(roll.size.region)
        cells = [
            cell
            for line, strip in zip(roll._lines, strips, strict=True)
            if line.ground == "white"
            for cell in zip(line.row.kinds, line.row.text, _styles(strip)[LABEL_WIDTH:], strict=True)
        ]

    assert set(Kind) == {kind for kind, _, _ in cells}
    assert [] == [(kind, text) for kind, text, style in cells if style.bgcolor != styles[kind].bgcolor]
    assert [] == [(kind, text) for kind, text, style in cells if text != " " and style.color != styles[kind].color]


def _styles(strip):
    """Return the style of every cell."""
    return [segment.style for segment in strip for _ in segment.text]


async def test_you_it_and_what_it_intends_have_textures_of_their_own():
    roll = "\n".join((await drawn((80, 24)))[6:])

    assert all(texture in roll for texture in "⠛▄⣄│┃")


async def test_the_sync_and_its_jitter_are_read():
    clock = replace(STILL, source="clock", running=True, jitter_ms=1.84)
    app = ComposerApp(Settings(), lambda settings: FakeSession(clock))
    async with app.run_test() as pilot:
        await shown(pilot)

        assert "MIDI clock ±1.8 ms" in text_of(app, "#transport")


async def test_a_clock_that_has_not_begun_is_waited_for():
    app = ComposerApp(Settings(), lambda settings: FakeSession(replace(STILL, source="clock")))
    async with app.run_test() as pilot:
        await shown(pilot)

        assert "MIDI clock: waits for the host" in text_of(app, "#transport")


async def test_notes_that_could_not_be_played_are_counted():
    app = ComposerApp(Settings(), lambda settings: FakeSession(replace(STILL, counters=Counters(dropped=3))))
    async with app.run_test() as pilot:
        await shown(pilot)

        assert "dropped 3" in text_of(app, "#engine")


async def test_a_thousand_notes_a_second_stay_on_the_screen():
    storm = tuple(Note(n, n % 128, 10) for n in range(4400, 5400))
    lines = await drawn((80, 24), snapshot=replace(PLAYED, player=storm))

    assert max(map(len, lines)) <= 80
    assert "⢸⢸⢸" in "\n".join(lines[6:])
