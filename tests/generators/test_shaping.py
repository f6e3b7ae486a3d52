"""Every control of the transformer does what it says: on bare logits, and on the model that is shipped."""

from functools import cache
from itertools import pairwise
from statistics import mean

import numpy as np
import pytest

from composer.errors import UsageError
from composer.generators import make
from composer.generators.base import Context
from composer.generators.shaping import RECENT, USUAL, Sampling, moderation
from composer.music import Note, Part, Score, Span
from composer.music.chords import Chord, Key

EVEN = np.zeros(128, np.float32)
G7 = Chord(7, "7").index
TUNE = tuple(Note(480 * i, 72 + p, 400) for i, p in enumerate((0, 4, 7, 4, 5, 9, 5, 2, 7, 11, 7, 2, 4, 0, 4, 7) * 2))
BLOCKS = 48


def allowed(sampling, chord=G7, logits=EVEN):
    return {int(pitch) % 12 for pitch in np.flatnonzero(np.isfinite(sampling.shape(logits, chord, ())))}


def test_a_full_chord_mask_leaves_the_tones_of_the_chord():
    assert {7, 11, 2, 5} == allowed(Sampling(chord_mask=1.0))


def test_half_a_chord_mask_halves_the_odds_of_other_tones():
    shaped = Sampling(chord_mask=0.5).shape(EVEN, G7, ())

    assert 0.5 == pytest.approx(np.exp(shaped[60] - shaped[67]))


def test_without_a_chord_the_mask_leaves_everything():
    assert set(range(12)) == allowed(Sampling(chord_mask=1.0), chord=0)


def test_the_key_lock_leaves_the_scale():
    assert {0, 2, 4, 5, 7, 9, 11} == allowed(Sampling(in_key=True))


def test_the_key_is_stronger_than_a_chord_outside_it():
    assert {0, 2, 4, 5, 7, 9, 11} == allowed(Sampling(in_key=True, chord_mask=1.0), Chord(6, "maj").index)


def test_a_lock_that_leaves_nothing_is_not_obeyed():
    only_c_sharp = np.where(np.arange(128) == 61, EVEN, -np.inf).astype(np.float32)

    assert {1} == allowed(Sampling(in_key=True, chord_mask=1.0), logits=only_c_sharp)


@pytest.mark.parametrize(("wish", "rises"), [(-1.0, False), (1.0, True)])
def test_repetition_moves_the_pitches_just_played(wish, rises):
    shaped = Sampling(repetition=wish).shape(EVEN, 0, [60, 60, 64])

    assert rises == (shaped[60] > 0)
    assert shaped[60] == shaped[64]
    assert 0 == shaped[62]


def test_each_kind_has_a_freedom_of_its_own():
    sampling = Sampling(0.8, 0.9, pitch_temperature=0.5, rhythm_top_p=0.3, pitch_top_p=1.0)

    assert (0.4, 0.9) == sampling.pitch
    assert (0.8, 0.3) == sampling.rhythm
    assert (0.8, 0.9) == sampling.touch


@cache
def played(**params):
    """Return what the shipped model plays to TUNE, and its chords with the ticks they begin at."""
    return play(tuple(sorted(params.items())))


def play(params):
    generator = make("anticipation", {"wait": "0", **dict(params)}, 1)
    parts = generator.parts(generator.params)
    context = Context(Score((Part("Melody", TUNE), *parts)), tuple(p.name for p in parts), 10**6)
    notes = [n.note for n in generator.propose(context, Span(0, BLOCKS * 240))]
    return notes, generator.chords


def share_in_chord(notes, chords):
    symbols = [(tick, Chord.parse_symbol(symbol)) for tick, symbol in chords]
    right = [n.pitch % 12 in [c for t, c in symbols if t <= n.onset][-1].pitch_classes for n in notes]
    return mean(right)


def share_repeated(notes):
    return mean(n.pitch in {m.pitch for m in notes[max(0, i - 8) : i]} for i, n in enumerate(notes))


def entropy(values):
    _, counts = np.unique(values, return_counts=True)
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum())


def test_a_chord_mask_makes_it_play_the_chord_it_says():
    free, half, strict = (
        share_in_chord(*played(chord_mask=mask, temperature="2", top_p="1")) for mask in ("0", "0.8", "1")
    )

    assert free < half < strict
    assert 1.0 == strict


def test_locked_to_the_key_it_plays_nothing_else():
    assert {n.pitch % 12 for n in played(scale="key", key="D", temperature="1.5")[0]} <= set(Key(2).scale)
    assert not {n.pitch % 12 for n in played(key="D", temperature="1.5")[0]} <= set(Key(2).scale)


def test_repetition_repeats_and_avoids():
    avoids, neither, repeats = (share_repeated(played(repetition=wish)[0]) for wish in ("-1", "0", "1"))

    assert avoids < neither < repeats


