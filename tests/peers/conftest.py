"""Real peers around a real `composer`: a host in a process of its own, JACK between them, a song to play."""

import os
import tarfile
from io import BytesIO
from pathlib import Path

import mido
import pytest
from ensemble import Composer, Host, connect, kill_with_children

from composer.folders import model_folder


@pytest.fixture(scope="session")
def roomy_server(start_jack):
    """Run a JACK server with 21 ms a period: it does not wait for late programs, and their messages are lost."""
    name = f"composer-roomy-{os.getpid()}"
    start_jack(name, frames=1024)
    return name


@pytest.fixture
def roomy_jack(roomy_server, monkeypatch):
    """Let a test whose every message counts use the server that gives a busy machine time."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", roomy_server)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    return roomy_server


@pytest.fixture
def host(jack_server):
    host = Host()
    yield host
    host.close()


@pytest.fixture
def jam(jack_server, tmp_path):
    """Give a function that starts `composer jam` with flags; whatever is left of it is ended afterwards."""
    started = []

    def start(*flags, env=None):
        started.append(Composer(tmp_path, *flags, env=env))
        return started[-1]

    yield start
    for composer in started:
        kill_with_children(composer.process)


@pytest.fixture
def duet(host, jam):
    """Give a function that starts `composer jam` and connects the host to both its ports before the first bar."""

    def start(*flags):
        composer = jam("--api", "jack", "--count-in", "1", *flags)
        in_port, out_port = composer.ports()
        connect(host.ports["play"], in_port)
        connect(out_port, host.ports["hear"])
        return composer

    return start


@pytest.fixture(scope="session")
def generator():
    """Name our own model where its weights are, else Markov."""
    folder = model_folder("anticipation")
    return "anticipation" if folder and list(folder.glob("*.onnx")) else "markov"


@pytest.fixture(scope="session")
def melody():
    """Give the MELODY track of POP909's first song as (seconds, bytes) from its first note; 90 quarters a minute."""
    root = Path(os.environ.get("COMPOSER_DATA", Path(__file__).parents[3] / "shared" / "data"))
    name = "pop909/POP909/001/001.mid"
    if (root / name).exists():
        data = (root / name).read_bytes()
    elif (root / "pop909.tar.xz").exists():
        with tarfile.open(root / "pop909.tar.xz") as pack:
            # Reading on to the end of the pack would take ten times as long.
            member = next(member for member in pack if member.name == name)
            data = pack.extractfile(member).read()
    else:
        pytest.skip("POP909 is not there (set COMPOSER_DATA to the folder with pop909.tar.xz)")
    song = mido.MidiFile(file=BytesIO(data))
    track = next(track for track in song.tracks if track.name == "MELODY")
    messages, seconds = [], 0.0
    for message in mido.MidiFile(ticks_per_beat=song.ticks_per_beat, tracks=[song.tracks[0], track]):
        seconds += message.time
        if message.type in ("note_on", "note_off"):
            messages.append((seconds, tuple(message.bytes())))
    return [(seconds - messages[0][0], data) for seconds, data in messages]
