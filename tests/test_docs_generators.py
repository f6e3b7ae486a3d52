"""The pages of the generators say what is so: their commands work, and their pictures show what the commands write."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from composer import cli
from composer.midi import files, picture

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "generators"
TEXTS = {page.stem: page.read_text("utf-8") for page in PAGES.glob("*.md")}
BLOCKS = {name: "".join(re.findall(r"```sh\n(.*?)```", text, re.S)) for name, text in TEXTS.items()}
COMMANDS = {name: [shlex.split(line) for line in block.splitlines()] for name, block in BLOCKS.items()}
WRITTEN = {name: [c for c in commands if c[1] != "jam"] for name, commands in COMMANDS.items()}
PLAYED = [c for commands in COMMANDS.values() for c in commands if c[1] == "jam"]


@pytest.fixture
def beside(tmp_path, monkeypatch, cache):
    """Return a folder with the tunes that stand beside the pages, in which the test stands."""
    shutil.copytree(PAGES / "tunes", tmp_path / "tunes")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cache(tmp_path_factory, monkeypatch):
    """Keep what is learned away from the person who runs the tests."""
    monkeypatch.setenv("COMPOSER_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.mark.parametrize("name", [name for name, commands in WRITTEN.items() if commands])
def test_every_command_writes_music_and_every_picture_shows_it(beside, name):
    """A picture that has changed is drawn anew by the commands of its page, looked at, and put in its place."""
    for program, *argv in WRITTEN[name]:
        run = cli.main if program == "composer" else picture.main
        assert 0 == run(argv if program == "composer" else argv[2:]), argv
    drawn = {path.name: path.read_text("utf-8") for path in beside.glob("*.svg")}

    assert all(any(part.notes for part in files.read(path).parts) for path in beside.glob("*.mid"))
    assert {path.name for path in PAGES.glob(f"{name}*.svg")} == set(drawn)
    assert [] == [picture for picture, svg in drawn.items() if svg != (PAGES / picture).read_text("utf-8")]


@pytest.mark.slow
@pytest.mark.parametrize("argv", PLAYED, ids=" ".join)
def test_every_jam_is_played(beside, argv):
    """The built-in player plays, through ports inside the program where there is no other MIDI system."""
    env = {**os.environ, "JACK_DEFAULT_SERVER": "composer-test-none", "JACK_NO_START_SERVER": "1"}
    flags = ["--demo", "--tempo", "300", "--duration", "8", "--stats", "stats.json"]
    done = subprocess.run(
        [sys.executable, "-m", "composer.cli", *argv[1:], *flags],
        env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    stats = json.loads((beside / "stats.json").read_text())

    assert 0 == done.returncode, done.stderr
    assert (0, 0) == (stats["sounding_at_exit"], stats["worker_restarts"])
    assert stats["notes_in"] > 20
    assert stats["notes_out"] > 0 or {"continue", "fill"} & set(argv)


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_in_the_text_can_be_given(name):
    given = re.findall(r"(?:`| {4})composer ([^`\n]+)", TEXTS[name])
    parsed = [cli.parser(shlex.split(line)[0]).parse_args(shlex.split(line)) for line in given if " " in line]

    assert all(args.verb in cli.VERBS for args in parsed)


@pytest.mark.parametrize("name", TEXTS)
def test_what_a_page_points_to_is_there(name):
    named = re.findall(r"\]\(([^)#:]+)\)|`(tests/[\w/]+\.py)`", TEXTS[name])

    assert [] == [(link, test) for link, test in named if not (ROOT / test if test else PAGES / link).exists()]
