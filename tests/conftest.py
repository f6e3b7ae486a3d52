"""What tests of several packages share: a JACK server of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


def start_jack(name: str, log: Path) -> subprocess.Popen[bytes]:
    """Start a JACK server without hardware (48 kHz, 256 frames: 5.3 ms a period) and wait until it answers."""
    # The long client timeout keeps a busy machine from dropping slow clients.
    command = ["jackd", "-n", name, "-r", "-t", "10000", "-d", "dummy", "-r", "48000", "-p", "256"]
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out)
    asking = {**os.environ, "JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
    for _ in range(150):
        if subprocess.run(["jack_lsp"], env=asking, capture_output=True, check=False).returncode == 0:
            return server
        time.sleep(0.1)
    stop_process(server)
    raise RuntimeError(f"the JACK server did not answer within 15 s: {log.read_text(errors='replace')[-500:]}")


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """End a process that a test started, politely first."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def jack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a JACK server for the session; its name is in JACK_DEFAULT_SERVER, so child processes find it too.

    Close every port before the test ends: a JACK client that outlives its server takes the process with it.
    """
    if shutil.which("jackd") is None or shutil.which("jack_lsp") is None:
        pytest.skip("jackd is not installed (package jackd2)")
    name = f"composer-test-{os.getpid()}"
    server = start_jack(name, tmp_path_factory.mktemp("jack") / "jackd.log")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", name)
        patch.setenv("JACK_NO_START_SERVER", "1")
        yield name
    stop_process(server)
