"""However a run ends, and whichever process dies: nothing sounds afterwards, and what was played is kept."""

import os
import signal
import time
from itertools import pairwise

import pytest
from ensemble import (
    STATS,
    Host,
    connect,
    count_notes,
    is_running,
    ons,
    phrase,
    sounding,
    wait_until,
)

pytestmark = [pytest.mark.peer, pytest.mark.slow]


def play_until_it_sounds(composer, host, melody, seconds=12.0):
    composer.wait_running()
    host.play(*phrase(melody, seconds))
    host.wait_note(after=host.wait(lambda: host.played)[0][0])
    host.wait_sounding()


def test_a_killed_main_process_leaves_nothing_sounding_for_half_a_second(duet, host, melody, generator):
    composer = duet("--generator", generator, "--tempo", "60")
    processes = [composer.child("composer.live.io"), composer.child("composer.live.worker")]
    play_until_it_sounds(composer, host, melody)
    composer.process.kill()
    killed = time.monotonic()
    host.wait(lambda: not sounding(host.heard), 5)
    released = host.heard[-1][0]

    assert released - killed < 0.5
    wait_until(lambda: not any(map(is_running, processes)), 10, "the end of io process and worker")
    assert set() == sounding(host.heard)


def test_a_killed_worker_is_back_within_ten_seconds_while_the_music_goes_on(duet, host, melody, generator):
    composer = duet("--generator", generator, "--tempo", "90")
    play_until_it_sounds(composer, host, melody, 24.0)
    worker = composer.child("composer.live.worker")
    os.kill(worker, signal.SIGKILL)
    killed = time.monotonic()
    wait_until(lambda: composer.child("composer.live.worker") not in (None, worker), 10, "another worker")
    # Three bars, none of them silent.
    host.wait(lambda: host.heard[-1][0] > killed + 8)

    assert 0 == composer.end(signal.SIGTERM)
    onsets = [killed, *(at for at, _ in ons(host.heard) if killed < at)]
    assert max(later - earlier for earlier, later in pairwise(onsets)) < 4 * 60 / 90
    assert set() == sounding(host.heard)
    assert (1, 0) == (composer.stats()["worker_restarts"], composer.stats()["sounding_at_exit"])


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_ends_the_run_in_order(duet, host, melody, name):
    composer = duet("--generator", "markov", "--tempo", "90")
    play_until_it_sounds(composer, host, melody)
    composer.end(getattr(signal, name))

    assert 0 == composer.process.returncode, composer.stderr
    assert set() == sounding(host.heard)
    assert STATS == set(composer.stats())
    assert 0 == composer.stats()["sounding_at_exit"]
    assert composer.record.exists()
    assert [] == list(composer.record.parent.glob("*.journal"))


def test_when_the_jack_server_is_killed_the_run_goes_on_and_keeps_what_was_played(start_jack, jam, melody, monkeypatch):
    name = f"composer-peers-{os.getpid()}"
    server = start_jack(name)
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    host = Host()
    try:
        composer = jam("--api", "jack", "--generator", "markov", "--tempo", "90")
        in_port, out_port = composer.ports()
        connect(host.ports["play"], in_port)
        connect(out_port, host.ports["hear"])
        play_until_it_sounds(composer, host, melody)
        host.wait(lambda: len(host.played) > 10)
        server.kill()
        server.wait()
        wait_until(lambda: "lost" in composer.stderr, 10, "word of the lost ports")
        status = composer.end(signal.SIGTERM)
    finally:
        host.close()

    assert 0 == status, composer.stderr
    assert "Traceback" not in composer.stderr
    player, machine = count_notes(composer.record)
    assert player == composer.stats()["notes_in"] >= 5
    assert machine == composer.stats()["notes_out"] >= len(ons(host.heard))
