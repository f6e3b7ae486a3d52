"""Every generator without weights plays along with a real melody, in time, and with another melody plays otherwise."""

import signal
from collections import Counter
from dataclasses import replace

import pytest
from ensemble import ons, phrase

from composer.generators import GENERATORS
from composer.live import offline
from composer.midi import files

pytestmark = pytest.mark.peer

SECONDS, TEMPO, SEED = 3.2, 200, 1


def upside_down(part):
    """Return another melody: the same rhythm, upside down around a pitch a quarter tone above the first one."""
    return part.with_notes(replace(note, pitch=2 * part.notes[0].pitch + 1 - note.pitch) for note in part.notes)


def answer(name, score, player):
    """Return the pitches that the generator would play to `player` if it heard it as it was heard live."""
    return pitches(offline.accompany(replace(score, parts=(player,)), name, seed=SEED, lead=1))


def pitches(score):
    """Return how often the machine plays each pitch."""
    return Counter(note.pitch for part in score.parts if part.name != "Player" for note in part.notes)


def shared(played, others):
    """Return the share, 0 to 1, of the notes that were played whose pitch the others have too."""
    return (played & others).total() / max(1, played.total())


@pytest.mark.parametrize("name", [info.name for info in GENERATORS.values() if info.weights is None])
def test_it_plays_in_time_and_by_what_it_hears(duet, host, melody, name):
    """Delivery to the last note is the matter of the other tests here; this one asks who plays what, and when."""
    composer = duet("--generator", name, "--tempo", str(TEMPO), "--seed", str(SEED))
    composer.wait_running()
    song = phrase(melody, SECONDS)
    host.play(*song)
    host.wait(lambda: len(host.played) == len(song))

    assert 0 == composer.end(signal.SIGINT), composer.stderr
    stats, score = composer.stats(), files.read(composer.record)
    assert (0, 0, 0) == (stats["sounding_at_exit"], stats["worker_restarts"], stats["dropped"])
    assert stats["notes_in"] > 0.5 * len(ons(host.played))
    assert len(ons(host.heard)) > 0.5 * stats["notes_out"] > 0
    # While the generator opens, the fallback may play for it.
    assert stats["misses"].get(name, 0) < 0.5 * stats["deadlines"]
    assert stats["reaction_ms"]["n"] > 0
    player, played = score.part("Player"), pitches(score)
    same, other = (answer(name, score, part) for part in (player, upside_down(player)))
    assert shared(same, other) < 0.8
    assert shared(played, other) < shared(played, same) > 0.5
