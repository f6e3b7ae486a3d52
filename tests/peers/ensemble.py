"""The processes of a peer test, what they sent and heard, and how to wait for it."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from composer.midi import files

HERE = Path(__file__).parent
STATS = {
    "duration_s",
    "notes_in",
    "notes_out",
    "sounding_at_exit",
    "late_ms",
    "reaction_ms",
    "dropped",
    "deadlines",
    "misses",
    "plans",
    "plan_ms",
    "worker_restarts",
    "clock",
}
"""The fields of --stats."""


def wait_until(reached, seconds=20.0, what=""):
    """Return the first true value of `reached()`; AssertionError, which tells `what`, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := reached()):
        assert time.monotonic() < deadline, f"{what() if callable(what) else what} did not come within {seconds} s"
        time.sleep(0.02)
    return value


def children(pid):
    """Return the process ids of the children of `pid`, with the command line of each."""
    found = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def is_running(pid):
    """Return whether a process exists and is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_with_children(process):
    """End a process and its children, by id, whatever state they are in; return when they are gone."""
    pids = list(children(process.pid)) if process.poll() is None else []
    process.kill()
    process.wait()
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, 9)


class Lines:
    """Collect the lines of a pipe on a thread of its own, and let a test wait for what they make true."""

    def __init__(self, pipe, take):
        self.changed = threading.Condition()
        self._take = take
        threading.Thread(target=self._read, args=(pipe,), daemon=True).start()

    def _read(self, pipe):
        with pipe:
            for line in pipe:
                with self.changed:
                    self._take(line)
                    self.changed.notify_all()

    def wait(self, reached, seconds, tell):
        with self.changed:
            assert self.changed.wait_for(reached, seconds), tell()
            return reached()


class Host:
    """The host process: what it heard and played, as (seconds, bytes)."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "host.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.heard, self.played, self.ports = [], [], {}
        self._lines = Lines(self.process.stdout, self._take)
        try:
            self.wait(lambda: self.ports)
        except AssertionError:
            self.close()
            raise

    def _take(self, line):
        event = json.loads(line)
        for kind, list_ in (("heard", self.heard), ("played", self.played)):
            if kind in event:
                list_.append((event["time"], tuple(event[kind])))
        if "hear" in event:
            self.ports = event

    def play(self, *messages):
        """Play (seconds from now, bytes) without waiting."""
        self.process.stdin.write(json.dumps([[at, list(data)] for at, data in messages]) + "\n")
        self.process.stdin.flush()

    def wait(self, reached, seconds=20.0):
        """Wait until `reached()`, asked after each message, is true, and return what it is."""
        return self._lines.wait(reached, seconds, lambda: f"heard {self.heard[-20:]}, played {self.played[-5:]}")

    def wait_note(self, after=0.0, seconds=20.0):
        """Return the moment of the first note heard after `after`."""
        return self.wait(lambda: next((t for t, _ in ons(self.heard) if t > after), None), seconds)

    def wait_sounding(self, seconds=20.0):
        """Return the set of sounding (channel, pitch) as soon as there is one."""
        return self.wait(lambda: sounding(self.heard), seconds)

    def close(self):
        with suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def ons(messages):
    """Return the note-ons of (seconds, bytes)."""
    return [(t, m) for t, m in messages if m[0] & 0xF0 == 0x90 and m[2] > 0]


def is_off(message):
    """Return whether a message ends a note."""
    return message[0] & 0xF0 == 0x80 or (message[0] & 0xF0 == 0x90 and message[2] == 0)


def sounding(messages):
    """Return the (channel, pitch) that sound after the messages; a second note-on of a sounding key fails."""
    keys = set()
    for _, message in messages:
        key = (message[0] & 0x0F, message[1] if len(message) > 1 else 0)
        if message[0] & 0xF0 == 0x90 and message[2] > 0:
            assert key not in keys, f"{key} began twice"
            keys.add(key)
        elif is_off(message):
            assert key in keys, f"{key} ended without having begun"
            keys.discard(key)
    return keys


