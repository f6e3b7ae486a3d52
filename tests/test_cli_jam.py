"""composer jam as a process of its own: through ports inside the program, ended by itself and by signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from composer.midi import files


@pytest.fixture
def no_midi() -> dict[str, str]:
    """Return an environment in which no JACK server answers."""
    if Path("/dev/snd/seq").exists():
        pytest.skip("this machine has an ALSA sequencer")
    return {**os.environ, "JACK_DEFAULT_SERVER": "composer-test-none", "JACK_NO_START_SERVER": "1"}


def jam(env: dict[str, str], *flags: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "composer.cli", "jam", "--generator", "markov", *map(str, flags)]
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_the_demo_tells_each_bar_and_records_both(tmp_path, no_midi):
    take, stats = tmp_path / "take.mid", tmp_path / "stats.json"

    process = jam(no_midi, "--demo", "--tempo", 240, "--duration", 5, "--record", take, "--stats", stats)
    out, err = process.communicate(timeout=60)

    figures = json.loads(stats.read_text())
    assert (0, "") == (process.returncode, out)
    assert "bar   2  you: G5 F5 E5 D5" in err
    assert f"the recording is in {take}" in err
    assert {"Player", "Piano", "Bass"} == {part.name for part in files.read(take).parts}
    assert figures["notes_out"] > 0
    assert figures["sounding_at_exit"] == 0
    assert [take.name, stats.name] == sorted((path.name for path in tmp_path.iterdir()), reverse=True)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_it_in_order(tmp_path, no_midi, name):
    stats = tmp_path / "stats.json"
    process = jam(no_midi, "--demo", "--tempo", 240, "--stats", stats)
    assert process.stderr
    assert any(line.startswith("bar   1") for line in process.stderr)

    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=20)

    assert process.returncode == 0, err
    assert json.loads(stats.read_text())["sounding_at_exit"] == 0


def test_without_a_midi_system_it_names_the_demo(no_midi):
    process = jam(no_midi)
    _, err = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "composer jam --demo" in err
    assert err.count("\n") == 1


def test_a_damaged_model_ends_it_with_one_sentence(tmp_path, no_midi):
    folder = tmp_path / "models" / "anticipation"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{")
    env = {**no_midi, "COMPOSER_MODELS": str(folder.parent)}

    process = jam(env, "--demo", "--generator", "anticipation", "--duration", 20)
    _, err = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "composer jam: anticipation cannot play" in err.splitlines()[-1]
