"""Through JACK's ports: the Markov player takes over where the host stops, in its manner, and stops when it returns."""

import signal
from statistics import mean

import pytest

from composer.midi import files
from composer.music import Span

pytestmark = pytest.mark.peer

TEMPO, BAR = 240, 1920
SECOND = 4 * 480
"""Ticks in a second at this tempo: a bar."""


def scale(seconds, start=0.0):
    """Return a scale up and down in eighths, soft and high, as (seconds, bytes)."""
    messages = []
    for i in range(round(seconds * 8)):
        pitch, at = 72 + (0, 2, 4, 5, 7, 5, 4, 2)[i % 8], start + i / 8
        messages += [(at, (0x90, pitch, 45)), (at + 0.11, (0x80, pitch, 64))]
    return messages


def test_it_takes_over_in_the_players_manner_and_stops_for_them(duet, host):
    composer = duet("--generator", "markov", "--role", "continue", "--tempo", str(TEMPO))
    composer.wait_running()
    song = [*scale(3.0), *scale(1.5, start=9.0)]
    host.play(*song)
    host.wait(lambda: len(host.played) == len(song))

    assert 0 == composer.end(signal.SIGINT), composer.stderr
    score = files.read(composer.record)
    player = score.part("Player").notes
    machine = sorted(note for part in score.parts if part.name != "Player" for note in part.notes)
    ends = max(note.end for note in player if note.onset < 6 * SECOND)
    back = min(note.onset for note in player if note.onset > ends + 2 * BAR)
    answer = Span(score.bar_start(ends + BAR - 1) + BAR, back)

    assert answer.start <= machine[0].onset <= answer.start + 240
    # What was on its way when the first note of the player came may still begin.
    assert machine[-1].onset <= back + 240
    assert 45 == pytest.approx(mean(note.velocity for note in machine), abs=8)
    assert 76 == pytest.approx(mean(note.pitch for note in machine), abs=8)
    assert answer.length / 240 == pytest.approx(len(machine), rel=0.3)
