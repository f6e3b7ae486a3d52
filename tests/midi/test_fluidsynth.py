"""The preview: what FluidSynth's shell is told, and that nothing is left when it ends."""

import os
import shutil
import sys
import time

import pytest

from composer.errors import PortError
from composer.midi.fluidsynth import FluidSynth, soundfont

SCRIPT = """#!{python}
import sys

with open({said!r}, "w", buffering=1) as said:
    said.write(" ".join(sys.argv[1:]) + chr(10))
    for line in sys.stdin:
        said.write(line)
"""


@pytest.fixture
def said(tmp_path, monkeypatch):
    """Put a program called fluidsynth on the path, and return the function that gives what it was told."""
    if sys.platform == "win32":
        pytest.skip("a script is no program on Windows")
    program, told = tmp_path / "fluidsynth", tmp_path / "told"
    program.write_text(SCRIPT.format(python=sys.executable, said=str(told)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def lines(count):
        end = time.monotonic() + 20
        while time.monotonic() < end and (not told.exists() or len(told.read_text().splitlines()) < count):
            time.sleep(0.02)
        return told.read_text().splitlines()

    return lines


def test_each_message_is_a_line_for_the_shell(said):
    synth = FluidSynth()
    for data in ((0x90, 60, 80), (0x80, 60, 0), (0x91, 62, 0), (0xB9, 7, 100), (0xC2, 33), (0xE0, 0, 64)):
        synth.send(data)
    synth.close()

    expected = ["noteon 0 60 80", "noteoff 0 60", "noteoff 1 62", "cc 9 7 100", "prog 2 33", "reset", "quit"]
    assert expected == said(8)[1:]


def test_beside_jack_it_sounds_through_jack(said):
    FluidSynth("jack").close()

    assert f"-q -n -a jack -o audio.jack.autoconnect=1 {soundfont()}" == said(1)[0]


def test_without_fluidsynth_it_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PortError, match="connect a DAW or synthesizer to the port, or install FluidSynth"):
        FluidSynth()


@pytest.mark.peer
def test_fluidsynth_itself_sounds_and_ends(jack_server):
    if shutil.which("fluidsynth") is None:
        pytest.skip("fluidsynth is not installed")
    synth = FluidSynth("jack")
    time.sleep(1.0)
    synth.send((0x90, 60, 80))
    assert synth.alive()
    synth.close()
    synth._process.wait(10)

    assert not synth.alive()
