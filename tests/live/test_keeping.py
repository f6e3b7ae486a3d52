"""What becomes of a recording and of the figures when they cannot be written: one sentence, and nothing is lost."""

import errno
import json
import os
import subprocess
import sys

import pytest
from scripted import Stage

from composer.errors import ComposerError, FileError, PortError
from composer.live.recording import to_score
from composer.midi import files


def stage_of(folder, **settings):
    stage = Stage(record=folder / "take.mid", **settings)
    stage.session.start()
    stage.run_to(0.3)
    stage.play(0x95, 60, 80)
    stage.run_to(0.6)
    return stage


def only_journal(folder):
    (journal,) = folder.glob("*.journal")
    return journal


def test_a_recording_leaves_no_journal(tmp_path):
    stage_of(tmp_path).session.finish()

    assert ["take.mid"] == os.listdir(tmp_path)


def test_what_cannot_be_written_stays_in_the_journal_and_the_figures_are_written(tmp_path, monkeypatch):
    def full(data, path, *, force=False):
        raise FileError(f"{path} cannot be written: No space left on device; choose another place")

    monkeypatch.setattr(files, "save", full)
    stage = stage_of(tmp_path, stats=tmp_path / "stats.json")
    with pytest.raises(FileError) as caught:
        stage.session.finish()
    journal = only_journal(tmp_path)

    assert f"{tmp_path}/take.mid cannot be written: No space left" in str(caught.value)
    assert str(caught.value).endswith(f"what was played is kept in {journal}")
    assert [60] == [note.pitch for note in to_score(journal).part("Player").notes]
    assert 1 == json.loads((tmp_path / "stats.json").read_text())["notes_in"]


def test_figures_and_recording_that_cannot_be_written_are_both_told(tmp_path, monkeypatch):
    def full(*args, **options):
        raise FileError("the disk is full")

    monkeypatch.setattr(files, "save", full)
    stage = stage_of(tmp_path, stats=tmp_path / "nowhere" / "stats.json")
    with pytest.raises(FileError, match=r"the figures cannot be written .*; the disk is full; what was played is kept"):
        stage.session.finish()


def test_a_failure_of_the_music_is_told_before_that_of_the_recording(tmp_path, monkeypatch):
    def full(*args, **options):
        raise FileError("the disk is full")

    monkeypatch.setattr(files, "save", full)
    stage = stage_of(tmp_path)
    stage.session._queue.put(lambda: stage.session._io_said({"op": "gone", "status": -9}))
    with pytest.raises(ComposerError, match=r"^the io process ended.*; the disk is full; what was played is kept in"):
        stage.session.run()


def test_nothing_is_recorded_when_the_ports_cannot_be_opened(tmp_path):
    stage = Stage(record=tmp_path / "take.mid")
    stage.session._ports = ()
    failed = {"op": "failed", "message": "there is no port", "status": 1, "kind": "PortError"}
    stage.session._queue.put(lambda: stage.session._io_said(failed))
    with pytest.raises(PortError, match=r"^there is no port$"):
        stage.session.run()

    assert [] == os.listdir(tmp_path)


def test_a_journal_that_broke_off_is_kept_beside_what_it_gave(tmp_path):
    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def truncate(self, size):
            pass

    stage = stage_of(tmp_path)
    stage.io._engine._journal._file = Full()
    stage.play(0x85, 60, 0)
    with pytest.raises(FileError) as caught:
        stage.session.finish()

    assert f"{tmp_path}/take.mid ends early (No space left on device)" in str(caught.value)
    assert str(caught.value).endswith(f"what was played is kept in {only_journal(tmp_path)}")
    assert (tmp_path / "take.mid").exists()


def test_a_disk_that_is_full_is_one_sentence_on_stderr(tmp_path):
    resource = pytest.importorskip("resource", reason="the limit of a file's size is of POSIX")
    command = [sys.executable, "-m", "composer.cli", "jam", "--generator", "markov", "--demo", "--duration", "2"]
    files_ = ["--record", tmp_path / "take.mid", "--stats", tmp_path / "stats.json"]
    run = subprocess.run(
        [*command, *map(str, files_)],
        env={**os.environ, "JACK_DEFAULT_SERVER": "composer-test-none", "JACK_NO_START_SERVER": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert 1 == run.returncode
    assert "Traceback" not in run.stderr
    assert str(only_journal(tmp_path)) in run.stderr.splitlines()[-1]
    assert json.loads((tmp_path / "stats.json").read_text())["notes_out"]
