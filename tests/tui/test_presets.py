"""Settings saved under a name while playing, and recalled."""

from dataclasses import replace

from fake_session import STILL
from test_takes import Stage, until

from composer import preferences
from composer.live.settings import Settings
from composer.live.steering import NEUTRAL, Steering
from composer.music import Meter, Timeline
from composer.preferences import Preferences
from composer.tui.presets import Presets, described

EVENING = {"generator": "markov", "params": {"order": "2"}, "role": "trade", "tempo": 96.0, "meter": (3, 4)}


async def shown(stage, count):
    await until(
        stage.pilot, lambda: isinstance(stage.app.screen, Presets) and len(stage.app.screen._found.presets) == count
    )
    await stage.pilot.pause()


def taught(stage):
    """Let the session take what the fake does not."""
    stage.session.set_meter = lambda *meter: stage.session.commands.append(("set_meter", *meter))


async def test_what_is_set_is_saved_under_a_name():
    steering = replace(NEUTRAL, swing=0.5)
    snapshot = replace(STILL, role="fill", timeline=Timeline(96.0), meter=Meter(0, 3, 4), steering=steering)
    async with Stage("P", snapshot=snapshot) as stage:
        await shown(stage, 0)
        await stage.pilot.press("s", *"dusk", "enter")
        await shown(stage, 1)

    saved = preferences.read().values("dusk")
    assert {"role": "fill", "tempo": 96.0, "meter": (3, 4), "steering": {"swing": "0.5"}} == saved


async def test_a_preset_is_recalled_while_playing():
    preferences.save(Preferences(presets={"evening": EVENING}))
    async with Stage("P") as stage:
        taught(stage)
        await shown(stage, 1)
        await stage.pilot.press("enter")
        await until(stage.pilot, lambda: ("set_meter", 3, 4) in stage.session.commands)

    assert [
        ("set_generator", "markov", {"order": "2"}),
        ("set_role", "trade"),
        ("set_steering", Steering.neutral()),
        ("set_sync", "internal"),
        ("set_tempo", 96.0),
        ("set_meter", 3, 4),
    ] == stage.session.commands


async def test_what_cannot_change_while_playing_is_told():
    preferences.save(Preferences(presets={"grand": {"out_port": "Grand"}}))
    async with Stage("P") as stage:
        taught(stage)
        await shown(stage, 1)
        await stage.pilot.press("enter")
        await until(stage.pilot, lambda: "out_port: from the next start" in stage.said)


async def test_a_deleted_preset_comes_back():
    preferences.save(Preferences(presets={"evening": EVENING}))
    async with Stage("P") as stage:
        await shown(stage, 1)
        await stage.pilot.press("x")
        await until(stage.pilot, lambda: not preferences.read().presets)
        await shown(stage, 0)
        await stage.pilot.press("u")
        await until(stage.pilot, lambda: preferences.read().presets)

    assert EVENING == preferences.read().presets["evening"]


async def test_every_session_begins_with_what_was_set():
    async with Stage("P", snapshot=replace(STILL, role="trade")) as stage:
        await shown(stage, 0)
        await stage.pilot.press("b")
        await until(stage.pilot, lambda: preferences.read().settings)

    assert "trade" == preferences.apply(Settings(), preferences.read().values()).role


async def test_leaving_changes_nothing():
    preferences.save(Preferences(presets={"evening": EVENING}))
    async with Stage("P") as stage:
        await shown(stage, 1)
        await stage.pilot.press("escape")
        await stage.pilot.pause()

    assert [] == stage.session.commands


async def test_a_damaged_file_is_told():
    preferences.folder().mkdir(parents=True)
    preferences.place().write_text("tempo =")
    async with Stage("P") as stage:
        await until(stage.pilot, lambda: "kept as settings.toml.damaged" in stage.said)


def test_a_preset_is_described_in_a_few_words():
    assert "markov · order 2 · trade · tempo 96.0 · meter 3/4" == described(EVENING).replace("params ", "")


async def test_every_key_of_the_presets_has_a_tooltip():
    assert [] == [binding.key for binding in Presets.BINDINGS if not (binding.tooltip and binding.description)]
