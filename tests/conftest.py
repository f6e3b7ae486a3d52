"""What tests of several packages share: a JACK server of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the tests set and take away from what the person who runs them has set and taken."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("COMPOSER_CONFIG", str(home / "config"))
    monkeypatch.setenv("COMPOSER_TAKES", str(home / "takes"))


@pytest.fixture(scope="session")
def start_jack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start JACK servers by name, without hardware (48 kHz, 5.3 ms a period, or longer); the session ends them."""
    if shutil.which("jackd") is None or shutil.which("jack_lsp") is None:
        pytest.skip("jackd is not installed (package jackd2)")
    log = tmp_path_factory.mktemp("jack") / "jackd.log"
    with ExitStack() as servers:

        def start(name: str, frames: int = 256) -> subprocess.Popen[bytes]:
            server = _launch_jack(name, log, frames)
            servers.callback(_end_jack, server, name, log)
            wait_for_jack(name, log)
            return server

        yield start


def _launch_jack(name: str, log: Path, frames: int = 256) -> subprocess.Popen[bytes]:
    # The long client timeout keeps a busy machine from dropping slow clients.
    command = ["jackd", "-n", name, "-r", "-t", "10000", "-d", "dummy", "-r", "48000", "-p", str(frames)]
    with log.open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=out)


def _end_jack(server: subprocess.Popen[bytes], name: str, log: Path) -> None:
    stop_process(server)
    if server.returncode:
        # JACK has eight places for servers, and one that was killed keeps its place until its name is used again.
        heir = _launch_jack(name, log)
        try:
            wait_for_jack(name, log)
        finally:
            stop_process(heir)


def wait_for_jack(name: str, log: Path) -> None:
    """Return when the server answers; RuntimeError after 15 s."""
    environment = {**os.environ, "JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
    for _ in range(150):
        if subprocess.run(["jack_lsp"], env=environment, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"the JACK server did not answer within 15 s: {log.read_text(errors='replace')[-500:]}")


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """End a process that a test started, politely first: jackd may wait ten seconds for a client that has gone."""
    process.terminate()
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def jack_server(start_jack: Callable[..., subprocess.Popen[bytes]]) -> Iterator[str]:
    """Run a JACK server for the session; its name is in JACK_DEFAULT_SERVER, so child processes find it too.

    Close every port before the test ends: a JACK client that outlives its server takes the process with it.
    """
    name = f"composer-test-{os.getpid()}"
    start_jack(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", name)
        patch.setenv("JACK_NO_START_SERVER", "1")
        yield name


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a converted amt-small whose random weights like the near future, so that it plays."""
    np, write = pytest.importorskip("numpy"), pytest.importorskip("composer.neural.gpt2_graph").write
    from composer.generators.amt_sampling import DURATIONS, NOTES, TIMES

    width, layers = 32, 2
    rng = np.random.default_rng(1)
    told = rng.choice([-1.0, 1.0], width)
    table = rng.normal(0, 0.15, (55_028, width))
    for rows, falls in ((TIMES, 0.06), (DURATIONS, 0.02)):
        table[rows] -= falls / width * np.arange(rows.stop - rows.start)[:, None] * told
    tensors = {"wte.weight": table, "wpe.weight": rng.normal(0, 0.15, (1024, width))}
    tensors |= {"ln_f.weight": np.ones(width), "ln_f.bias": told}
    from composer.neural.gpt2_layout import LAYER

    for layer in range(layers):
        for name, sizes in LAYER.items():
            shape = [width * size for size in sizes]
            tensors[f"h.{layer}.{name}"] = np.ones(shape) if name.startswith("ln") else rng.normal(0, 0.15, shape)
    config = {"model_type": "gpt2", "n_layer": layers, "n_head": 2, "n_embd": width}
    config |= {"scale_attn_by_inverse_layer_idx": True, "layer_norm_epsilon": 1e-5}
    folder = tmp_path_factory.mktemp("checkpoints") / "amt-small"
    weights = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
    write(config, weights, folder, (TIMES, DURATIONS, NOTES), cache=True)
    return folder


@pytest.fixture
def transport(jack_server):
    """Give a function that takes commands of jack_transport, which is the timecode master as well."""
    for program in ("jack_midi_clock", "jack_transport"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (packages jack-midi-clock and jackd2)")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with (
        subprocess.Popen(["jack_transport"], stdin=subprocess.PIPE, text=True, **quiet) as master,
        subprocess.Popen(["jack_midi_clock", "-d", "0.2"], **quiet) as clock,
    ):

        def send(*commands):
            master.stdin.write("".join(f"{command}\n" for command in commands))
            master.stdin.flush()

        send("stop", "locate 0", "tempo 100", "master")
        yield send
        send("stop", "release", "quit")
        clock.terminate()
