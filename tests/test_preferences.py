"""Settings outlive the program: what was saved comes back, flags stand above it, and a damaged file is not lost."""

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from composer import cli, preferences
from composer.commands import options
from composer.errors import UsageError
from composer.live.settings import Settings
from composer.preferences import Preferences

EVENING = {"generator": "markov", "params": {"order": "2"}, "tempo": 96.0, "meter": (3, 4), "seed": 7}


def asked(*flags):
    """Return the settings of a session that `composer jam` with these flags would begin."""
    args = cli.parser("jam").parse_args(["jam", "--demo", *flags])
    options.settle(args)
    return options.session(args)


def shown(*flags):
    """Return the settings of the session that the interface would begin with these flags."""
    args = cli.parser().parse_args(flags)
    options.settle(args)
    return options.session(args)


def test_without_a_file_everything_is_as_it_was():
    assert Settings() == preferences.apply(Settings(), preferences.read().values())


def test_what_was_saved_comes_back():
    kept = Preferences({"tempo": 90.0, "out_port": "Grand"}, {"evening": EVENING})
    preferences.save(kept)

    assert kept == preferences.read()


@given(name=strategies.text(strategies.characters(codec="utf-8"), min_size=1), port=strategies.text())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_comes_back(name, port):
    port = port.encode("utf-8", "ignore").decode()
    kept = Preferences({"out_port": port}, {name: {"in_port": name}})
    preferences.save(kept)

    assert kept == preferences.read()


def test_a_preset_stands_above_the_settings():
    kept = Preferences({"tempo": 90.0, "role": "trade"}, {"evening": EVENING})

    assert (96.0, "trade") == (kept.values("evening")["tempo"], kept.values("evening")["role"])


def test_parameters_of_another_generator_are_left_behind():
    kept = Preferences({"params": {"temperature": "1.2"}}, {"plain": {"generator": "markov"}})

    assert "params" not in kept.values("plain")


def test_a_preset_that_is_not_there_names_those_that_are():
    with pytest.raises(UsageError, match="no preset 'morning'; the presets are evening"):
        Preferences(presets={"evening": EVENING}).values("morning")


def test_a_flag_stands_above_the_preset():
    preferences.save(Preferences(presets={"evening": EVENING}))
    found = asked("--preset", "evening", "--tempo", "80", "--set", "order=3")

    assert (80.0, (3, 4), "markov", {"order": "3"}, 7) == (
        found.tempo,
        found.meter,
        found.generator,
        found.params,
        found.seed,
    )


def test_a_flag_that_says_the_default_stands_above_the_preset():
    preferences.save(Preferences(presets={"evening": EVENING}))

    assert 120.0 == asked("--preset", "evening", "--tempo", "120").tempo


@pytest.mark.parametrize("begun", [asked, shown])
def test_a_flag_stands_above_the_settings(begun):
    preferences.save(Preferences({"tempo": 90.0, "role": "trade", "in_port": "Grand", "seed": 3}))
    found = begun("--tempo", "80", "--in", "Small", "--seed", "0")

    assert (80.0, "trade", "Small", 0) == (found.tempo, found.role, found.in_port, found.seed)


@pytest.mark.parametrize("begun", [asked, shown])
def test_the_steering_of_a_preset_holds(begun):
    preferences.save(Preferences(presets={"evening": {"steering": {"swing": "0.5"}}}))

    assert {"swing": "0.5"} == begun("--preset", "evening").steering


def test_the_value_of_a_flag_is_no_verb():
    assert 2 == cli.main(["--generator", "jam", "--tempo", "96"])


def test_another_generator_does_not_take_the_parameters_of_the_preset():
    preferences.save(Preferences(presets={"evening": EVENING}))

    assert {} == asked("--preset", "evening", "--generator", "illiac").params


def test_settings_hold_without_a_preset():
    preferences.save(Preferences({"role": "trade", "seed": 3}))

    assert ("trade", 3) == (asked().role, asked().seed)


@pytest.mark.parametrize(
    "text", ["tempo = ", "tempo = 5000.0", "colour = 'red'", "meter = [3]", "presets = 4", "tempo = true", "\0"]
)
def test_a_damaged_file_is_put_aside_and_the_defaults_hold(text):
    preferences.folder().mkdir(parents=True)
    preferences.place().write_text(text)
    found = preferences.read()

    assert ({}, {}) == (found.settings, found.presets)
    assert "kept as settings.toml.damaged" in found.notice
    assert text == preferences.place().with_name("settings.toml.damaged").read_text()


def test_a_second_damaged_file_does_not_cover_the_first():
    preferences.folder().mkdir(parents=True)
    for text in ("one", "two"):
        preferences.place().write_text(text)
        preferences.read()

    assert ["one", "two"] == sorted(path.read_text() for path in preferences.folder().iterdir())


def test_a_folder_that_cannot_be_read_is_told_in_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "settings.toml").mkdir()
    monkeypatch.setenv("COMPOSER_CONFIG", str(tmp_path))

    assert "cannot be read" in preferences.read().notice


def test_only_what_differs_from_the_defaults_is_kept():
    assert {"tempo": 90.0, "meter": (3, 4)} == preferences.of(Settings(tempo=90.0, meter=(3, 4)))


def test_jam_says_which_presets_there_are(capsys):
    preferences.save(Preferences(presets={"evening": EVENING}))

    assert 2 == cli.main(["jam", "--demo", "--preset", "morning"])
    assert "the presets are evening" in capsys.readouterr().err


def test_a_preset_may_be_called_like_a_verb(capsys):
    assert 2 == cli.main(["--preset", "jam"])
    assert "needs a terminal" in capsys.readouterr().err


def test_a_preset_is_one_line_a_value(tmp_path):
    preferences.save(Preferences(presets={"late evening": EVENING}))

    assert [
        "",
        '[presets."late evening"]',
        'generator = "markov"',
        'params = {"order" = "2"}',
        "tempo = 96.0",
        "meter = [3, 4]",
        "seed = 7",
    ] == preferences.place().read_text().splitlines()
