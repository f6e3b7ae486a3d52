"""A run shared by several processes: torchrun, gloo, and the same losses as one process has."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from composer.errors import UsageError  # noqa: E402
from composer.training import loop  # noqa: E402
from composer.training.arrays import SongArrays  # noqa: E402
from composer.training.processes import World  # noqa: E402

RUN = loop.Run(
    steps=5,
    batch=3,
    length=32,
    n_layer=2,
    n_embd=32,
    n_head=2,
    validate_every=1,
    threads=1,
    warmup=2,
    bf16=False,
    dropout=0.0,
)
ENDLESS = 10**6
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}


def song():
    """Sixteen bars of a scale over broken triads."""
    n = np.arange(128)
    melody = np.stack([n * 240, 60 + n % 12, np.full(128, 200), np.full(128, 90)], axis=1)
    piano = np.stack([n * 240, 36 + 12 * (n % 3), np.full(128, 240), np.full(128, 70)], axis=1)
    parts = {"MELODY": melody, "BRIDGE": melody[:5], "PIANO": piano, "LEFT": piano[::2], "RIGHT": piano[1::2]}
    return SongArrays(parts, n % 8, np.full(128, 8), np.ones(128, np.int64), 0, 9)


def command(out, steps, processes):
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [sys.executable, *(torchrun if processes > 1 else []), __file__, str(out), str(steps)]


def losses(out):
    return [json.loads(line)["train"] for line in (out / "log.jsonl").read_text().splitlines()]


def state(out):
    return torch.load(out / "state.pt", weights_only=True)


def test_two_processes_learn_what_one_learns(tmp_path):
    """Three sequences for two processes: each has other counts than its neighbour, and none may weigh more."""
    loop.train([song()], {}, RUN, tmp_path / "one")

    subprocess.run(command(tmp_path / "two", RUN.steps, 2), env=ENVIRONMENT, check=True, capture_output=True)

    assert losses(tmp_path / "one") == pytest.approx(losses(tmp_path / "two"), rel=1e-4)
    assert state(tmp_path / "one")["progress"][2] == state(tmp_path / "two")["progress"][2]
    for name, weight in state(tmp_path / "one")["models"][0].items():
        torch.testing.assert_close(state(tmp_path / "two")["models"][0][name], weight, atol=2e-3, rtol=0)


def test_a_signal_ends_two_processes_after_the_same_step(tmp_path):
    with subprocess.Popen(
        command(tmp_path, ENDLESS, 2), env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as started:
        _wait_for(tmp_path / "log.jsonl")
        started.send_signal(signal.SIGTERM)
        _, err = started.communicate(timeout=60)

    assert f"interrupted after step {state(tmp_path)['progress'][0]}" in err
    assert started.returncode != 0


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path):
    """The state is written after every step, so the kill falls into a write as often as not."""
    with subprocess.Popen(command(tmp_path / "cut", ENDLESS, 1), env=ENVIRONMENT) as started:
        _wait_for(tmp_path / "cut" / "state.pt")
        started.send_signal(signal.SIGKILL)
    run = replace(RUN, steps=ENDLESS)
    end = state(tmp_path / "cut")["progress"][0] + 2
    for name in ("cut", "whole"):
        loop.train([song()], {}, run, tmp_path / name, stop_at=end)

    assert losses(tmp_path / "whole") == losses(tmp_path / "cut")
    for name, weight in state(tmp_path / "whole")["models"][0].items():
        assert torch.equal(weight, state(tmp_path / "cut")["models"][0][name])


def test_more_processes_than_sequences_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "joined", lambda: nullcontext(World(0, 4, torch.device("cpu"))))
    with pytest.raises(UsageError, match="4 processes cannot share 3 sequences"):
        loop.train([song()], {}, RUN, tmp_path)


def _wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.02)


def main(out: str, steps: str) -> None:
    """Train as the tests ask, in a process of torchrun."""
    loop.train([song()], {}, replace(RUN, steps=int(steps)), Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
