"""What must stay light: help and the list load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "miditok", "textual", "music21", "onnxruntime", "scipy", "pretty_midi", "rtmidi"}


def loaded(*argv: str) -> set[str]:
    """Return the top-level modules that a command line has loaded when it ends."""
    code = (
        "import sys; from composer.cli import main; status = main(sys.argv[1:]);"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("argv", [["--help"], ["jam", "--help"], ["list"], ["list", "--json"], ["models"]])
def test_nothing_heavy_is_loaded(argv):
    assert set() == loaded(*argv) & HEAVY


@pytest.mark.parametrize("argv", [["--help"], ["list"]])
def test_help_and_list_need_no_arrays(argv):
    assert set() == loaded(*argv) & {"numpy", "mido"}
