"""FluidSynth, live: a synthesizer that nobody here wrote receives what the machine plays."""

import shutil
import signal
import subprocess
from pathlib import Path

import pretty_midi
import pytest
from ensemble import Lines, connect, ons, phrase

pytestmark = [pytest.mark.peer]


def test_a_synthesizer_receives_every_note(duet, host, melody):
    if shutil.which("fluidsynth") is None:
        pytest.skip("fluidsynth is not installed")
    font = Path(pretty_midi.__file__).parent / "TimGM6mb.sf2"
    # Told to be verbose, it says each note it begins: "noteon channel pitch velocity ...".
    command = ["fluidsynth", "-is", "-v", "-a", "jack", "-m", "jack", "-o", "midi.jack.id=synth", str(font)]
    said = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as synth:
        try:
            lines = Lines(synth.stdout, said.append)
            composer = duet("--generator", "markov", "--tempo", "90")
            _, out_port = composer.ports()
            connect(out_port, "synth:midi_00")
            composer.wait_running()
            host.play(*phrase(melody, 3.0))
            host.wait(lambda: len(ons(host.heard)) > 5)

            assert 0 == composer.end(signal.SIGTERM)
            sent = [(message[0] & 0x0F, *message[1:]) for _, message in ons(host.heard)]
            begun = lambda: [tuple(map(int, words[2:5])) for line in said if (words := line.split())[1:2] == ["noteon"]]  # noqa: E731
            lines.wait(lambda: len(begun()) >= len(sent), 10, lambda: "".join(said))
        finally:
            synth.terminate()
    assert sent == begun()
