"""Without a MIDI system there is a sentence, or a demo; and what is recorded can be heard."""

import os
import shutil
import subprocess
import sys
import wave
from array import array
from pathlib import Path

import pretty_midi
import pytest
from ensemble import STATS, Composer, count_notes

pytestmark = pytest.mark.peer


@pytest.fixture
def nowhere():
    """Give an environment without a JACK server."""
    if Path("/dev/snd/seq").exists():
        pytest.skip("there is an ALSA sequencer here")
    return {**os.environ, "JACK_DEFAULT_SERVER": "composer-none", "JACK_NO_START_SERVER": "1"}


def test_without_a_midi_system_there_is_one_sentence(nowhere):
    command = [sys.executable, "-m", "composer.cli", "jam"]
    run = subprocess.run(command, env=nowhere, capture_output=True, text=True, timeout=30, check=False)

    assert (1, "") == (run.returncode, run.stdout)
    assert 1 == len(run.stderr.strip().splitlines())
    assert "--demo" in run.stderr


def test_the_demo_plays_without_a_midi_system_and_can_be_heard(nowhere, tmp_path, generator):
    composer = Composer(tmp_path, "--demo", "--duration", "7", "--generator", generator, env=nowhere)

    assert 0 == composer.end(seconds=60), composer.stderr
    stats = composer.stats()
    player, machine = count_notes(composer.record)
    assert STATS == set(stats)
    assert (player, machine, 0) == (stats["notes_in"], stats["notes_out"], stats["sounding_at_exit"])
    assert player > 3
    assert machine > 3
    if shutil.which("fluidsynth") is None:
        pytest.skip("fluidsynth is not installed: the recording was not heard")
    sound = tmp_path / "take.wav"
    font = Path(pretty_midi.__file__).parent / "TimGM6mb.sf2"
    command = ["fluidsynth", "-ni", "-F", str(sound), str(font), str(composer.record)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    with wave.open(str(sound)) as heard:
        samples = array("h", heard.readframes(heard.getnframes()))
    assert max(samples) > 1000
