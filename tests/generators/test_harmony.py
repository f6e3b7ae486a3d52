"""Following key and chord: what a musician would say about scales and cadences, in every key, without being told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.errors import ModelError
from composer.generators.base import Context
from composer.generators.counts import Place, hear, load_tables, place_at, tables_from
from composer.generators.harmony import BLOCK, HarmonyFollower, Listener, _key, follow
from composer.music import Meter, Note, Part, Score, Span
from composer.music.chords import Chord, Key

SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
CADENCE = ((60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67))


def heard(notes, meters=(), channel=0):
    score = Score((Part("player", tuple(sorted(notes)), channel), Part("Piano")), meters=meters)
    return Context(score, ("Piano",), 10**9)


def line(pitches, length=240):
    return [Note(i * length, pitch, length) for i, pitch in enumerate(pitches)]


def blocks_of(chords):
    return [Note(bar * 1920, pitch, 1920) for bar, chord in enumerate(chords) for pitch in chord]


@pytest.mark.parametrize("semitones", range(12))
def test_a_major_scale_is_in_its_key(semitones):
    context = heard(line([pitch + semitones for pitch in SCALE * 4]))

    assert Chord(0).transpose(semitones).root == follow(context, 16 * 480).key.tonic
    assert "major" == follow(context, 16 * 480).key.mode


def test_a_cadence_in_chords_is_heard_chord_by_chord():
    follower = follow(heard(blocks_of(CADENCE * 2)), 8 * 1920)

    assert ["C", "F", "G", "C"] * 2 == [chord.symbol for chord in follower.heard(64)[::8]]


def test_a_broken_cadence_is_heard_chord_by_chord():
    melody = [pitch for chord in CADENCE * 2 for pitch in (*chord, chord[1]) * 2]
    follower = follow(heard(line(melody)), 8 * 1920)

    assert ["C", "F", "G", "C"] * 2 == [chord.symbol for chord in follower.heard(64)[4::8]]


def test_the_chord_that_sounds_is_the_one_to_play_in_the_middle_of_its_bar():
    assert "F" == follow(heard(blocks_of(CADENCE)), 1920 + 960).chord(1).symbol


@pytest.mark.parametrize("semitones", [1, 2, 3, 4, 6, 8, 9, 10, 11])
def test_a_player_who_goes_to_any_other_key_is_followed_within_two_bars(semitones):
    tune = (60, 64, 67, 64, 65, 69, 67, 65, 64, 62, 59, 62, 67, 65, 62, 60)
    there = line([*tune * 2, *(pitch + semitones for pitch in tune)][: 32 + 12])

    assert semitones == follow(heard(there), 44 * 240).key.relative_major


@pytest.mark.parametrize(("blocks", "since"), [(1, 0), (7, 1), (32, 10), (38, 33), (48, 42)])
def test_a_key_has_been_there_since_another_scale_was_believed(blocks, since):
    tune = (60, 64, 67, 64, 65, 69, 67, 65, 64, 62, 59, 62, 67, 65, 62, 60)
    follower = follow(heard(line([*tune * 2, *(pitch + 6 for pitch in tune)])), blocks * 240)
    scales = [belief.key.relative_major for belief in follower.beliefs]

    assert since == follower.key_since
    assert {follower.key.relative_major} == set(scales[since:])
    assert follower.key.relative_major not in scales[max(0, since - 1) : since]


def test_the_scale_is_decided_before_the_mode():
    """Two keys of one scale together outweigh a third that is likelier than either."""
    state = np.zeros((2, 12, 109))
    state[0, 0, 1], state[1, 9, 1], state[0, 7, 1] = 0.32, 0.28, 0.42

    assert "C major" == _key(state, None).name
    assert "A minor" == _key(state, Key(9, "minor")).name
    assert "G major" == _key(np.roll(state, 7, axis=1), Key(0)).name
    assert "G major" == _key(state, Key(7)).name


def test_a_dominant_is_likely_to_go_somewhere_at_the_bar_line():
    plan = follow(heard(blocks_of(CADENCE * 4)), 15 * 1920 - 240).plan(2)

    assert ["G", "C"] == [chord.symbol for chord in plan]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(48, 84), min_size=1, max_size=40), st.integers(-12, 12))
def test_transposing_the_player_transposes_the_belief(pitches, semitones):
    here = follow(heard(line(pitches)), len(pitches) * 240)
    there = follow(heard(line([pitch + semitones for pitch in pitches])), len(pitches) * 240)

    np.testing.assert_allclose(
        np.roll(here.beliefs[-1].state, semitones, axis=1), there.beliefs[-1].state, rtol=1e-6, atol=1e-12
    )


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4000), st.integers(40, 90), st.integers(1, 3000)), max_size=20),
    st.lists(st.integers(0, 6000), min_size=1, max_size=4),
    st.integers(0, 20),
)
def test_remembering_never_changes_an_answer(rows, questions, revised):
    listener = Listener()
    notes = [Note(*row) for row in rows]
    for i, until in enumerate(questions):
        known = notes if i % 2 else notes[:revised]
        expected = follow(heard(known), until)
        answer = listener.follow(heard(known), until)

        assert expected.plan(4) == answer.plan(4)
        assert expected.key == answer.key
        assert expected.heard(8) == answer.heard(8)


def test_a_revised_note_is_heard_again():
    listener = Listener()
    listener.follow(heard(blocks_of((CADENCE[0], CADENCE[1]))), 3840)
    revised = heard(blocks_of((CADENCE[0], CADENCE[2])))

    assert "G" == listener.follow(revised, 3840).chord(0).symbol


def test_remembering_is_bounded_and_still_the_same_after_a_long_piece():
    context = heard(line(SCALE * 60))
    listener = Listener()
    for until in range(0, 480 * 240, 1920):
        listener.follow(context, until)
    back = 400 * 240

    assert follow(context, back).heard(64) == listener.follow(context, back).heard(64)
    assert len(listener.follow(context, 480 * 240).beliefs) <= 3 * 128


def test_silence_and_drums_have_a_key_and_a_plan():
    assert 8 == len(follow(heard([]), 1920).plan(8))
    assert follow(heard([]), 1920).plan(8) == follow(heard(line(SCALE), channel=9), 1920).plan(8)


def test_nothing_fed_yet_plans_as_well():
    follower = HarmonyFollower(load_tables())

    assert 3 == len(follower.plan(3))
    assert [Chord()] * 2 == follower.heard(2)


def test_one_line_is_melody_and_a_chord_has_a_bass():
    evidence = hear([Note(0, 60, 240), Note(0, 64, 240), Note(0, 67, 240)], Span(0, 240))

    assert [7, 0, 4] == [row.index(max(row)) for row in evidence]
    assert not any(map(any, hear([Note(0, 60, 120), Note(110, 64, 120)], Span(0, 240))[1:]))


@pytest.mark.parametrize(
    ("meter", "tick", "place"),
    [
        (Meter(0), 240, Place(1, 8)),
        (Meter(0), 1920, Place(0, 8)),
        (Meter(0, 7, 8), 1680, Place(0, 7)),
        (Meter(0, 5, 16), 480, Place(0, 3)),
    ],
)
def test_places_in_the_bar(meter, tick, place):
    assert place == place_at(Score(meters=(meter,)), tick)


def test_an_odd_meter_is_followed():
    follower = follow(heard(line(SCALE * 2), meters=(Meter(0, 7, 8),)), 14 * BLOCK)

    assert 14 == len(follower.plan(14))


def test_probabilities_sum_to_one():
    tables = load_tables()

    np.testing.assert_allclose(tables.move.sum(-1), 1)
    np.testing.assert_allclose(tables.modulation.sum(-1), 1)
    np.testing.assert_allclose(np.exp(tables.emission).reshape(2, 3, 12, -1).sum(2), 1)


def test_damaged_counts_are_refused(tmp_path, monkeypatch):
    (tmp_path / "harmony").mkdir()
    (tmp_path / "harmony" / "config.json").write_text("{}")
    (tmp_path / "harmony" / "counts.json").write_text('{"emission": [1]}')
    monkeypatch.setenv("COMPOSER_MODELS", str(tmp_path))
    load_tables.cache_clear()

    with pytest.raises(ModelError, match="damaged"):
        load_tables()
    load_tables.cache_clear()
    with pytest.raises((ValueError, KeyError)):
        tables_from({})


def test_no_question_of_a_long_evening_hears_much_at_once(monkeypatch):
    fed = []
    feed = HarmonyFollower.feed
    monkeypatch.setattr(HarmonyFollower, "feed", lambda self, *block: (fed.append(block), feed(self, *block))[1])
    notes = [Note(240 * i, 60 + i * 7 % 12, 200) for i in range(800)]
    listener, counts = Listener(), []
    for block in range(1, 800):
        fed.clear()
        # The beginning of the evening is forgotten in steps, as the session does.
        kept = notes[max(0, (block - 512) // 128 * 128) : block]
        listener.follow(heard(kept), block * 240)
        counts.append(len(fed))

    assert 5 == max(counts)


def test_what_was_forgotten_by_the_session_changes_nothing():
    notes = [Note(240 * i, 60 + i * 7 % 12, 200) for i in range(700)]
    whole, late = follow(heard(notes), 700 * 240), follow(heard(notes[128:]), 700 * 240)

    assert whole.plan(8) == late.plan(8)
    assert whole.key == late.key
