"""The README says what is so: every verb is in it and has help, and every command in it can be given."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from composer import cli
from composer.generators import GENERATORS
from composer.tokenizers import TOKENIZERS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def commands() -> list[list[str]]:
    """Return every composer command that stands in a code block or between backticks, without placeholders."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(composer [^`]+)`", README)
    return [shlex.split(line)[1:] for line in lines if line.startswith("composer ")]


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_is_documented_and_helped(verb, capsys):
    assert f"`composer {verb}`" in README
    assert cli.main([verb, "--help"]) == 0
    assert f"usage: composer {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [argv for argv in commands() if len(argv) > 1], ids=" ".join)
def test_every_command_can_be_given(argv):
    parsed = cli.parser(argv[0]).parse_args(argv)

    assert parsed.verb == argv[0]


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_is_in_the_table(name):
    assert f"| `{name}` |" in README


@pytest.mark.parametrize("name", TOKENIZERS)
def test_every_tokenizer_is_named(name):
    assert name in README


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (ROOT / link).exists()


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_every_example_runs_and_stays_short(example, tmp_path):
    done = subprocess.run(
        [sys.executable, example], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert len(example.read_text("utf-8").splitlines()) < 80
