"""The line of keys says what does something now, and a click on a key presses it."""

from fake_session import STILL, FakeSession
from piloting import screen_lines, shown

from composer.live.settings import Settings
from composer.tui.app import ComposerApp


def app_and_session():
    session = FakeSession(STILL)
    return ComposerApp(Settings(), lambda settings: session), session


async def foot(*keys, size=(120, 30)):
    """Return the last line of a screen of `size` after `keys` were pressed."""
    app, _ = app_and_session()
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        await pilot.press(*keys)
        await pilot.pause()
        return screen_lines(app)[-1]


async def test_each_action_is_named_by_its_first_key():
    line = await foot()

    assert "k Keep" in line
    assert "q Quit" in line
    assert "^c" not in line
    assert line.rstrip().endswith("^p palette")


async def test_a_list_names_its_own_way_back_and_no_other_use_of_that_key():
    line = await foot("g")

    assert line.startswith("esc Back ")
    assert 1 == line.count("esc")
    assert "Quit" not in line


async def test_a_click_presses_the_key():
    app, session = app_and_session()
    async with app.run_test(size=(120, 30)) as pilot:
        await shown(pilot)
        line = screen_lines(app)[-1]
        await pilot.click("Keys", offset=(line.index("Panic"), 0))
        await pilot.pause()

    assert ("panic",) in session.commands


async def test_where_there_is_no_room_the_palette_is_left_out():
    line = await foot(size=(80, 24))

    assert "Quit" in line
    assert "palette" not in line
