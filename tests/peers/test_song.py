"""A real song, played in real time by a process that is not ours, and what the machine plays along."""

import math
import signal

import pytest
from ensemble import STATS, assert_recording_is_what_was_played, notes_of, ons, phrase, sounding

pytestmark = [pytest.mark.peer, pytest.mark.slow]

SECONDS = 33.0
BAR = 4 * 60 / 90
AFTERWARDS = (SECONDS + 0.5, (0xB0, 7, 100))
"""What is played when all notes have travelled the server's long periods."""


@pytest.fixture
def jack_server(roomy_jack):
    """Lose no message, however busy the machine is: each of them counts here."""
    return roomy_jack


def test_the_machine_accompanies_a_song_from_its_second_bar_to_its_end(duet, host, melody, generator):
    composer = duet("--generator", generator, "--tempo", "90", "--seed", "3")
    composer.wait_running()
    song = phrase(melody, SECONDS)
    host.play(*song, AFTERWARDS)
    host.wait(lambda: len(host.played) == len(song) + 1, SECONDS + 20)

    assert 0 == composer.end(signal.SIGINT)
    began = host.played[0][0]
    machine, player = notes_of(host.heard), notes_of(host.played)
    bars = math.floor((host.played[len(song) - 1][0] - began) / BAR)
    led = {int((onset - began) / BAR) for onset, *_ in player}
    followed = {
        bar for bar in range(bars) if any(a < began + (bar + 1) * BAR and b > began + bar * BAR for a, b, *_ in machine)
    }

    assert set() == sounding(host.heard)
    assert began < next(onset for onset, *_ in machine if onset >= began) < began + 2 * BAR
    assert len(led & followed & set(range(1, bars))) >= 0.8 * len(led & set(range(1, bars)))
    assert_recording_is_what_was_played(composer, host)
    stats = composer.stats()
    assert STATS == set(stats)
    assert (0, 0, len(ons(host.played)), len(ons(host.heard))) == (
        stats["sounding_at_exit"],
        stats["worker_restarts"],
        stats["notes_in"],
        stats["notes_out"],
    )
