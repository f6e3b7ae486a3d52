"""The Continuator's form: the machine takes over where the player stops, in their manner, and stops when they return.

Everything is heard as it is live: through the offline loop with a lead, which equals the session note for note.
"""

from itertools import pairwise
from statistics import mean

import pytest

from composer.generators import make
from composer.generators.base import Context
from composer.live.offline import compose
from composer.music import Note, Part, Score, Span

BAR = 1920
SCALE = (60, 62, 64, 65, 67, 65, 64, 62)
SLOW, FAST = 480, 120


def phrase(start=0, bars=4, value=240, low=60, velocity=80, length=0.9):
    """Return bars of a tune up and down a scale from `low`, in notes of one value."""
    return [
        Note(start + i * value, low + SCALE[i % 8] - 60, round(value * length), velocity)
        for i in range(bars * BAR // value)
    ]


def answer(notes, role="continue", bars=12, seed=1, **params):
    """Return what the machine plays in the first `bars` bars."""
    score = Score((Part("Player", tuple(sorted(notes)), 5), Part("Piano")))
    context = Context(score, ("Piano",), bars * BAR, role)
    generator = make("markov", {k: str(v) for k, v in params.items()}, seed)
    return [entry.note for entry in compose(generator, context, Span(0, bars * BAR), lead=1)]


@pytest.mark.parametrize("role", ["continue", "fill"])
def test_it_is_silent_while_the_player_plays(role):
    assert [] == answer(phrase(bars=4), role, bars=4)


def test_it_takes_over_on_the_bar_line_after_a_bar_of_silence():
    """The last note ends in the fourth bar, so the fifth one passes in silence."""
    assert 5 * BAR == answer(phrase(bars=4))[0].onset


def test_it_fills_a_rest_from_the_next_beat_on():
    """The tune ends on the bar line but for a breath; half a beat of silence makes room from the second beat on."""
    first = answer(phrase(bars=4), "fill")[0].onset

    assert 4 * BAR + 480 <= first < 4 * BAR + 960
    assert 0 == first % 240


def test_it_stops_when_the_player_plays_again():
    back = 8 * BAR + 960
    played = answer([*phrase(bars=4), *phrase(back, bars=3)], bars=11)

    assert 5 * BAR <= played[0].onset
    # A note of the very moment at which the player returns is on its way already.
    assert back - BAR < played[-1].onset <= back


def test_it_goes_on_for_as_long_as_the_player_rests():
    onsets = [note.onset for note in answer(phrase(bars=4), bars=16)]

    assert max(b - a for a, b in pairwise(onsets)) <= BAR
    assert 15 * BAR <= onsets[-1]


@pytest.mark.parametrize("velocity", [30, 64, 110])
def test_it_answers_as_loud_as_the_player(velocity):
    assert velocity == pytest.approx(mean(note.velocity for note in answer(phrase(velocity=velocity))), abs=6)


@pytest.mark.parametrize("low", [36, 60, 84])
def test_it_answers_in_the_players_register(low):
    assert low + 4 == pytest.approx(mean(note.pitch for note in answer(phrase(low=low))), abs=8)


@pytest.mark.parametrize("value", [SLOW, 240, FAST])
def test_it_answers_as_densely_as_the_player(value):
    notes = answer(phrase(value=value))

    assert 7 * BAR / value == pytest.approx(len(notes), rel=0.25)


@pytest.mark.parametrize(("length", "shorter"), [(0.25, True), (0.9, False)])
def test_it_answers_as_short_as_the_player(length, shorter):
    notes = answer(phrase(value=480, length=length))

    assert shorter == (mean(note.duration for note in notes) < 240)


def test_another_tune_gets_another_answer():
    upside_down = [Note(n.onset, 120 - n.pitch, n.duration, n.velocity) for n in phrase()]

    assert [n.pitch for n in answer(phrase())] != [n.pitch for n in answer(upside_down)]


def test_nobody_is_answered_with_silence():
    assert [] == answer([])


@pytest.mark.parametrize(
    "notes",
    [
        [Note(0, 60, 30 * BAR)],
        [Note(0, 40 + i, 480) for i in range(40)],
        [Note(i * 480, pitch, 400) for i, pitch in enumerate((0, 127) * 8)],
        [Note(i, 60 + i % 12, 1) for i in range(400)],
    ],
    ids=["one note for a minute", "forty notes at once", "the ends of the keyboard", "a run faster than hands"],
)
@pytest.mark.parametrize("viewpoint", ["interval+rhythm", "pitch", "degree+rhythm"])
def test_strange_playing_stops_nobody(notes, viewpoint):
    assert all(0 <= note.pitch <= 127 for note in answer(notes, bars=36, viewpoint=viewpoint))
