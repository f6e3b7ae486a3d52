"""A gap is filled by what leads to the notes behind it: by the chain, by the works, by the rules."""

from random import Random

import pytest

from composer.generators import make
from composer.generators.base import Context
from composer.generators.gap import around, following
from composer.generators.viewpoints import seen, tune
from composer.live.offline import compose, infill
from composer.music import DRUM_CHANNEL, Note, Part, Score, Span

BAR = 1920
GAP = Span(4 * BAR, 6 * BAR)


def walk(seed):
    """Return ten bars of a tune that wanders through C major by steps and thirds, in eighths and quarters."""
    chance, scale = Random(seed), [p for p in range(55, 85) if p % 12 in (0, 2, 4, 5, 7, 9, 11)]
    place, tick, notes = 8, 0, []
    while tick < 10 * BAR:
        value = chance.choice((240, 240, 480))
        notes.append(Note(tick, scale[place], value - 20, 80))
        place, tick = min(14, max(3, place + chance.choice((-2, -1, -1, 1, 1, 2)))), tick + value
    return notes


def filled(name, notes, seed=0, **params):
    """Return what stands in the gap, and the first note behind it."""
    score = infill(Score((Part("Tune", tuple(notes)),)), name, bars=(4, 6), seed=seed, params=params)
    written = score.part("Tune").notes
    return [n for n in written if n.onset in GAP], next(n for n in written if n.onset >= GAP.end)


# What follows


def context(own, player=(), *, role="accompany", known_until=10**6, channel=0):
    machine = tuple(Part(name, tuple(own)) for name in ("Bass", "Piano"))
    return Context(Score((Part("Player", tuple(player), channel), *machine)), ("Bass", "Piano"), known_until, role)


def test_the_machines_own_next_notes_are_what_a_gap_leads_to():
    own = [Note(0, 60, 480), Note(3000, 67, 480), Note(3000, 64, 480), Note(3480, 72, 480)]

    assert [64, 64, 67, 67] == [e.note.pitch for e in following(context(own), 1920, 1920)]


@pytest.mark.parametrize(("role", "expected"), [("accompany", []), ("fill", [72]), ("continue", [72]), ("trade", [])])
def test_the_players_next_note_is_led_to_where_the_machine_takes_the_players_place(role, expected):
    known = context((), [Note(0, 60, 480), Note(3000, 72, 480)], role=role)

    assert expected == [e.note.pitch for e in following(known, 1920, 1920)]


def test_a_note_that_nobody_knows_yet_is_not_led_to():
    assert [] == following(context((), [Note(3000, 72, 480)], role="fill", known_until=2000), 1920, 1920)


def test_drums_are_not_led_to():
    assert [] == following(context((), [Note(3000, 36, 480)], role="fill", channel=DRUM_CHANNEL), 1920, 1920)


def test_a_broken_line_is_what_all_parts_have_in_common():
    own = [Note(0, 60, 480), Note(4000, 67, 480)]

    assert tuple(own) == around(context(own), Span(1920, 3840)).notes
    assert around(context(own[:1]), Span(1920, 3840)) is None


# Markov


def learned(notes):
    return {step for step in seen(tune([n for n in notes if n.onset not in GAP], 0), "interval") if step}


@pytest.mark.parametrize("seed", range(6))
def test_markov_leads_to_the_note_behind_a_gap_by_a_step_it_learned(seed):
    notes = walk(seed)
    line, behind = filled("markov", notes, seed, order="2")

    assert len(line) > 4
    assert (behind.pitch - line[-1].pitch, behind.onset - line[-1].onset) in learned(notes)


def test_markov_fills_a_rest_up_to_the_players_next_note():
    notes = [n for n in walk(3) if n.onset not in GAP]
    known = context((), notes, role="fill")
    for seed in range(6):
        played = list(compose(make("markov", {"order": "2"}, seed), known, GAP))
        line = [entry.note for entry in played]
        behind = next(n for n in notes if n.onset >= GAP.end)
        assert (behind.pitch - line[-1].pitch, behind.onset - line[-1].onset) in learned(notes)


def test_a_gap_asked_for_in_pieces_is_filled_alike():
    notes = [n for n in walk(2) if n.onset not in GAP]
    known = context(notes)
    whole = list(make("markov").propose(known, GAP))
    pieces = []
    for piece in GAP.split(480):
        new = list(make("markov").propose(known, piece))
        pieces, known = pieces + new, known.extended(new)

    assert whole == pieces != []