@pytest.mark.parametrize(("low", "high"), [(60, 127), (0, 50), (55, 67), (62, 62), (67, 55)])
@pytest.mark.parametrize("key", ["auto", "F#"])
def test_no_pitch_is_chosen_outside_of_the_register(low, high, key):
    pitches = {n.pitch for n in play((("high", str(high)), ("key", key), ("low", str(low)), ("temperature", "1.5")))[0]}

    assert pitches
    assert min(low, high) <= min(pitches)
    assert max(pitches) <= max(low, high)


def test_drums_have_no_register():
    band = (("band", "piano+drums"), ("low", "72"))

    assert 60 > min(n.pitch for n in play(band)[0])


def test_the_register_is_stronger_than_key_and_chord():
    logits = np.full(128, -np.inf, np.float32)
    logits[61] = 0

    assert 61 == int(np.argmax(Sampling(low=61, high=61, in_key=True, chord_mask=1.0).shape(logits, G7, ())))


def test_a_register_moves_with_the_key():
    assert (0, 127) == Sampling().register(-5)
    assert (55, 122) == Sampling(low=60).register(-5)
    assert (4, 64) == Sampling(high=60).register(4)


def notes_a_block(**params):
    return len(played(**params)[0]) / BLOCKS


def test_a_wish_for_density_is_played_and_not_run_away_with():
    thin, usual, twice, four = (notes_a_block(density=wish) for wish in ("-2", "0", "1", "2"))

    assert thin < usual < twice < four < 2 * 4 * USUAL["piano"]


@pytest.mark.parametrize(
    ("a_block", "wish", "expected"),
    [
        (1, 0, 0.0),  # nobody wishes anything
        (3, 1, 0.0),  # as wished
        (2, 1, 1.0),  # too few
        (9, 1, -1.0),  # too many
        (2, 0.25, 0.0),  # more than wished, and no more than is usual
        (1, -1, -1.0),
        (0, -2, 0.0),
    ],
)
def test_a_wish_for_density_is_compared_with_what_is_played(a_block, wish, expected):
    _, note = moderation([a_block] * (RECENT - 1), "piano", wish)

    assert expected == np.sign(note)


def test_the_first_blocks_are_too_few_to_be_compared():
    assert (0.0, 0.0) == moderation([9] * 3, "piano", 1.0)


@pytest.mark.parametrize("offset", [-40, 20])
def test_louder_and_softer_are_the_same_notes_at_another_velocity(offset):
    usual, moved = played()[0], played(velocity=str(offset))[0]

    assert [(n.onset, n.pitch, n.duration) for n in usual] == [(n.onset, n.pitch, n.duration) for n in moved]
    assert [min(127, max(1, n.velocity + offset)) for n in usual] == [n.velocity for n in moved]


def test_colder_pitches_are_fewer():
    cold, hot = (entropy([n.pitch for n in played(pitch_temperature=t, top_p="1")[0]]) for t in ("0.1", "2"))

    assert cold < hot


def test_narrow_pitches_are_fewer():
    hot = {"pitch_temperature": "2", "top_p": "1"}
    narrow, wide = (entropy([n.pitch for n in played(pitch_top_p=p, **hot)[0]]) for p in ("0.2", "1"))

    assert narrow < wide


def test_colder_and_narrower_onsets_are_more_regular():
    def uneven(**params):
        onsets = sorted({n.onset for n in played(**params)[0]})
        return entropy([b - a for a, b in pairwise(onsets)])

    hot = uneven(rhythm_temperature="2")
    assert uneven(rhythm_temperature="0.2") < hot
    assert uneven(rhythm_temperature="2", rhythm_top_p="0.2") < hot


def test_asked_block_by_block_repetition_is_the_same():
    """What was just played is known from the context, not from the last question."""
    generator = make("anticipation", {"wait": "0", "key": "C", "repetition": "0.7", "velocity": "12"}, 1)
    parts = generator.parts(generator.params)
    context = Context(Score((Part("Melody", TUNE), *parts)), tuple(p.name for p in parts), 10**6)
    notes = []
    for block in range(24):
        answer = list(generator.propose(context, Span(block * 240, block * 240 + 240)))
        context = context.extended(answer)
        notes += [n.note for n in answer]

    assert [n for n in played(key="C", repetition="0.7", velocity="12")[0] if n.onset < 24 * 240] == notes


@pytest.mark.parametrize(
    ("name", "value"), [("velocity", "41"), ("chord_mask", "1.1"), ("repetition", "-1.1"), ("scale", "blues")]
)
def test_a_control_out_of_range_is_refused(name, value):
    with pytest.raises(UsageError, match=name):
        make("anticipation", {name: value})
