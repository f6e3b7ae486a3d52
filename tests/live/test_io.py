"""The io process itself: what it imports, what it says, and what it does when it is killed or left alone."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from composer.live.journal import read_journal
from composer.live.link import IoProcess

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


class Listener:
    """Collect the events of an io process and wait for one."""

    def __init__(self):
        self.events, self.changed = [], threading.Condition()

    def __call__(self, event):
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def wait(self, op, seconds=20):
        with self.changed:
            found = self.changed.wait_for(lambda: [e for e in self.events if e["op"] == op], seconds)
        assert found, f"no {op} among {self.events}"
        return found[0]


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def process(listener):
    process = IoProcess(listener)
    yield process
    process.close()


def hold_a_note(process):
    process.send({"op": "plan", "from": 0, "notes": [[0, 480_000, 60, 80, 1, 7]]})
    process.send({"op": "start", "tick": 0})


def test_it_imports_nothing_that_may_be_slow():
    code = (
        "import sys, composer.live.io; from composer.midi.ports import open_input; "
        "print([n for n in ('numpy', 'textual', 'torch', 'onnxruntime', 'pretty_midi', 'asyncio') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == run.stdout


def test_a_session_from_open_to_bye(process, listener, tmp_path):
    process.send({"op": "open", "internal": True, "journal": str(tmp_path / "j")})
    ready = listener.wait("ready")
    hold_a_note(process)
    listener.wait("sent")
    process.send({"op": "feed", "data": [0x90, 64, 80]})
    listener.wait("on")
    process.close()
    stats = listener.wait("bye")["stats"]
    messages = [entry.get("out") or entry.get("in") for entry in read_journal(tmp_path / "j")]

    assert {"op": "ready", "in_port": "in", "out_port": "out", "api": "loopback"} == ready
    assert (1, 1, 0) == (stats["notes_in"], stats["notes_out"], stats["sounding_at_exit"])
    assert [[0x91, 60, 80], [0x90, 64, 80], [0x81, 60, 64]] == [message for message in messages if message]
    assert {"op": "gone", "status": 0} == listener.events[-1]
    assert not process.alive


def test_what_cannot_be_opened_is_told_in_a_sentence(process, listener):
    process.send({"op": "open", "api": "abacus"})

    failed = listener.wait("failed")

    assert "abacus" in failed["message"]
    assert (2, "UsageError") == (failed["status"], failed["kind"])
    assert 1 == listener.wait("gone")["status"]


def test_a_journal_that_cannot_be_made_is_told_in_a_sentence(process, listener, tmp_path):
    process.send({"op": "open", "internal": True, "journal": str(tmp_path / "nowhere" / "j")})
    failed = listener.wait("failed")

    assert (1, "FileError") == (failed["status"], failed["kind"])
    assert f"nothing can be recorded in {tmp_path / 'nowhere'} (No such file or directory)" in failed["message"]


def test_lines_that_are_no_commands_are_let_go():
    run = subprocess.run(
        [sys.executable, "-m", "composer.live.io"],
        input=b'[]\nnonsense\n\xff\n{"op":"open","internal":true}\n{"op":"quit"}\n',
        capture_output=True,
        check=True,
        timeout=20,
    )
    events = [json.loads(line) for line in run.stdout.splitlines()]

    assert ("ready", "bye") == (events[0]["op"], events[-1]["op"])
    assert b"" == run.stderr


def test_without_a_command_it_just_ends():
    run = subprocess.run([sys.executable, "-m", "composer.live.io"], input=b"", capture_output=True, timeout=20)

    assert (0, b"", b"") == (run.returncode, run.stdout, run.stderr)


@posix
def test_ctrl_c_is_for_the_main_process(process, listener):
    process.send({"op": "open", "internal": True})
    listener.wait("ready")
    os.kill(process.pid, signal.SIGINT)
    process.send({"op": "feed", "data": [0x90, 64, 80]})
    listener.wait("on")

    assert process.alive


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_notes(process, listener, name):
    process.send({"op": "open", "internal": True})
    hold_a_note(process)
    listener.wait("sent")
    os.kill(process.pid, getattr(signal, name))

    assert 0 == listener.wait("bye")["stats"]["sounding_at_exit"]
    assert 0 == listener.wait("gone")["status"]


PARENT = """
import sys, time
from composer.live.link import IoProcess
process = IoProcess(lambda event: event["op"] == "sent" and print(process.pid, flush=True))
process.send({"op": "open", "internal": True, "journal": sys.argv[1]})
process.send({"op": "plan", "from": 0, "notes": [[0, 480000, 60, 80, 1, 7], [0, 480000, 64, 80, 1, 8]]})
process.send({"op": "start", "tick": 0})
time.sleep(60)
"""


def is_running(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for the process in /proc")
def test_when_the_main_process_is_killed_every_note_is_ended_within_half_a_second(tmp_path):
    journal = tmp_path / "j"
    with subprocess.Popen([sys.executable, "-c", PARENT, str(journal)], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
        killed = time.monotonic()
        parent.wait()
    while is_running(pid) and time.monotonic() < killed + 10:
        time.sleep(0.01)
    ends = [entry for entry in read_journal(journal) if entry.get("out", [0])[0] == 0x81]

    assert not is_running(pid)
    assert {60, 64} == {entry["out"][1] for entry in ends}
    assert all(entry["time"] - killed < 0.5 for entry in ends)


def test_a_main_process_that_does_not_read_delays_no_note(tmp_path):
    journal = tmp_path / "j"
    notes = [[tick, 1, 60, 80, 1, tick] for tick in range(0, 4000, 2)]
    with subprocess.Popen(
        [sys.executable, "-m", "composer.live.io"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        for command in (
            {"op": "open", "internal": True, "journal": str(journal), "tempo": 300},
            {"op": "plan", "from": 0, "notes": notes},
            {"op": "start", "tick": 0},
        ):
            process.stdin.write(json.dumps(command).encode() + b"\n")
        process.stdin.flush()
        # 2000 events of 40 bytes are more than a pipe holds; nobody reads them.
        time.sleep(2.5)
        process.stdin.close()
        process.wait(10)
    ons = [entry for entry in read_journal(journal) if entry.get("out", [0])[0] == 0x91]

    # A busy machine may drop a note; a player that waited for its reader would have stopped at about the 1700th.
    assert 3998 == ons[-1]["tick"]


def test_a_port_that_hangs_while_it_closes_does_not_keep_the_process():
    """A port of rtmidi closes with the interpreter's lock held, so no Python thread can end a close that hangs."""
    script = (
        "import ctypes\n"
        "from composer.live import io\n"
        "class Hung:\n"
        "    def close(self):\n"
        "        ctypes.PyDLL(None).sleep(60)\n"
        "io._leave(Hung(), io.EventWriter(1))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], timeout=30, stdout=subprocess.DEVNULL)

    assert 1 == ended.returncode
