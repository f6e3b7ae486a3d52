import json
import os

import pytest
from rig import Rig

from composer.live.journal import Journal, read_journal

ENTRY = {"time": 1.0, "tick": 0.0, "in": [144, 60, 80]}


def test_what_was_written_is_read(tmp_path):
    journal = Journal(tmp_path / "j")
    journal.write(ENTRY)
    journal.write({**ENTRY, "tick": 480.0})
    journal.close()

    assert [ENTRY, {**ENTRY, "tick": 480.0}] == list(read_journal(tmp_path / "j"))


def test_a_torn_line_is_read_over(tmp_path):
    whole = json.dumps(ENTRY)
    (tmp_path / "j").write_text(f"{whole}\n{whole[:-9]}\n{whole}\n{whole[:7]}")

    assert [ENTRY, ENTRY] == list(read_journal(tmp_path / "j"))


def test_lines_that_are_no_entries_are_read_over(tmp_path):
    (tmp_path / "j").write_bytes(b'7\n{"time":1}\n\xff\xfe\n')

    assert [] == list(read_journal(tmp_path / "j"))


def test_a_journal_that_cannot_be_made_says_so_at_once(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Journal(tmp_path / "nowhere" / "j")


class FullDisk:
    """A file on a disk that is full after `room` bytes."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        if not self.room:
            raise OSError(28, os.strerror(28))
        data = bytes(data[: self.room])
        self.room -= len(data)
        return self.file.write(data)

    def truncate(self, size):
        return self.file.truncate(size)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def test_a_full_disk_is_told_and_what_was_kept_is_whole(tmp_path, monkeypatch):
    real_open = open
    monkeypatch.setattr("builtins.open", lambda *a, **k: FullDisk(real_open(*a, **k), 200))
    journal = Journal(tmp_path / "j")
    monkeypatch.undo()
    for _ in range(100):
        journal.write(ENTRY)
    journal.close()
    kept = (tmp_path / "j").read_bytes()

    assert "No space left" in journal.failure
    assert all(json.loads(line) == ENTRY for line in kept.splitlines())


def test_a_meter_is_entered_where_it_began_however_late_it_is_told(tmp_path):
    rig = Rig(journal=str(tmp_path / "j"))
    rig.send("start", tick=0)
    rig.io.run(4.1)
    rig.send("meter", numerator=3, denominator=4, tick=1920)
    rig.send("meter", numerator=3, denominator=4, tick=3360)
    rig.io.close()
    entries = [entry for entry in read_journal(tmp_path / "j") if "running" in entry]

    assert [(0, [4, 4]), (1920, [3, 4])] == [(e["tick"], e["meter"]) for e in entries if e["running"]]


def test_the_machines_parts_are_entered_and_their_programs_sent(tmp_path):
    rig = Rig(journal=str(tmp_path / "j"))
    rig.send("parts", parts=[["Bass", 1, 33], ["Drums", 9, 0]])
    rig.io.close()
    entries = list(read_journal(tmp_path / "j"))

    assert [[["Bass", 1, 33], ["Drums", 9, 0]]] == [entry["parts"] for entry in entries if "parts" in entry]
    assert [bytes((0xC1, 33))] == [data for _, data in rig.io.output]
