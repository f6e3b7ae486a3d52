"""Press keys in the interface over a session that plays nothing, and read its screen."""

from __future__ import annotations

from fake_session import STILL, FakeSession

from composer.live.settings import Settings
from composer.tui.app import ComposerApp


async def commands_after(*keys, snapshot=STILL):
    """Return the commands that a session got when the keys had been pressed."""
    session = FakeSession(snapshot)
    app = ComposerApp(Settings(), lambda settings: session)
    async with app.run_test() as pilot:
        await shown(pilot)
        await pilot.press(*keys)
        await pilot.pause()
    return session.commands


async def shown(pilot):
    """Wait until the session has been made and seen."""
    while pilot.app.playing.session is None and pilot.app.failure is None:
        await pilot.pause()
    pilot.app.look()
    await pilot.pause()


def text_of(app, selector):
    return str(app.screen_stack[0].query_one(selector).render())


def screen_lines(app):
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]
