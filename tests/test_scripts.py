"""The scripts: plain POSIX shell, and CI does what a developer does."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = [*sorted((ROOT / "scripts").iterdir()), ROOT / ".ci" / "run"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_it_is_posix_shell(script):
    shell = shutil.which("dash") or "sh"

    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("script", [path for path in SCRIPTS if path.suffix != ".sh"], ids=lambda path: path.name)
def test_it_can_be_started(script):
    assert script.read_text().startswith("#!/bin/sh\n")
    assert os.access(script, os.X_OK)


def test_ci_runs_the_test_script_and_nothing_else():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()

    assert ['cd "$(dirname "$0")/.." && exec scripts/test'] == lines[1:]


def test_play_passes_its_arguments_on(tmp_path):
    """A copy of the scripts, with a virtual environment that only says what it was asked."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "scripts" / "venv").write_text("exit 0\n")
    fake = tmp_path / ".venv" / "bin" / "composer"
    fake.parent.mkdir(parents=True)
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)

    done = subprocess.run(
        ["sh", tmp_path / "scripts" / "play", "--tempo", "90"], capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("jam --demo --duration 40 --record jam-")
    assert done.stdout.endswith(".mid --tempo 90\n")


def test_a_python_that_is_too_old_is_refused_in_one_sentence(tmp_path):
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        old = tmp_path / "bin" / name
        old.parent.mkdir(exist_ok=True)
        old.write_text("#!/bin/sh\nexit 1\n")
        old.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHON": ""}

    done = subprocess.run(["sh", tmp_path / "scripts" / "venv"], capture_output=True, text=True, env=env, check=False)

    assert done.returncode == 1
    assert "Python 3.11 or later was not found" in done.stderr