def notes_of(messages):
    """Return the finished notes among (seconds, bytes) as (onset, end, channel, pitch, velocity) in order of onset."""
    open_, notes = {}, []
    for t, m in messages:
        if m[0] & 0xF0 == 0x90 and m[2] > 0:
            open_[m[0] & 0x0F, m[1]] = (t, m[2])
        elif is_off(m) and (m[0] & 0x0F, m[1]) in open_:
            onset, velocity = open_.pop((m[0] & 0x0F, m[1]))
            notes.append((onset, t, m[0] & 0x0F, m[1], velocity))
    return sorted(notes)


class Composer:
    """A `composer jam` process with --record and --stats in a folder."""

    def __init__(self, folder, *flags, env=None):
        self.record, self.stats_file = folder / "take.mid", folder / "stats.json"
        command = [sys.executable, "-m", "composer.cli", "jam", "--record", str(self.record)]
        command += ["--stats", str(self.stats_file), "--force", *flags]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
        self.said = []
        self._lines = Lines(self.process.stderr, self.said.append)

    @property
    def stderr(self):
        return "".join(self.said)

    def ports(self):
        """Wait for the ports to be open and return their names."""
        line = self._lines.wait(
            lambda: next((line for line in self.said if "(in: " in line), None), 30, lambda: self.stderr
        )
        names = line.partition("(in: ")[2].partition(")")[0]
        return names.split(", out: ")

    def journal(self):
        """Return the entries of the journal so far."""
        path = self.record.with_name(f"{self.record.name}.{self.process.pid}.journal")
        entries = []
        if path.exists():
            for line in path.read_text().splitlines():
                with suppress(ValueError):
                    entries.append(json.loads(line))
        return entries

    def child(self, module):
        """Return the process id of the child that runs `module`, None when there is none."""
        return next((pid for pid, command in children(self.process.pid).items() if module in command), None)

    def wait_running(self):
        """Return when the first bar begins, after the count-in."""
        started = lambda: next((entry for entry in self.journal() if entry.get("running")), None)  # noqa: E731
        start = wait_until(started, 30, lambda: f"time ({self.stderr})")
        first_bar = start["time"] - start["tick"] * 60 / (start["tempo"] * 480)
        time.sleep(max(0.0, first_bar - time.monotonic()))

    def end(self, signal_=None, seconds=15):
        """Wait for the process to end, after sending it a signal if one is given; return the exit status."""
        if signal_ is not None:
            self.process.send_signal(signal_)
        return self.process.wait(seconds)

    def stats(self):
        return json.loads(self.stats_file.read_text())


def connect(source, target):
    """Connect two JACK ports as soon as both are there."""
    command = ["jack_connect", source, target]
    wait_until(
        lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0, 15, f"{source} -> {target}"
    )


def phrase(melody, seconds):
    """Return the beginning of a melody, every note of it ended by `seconds`."""
    part = [(t, m) for t, m in melody if t < seconds]
    return part + [(seconds, (0x80 | channel, pitch, 64)) for channel, pitch in sorted(sounding(part))]


def assert_recording_is_what_was_played(composer, host, tolerance=0.3):
    """Compare a recording in one tempo with what the host sent and heard: the same notes at the same times."""
    score = files.read(composer.record)
    seconds = 60 / (480 * score.tempos[0].qpm)
    for is_player, messages in ((True, host.played), (False, host.heard)):
        notes = [note for part in score.parts if part.name.startswith("Player") is is_player for note in part.notes]
        recorded = sorted((n.pitch, n.velocity, n.onset * seconds, n.end * seconds) for n in notes)
        live = sorted((pitch, velocity, on, off) for on, off, _, pitch, velocity in notes_of(messages))
        assert _keys(live) == _keys(recorded), (_keys(live) - _keys(recorded), _keys(recorded) - _keys(live))
        offset = min(on for *_, on, _ in live) - min(on for *_, on, _ in recorded)
        for (*_, on, off), (*_, live_on, live_off) in zip(recorded, live, strict=True):
            assert (on, off) == pytest.approx((live_on - offset, live_off - offset), abs=tolerance)


def count_notes(path):
    """Return how many notes of a recording are the player's, and how many the machine's."""
    counts = {True: 0, False: 0}
    for part in files.read(path).parts:
        counts[part.name.startswith("Player")] += len(part.notes)
    return counts[True], counts[False]


def _keys(notes):
    return Counter((pitch, velocity) for pitch, velocity, *_ in notes)
