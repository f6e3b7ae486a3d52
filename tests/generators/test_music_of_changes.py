"""The coins fall fairly, charts are half silence, the form holds at both scales, and the player fills the charts."""

from collections import Counter
from fractions import Fraction
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from composer.generators import make, oracle
from composer.generators.base import Context
from composer.generators.charts import LAYERS, Chart, Playing, material
from composer.generators.proportions import SERIES, UNIT, WHOLE, phrase_at, structure
from composer.music import Meter, Note, Part, Score, Span

HEAVEN, EARTH = [7] * 6, [8] * 6
BAR = 1920
THROWS = oracle.throw(np.random.default_rng(1951), 6400)
EIGHT_BARS = Span(0, 8 * BAR)
TUNE = [Note(i * 240, pitch, 220, 90) for i, pitch in enumerate((60, 62, 64, 67) * 8)]


def context(notes, known_until=10**6, role="accompany", meters=(), parts=("Piano",)):
    machine = tuple(Part(name, channel=i) for i, name in enumerate(parts))
    return Context(Score((Part("Player", tuple(sorted(notes)), 5), *machine), meters=meters), parts, known_until, role)


def play(known, span=EIGHT_BARS, seed=1, **params):
    return list(make("music-of-changes", {k: str(v) for k, v in params.items()}, seed).propose(known, span))


# The oracle


def test_three_coins_move_a_line_once_in_four():
    lines = Counter(line for hexagram in THROWS for line in hexagram)

    assert chisquare([lines[n] for n in (6, 7, 8, 9)], np.array([1, 3, 3, 1]) / 8 * lines.total()).pvalue > 0.01


def test_every_hexagram_is_as_likely_as_any_other():
    found = Counter(oracle.number(hexagram) for hexagram in THROWS)

    assert set(range(1, 65)) == set(found)
    assert chisquare([found[n] for n in range(1, 65)]).pvalue > 0.01


def test_the_changed_hexagrams_are_as_likely_too():
    found = Counter(oracle.number(oracle.changed(hexagram)) for hexagram in THROWS)

    assert chisquare([found[n] for n in range(1, 65)]).pvalue > 0.01


@pytest.mark.parametrize(
    ("lines", "number"),
    [(HEAVEN, 1), (EARTH, 2), ([7, 8, 7, 8, 7, 8], 63), ([8, 7, 8, 7, 8, 7], 64), ([7, 7, 7, 8, 8, 8], 11)],
    ids=["the creative", "the receptive", "after completion", "before completion", "peace"],
)
def test_hexagrams_have_their_traditional_numbers(lines, number):
    assert number == oracle.number(lines)


def test_moving_lines_become_their_opposites_and_the_others_rest():
    assert [7, 7, 8, 8, 7, 8] == oracle.changed([6, 7, 8, 9, 7, 8])


def test_a_throw_without_moving_lines_is_read_once_and_one_with_them_twice():
    assert [1] == oracle.read(HEAVEN)
    assert [1, 2] == oracle.read([9] * 6)
    assert [2, 1] == oracle.read([6] * 6)


# The charts


@pytest.mark.parametrize("layer", range(LAYERS))
def test_silences_are_half_of_a_sound_chart(layer):
    chart = Chart(material(3, layer), is_mobile=False)
    silences = [number for number in range(1, 65) if not chart.sound(number, Playing((), (), ()))]

    assert list(range(2, 65, 2)) == silences


@pytest.mark.parametrize("layer", range(LAYERS))
def test_rows_and_columns_of_the_own_sounds_have_all_twelve_tones(layer):
    sounds = [[p % 12 for stroke in sound for p in stroke.pitches] for sound in material(3, layer).sounds]
    squares = [[sounds[at + 4 * row : at + 4 * row + 4] for row in range(4)] for at in (0, 16)]
    lines = [line for square in squares for line in (*square, *zip(*square, strict=True))]

    assert [list(range(12))] * 16 == [sorted(tone for sound in line for tone in sound) for line in lines]


def test_three_cells_in_four_leave_the_loudness_as_before():
    chart = Chart(material(3, 0), is_mobile=False)
    changing = [number for number in range(1, 65) if chart.velocity(number, Playing((), (), ()), 0)]

    assert list(range(1, 65, 4)) == changing


PLAYED = Playing([(60 + i,) for i in range(64)], [100 + i for i in range(128)], list(range(1, 33)))


def test_a_used_cell_of_a_mobile_chart_gets_something_new():
    chart = Chart(material(3, 0), is_mobile=True)

    assert [60, 60 + 32] == [chart.sound(1, PLAYED)[0].pitches[0] for _ in range(2)]
    assert [100, 100 + 64] == [chart.ticks(1, PLAYED) for _ in range(2)]
    assert [1, 17] == [chart.velocity(1, PLAYED, 50) for _ in range(2)]


def test_a_used_cell_of_an_immobile_chart_stays():
    chart = Chart(material(3, 0), is_mobile=False)

    assert chart.sound(9, PLAYED) == chart.sound(9, PLAYED)
    assert chart.ticks(9, PLAYED) == chart.ticks(9, PLAYED)


def test_four_layers_are_mobile_and_an_odd_throw_changes_which():
    generator = make("music-of-changes", {}, 5)
    units = [tuple(generator.is_mobile(unit, layer) for layer in range(LAYERS)) for unit in range(40)]

    assert {4} == {sum(unit) for unit in units}
    assert 8 < sum(a != b for a, b in pairwise(units)) < 32


# The form


def test_the_series_is_the_published_one():
    assert [3, 5, 6.75, 6.75, 5, 3.125] == [float(share) for share in SERIES]
    assert Fraction(237, 8) == UNIT


def test_the_whole_is_to_its_sections_as_a_unit_to_its_phrases():
    points = structure()
    sections = sorted({point.section for point in points})
    phrases = [point.phrase for point in points if point.unit == 0]

    assert [b / UNIT for b in phrases] == [b / WHOLE for b in sections]
    assert list(SERIES) == [b - a for a, b in pairwise([*phrases, UNIT])]
    assert [share * UNIT for share in SERIES] == [b - a for a, b in pairwise([*sections, WHOLE])]


def test_every_unit_is_a_whole_series_but_where_its_section_ends():
    points = structure()
    for section, end in pairwise([*sorted({point.section for point in points}), WHOLE]):
        inside = [point for point in points if point.section == section]
        assert all(point.phrase < end for point in inside)
        for unit in {point.unit for point in inside}:
            starts = [point.phrase - unit for point in inside if point.unit == unit]
            assert [sum(SERIES[:i], Fraction(0)) for i in range(len(starts))] == starts
            assert (len(starts) == len(SERIES)) or unit + UNIT > end


@given(st.integers(0, 4 * 877 * BAR), st.sampled_from([0.25, 0.75, 1.0]), st.sampled_from([(4, 4), (7, 8), (5, 16)]))
def test_phrases_follow_each_other_without_a_gap(tick, measure, meter):
    score = Score(meters=(Meter(0, *meter),))
    phrase = phrase_at(score, tick, measure)

    assert phrase.unit_start <= phrase.start <= tick < phrase.end
    assert phrase.end == phrase_at(score, phrase.end, measure).start


def test_a_new_meter_begins_a_new_form():
    score = Score(meters=(Meter(0), Meter(2 * BAR, 7, 8)))

    assert (0, 2 * BAR) == (phrase_at(score, 0, 1.0).start, phrase_at(score, 0, 1.0).end)
    assert (2 * BAR, 2 * BAR + 3 * 1680) == (
        phrase_at(score, 2 * BAR, 1.0).start,
        phrase_at(score, 2 * BAR, 1.0).end,
    )


def test_one_to_eight_layers_are_as_likely_as_each_other():
    generator = make("music-of-changes", {}, 4)
    score = Score()
    phrases = {phrase_at(score, tick, 1.0) for tick in range(0, 3000 * BAR, BAR)}
    found = Counter(generator.layers(phrase) for phrase in phrases)

    assert set(range(1, 9)) == set(found)
    assert chisquare([found[n] for n in range(1, 9)]).pvalue > 0.01


def test_a_tempo_stays_at_every_other_point():
    generator = make("music-of-changes", {}, 4)
    starts = sorted({phrase_at(Score(), tick, 1.0).start for tick in range(0, 3000 * BAR, BAR)})
    tempos = [generator.tempo(Score(), phrase_at(Score(), start, 1.0)) for start in starts]

    assert 0.4 < sum(a == b for a, b in pairwise(tempos)) / len(tempos) < 0.65
    assert 58 == round(min(tempos))
    assert 176 == round(max(tempos))


def test_no_event_lasts_beyond_its_phrase():
    for _, note in play(context(TUNE), Span(0, 60 * BAR)):
        phrase = phrase_at(Score(), note.onset, 1.0)
        assert note.end <= phrase.end


# The player


def test_what_the_player_played_comes_back():
    """In the first unit the first layer is mobile: it has the player's tones only."""
    tones = Counter(n.note.pitch % 12 for n in play(context(TUNE, 3840), Span(3840, 29 * BAR), yours=1.0, layers=1))

    assert {0, 2, 4, 7} == set(tones)


def test_nothing_of_the_player_is_played_when_the_charts_keep_their_own():
    up = [Note(n.onset, n.pitch + 5, 2 * n.duration) for n in TUNE]

    assert [n.note.pitch for n in play(context(TUNE), yours=0.0)] == [
        n.note.pitch for n in play(context(up), yours=0.0)
    ]


@pytest.mark.parametrize(
    ("first", "last", "layers", "same"),
    [(2, 16, 1, 0.2), (2, 16, 8, 0.75), (30, 40, 8, 0.05)],
    ids=["one mobile layer", "four of eight are mobile", "after a unit"],
)
def test_another_melody_has_another_answer(first, last, layers, same):
    """The share of the answer that stays when only the pitches, or only the rhythm, differ."""
    tune = [n.shift(8 * BAR * turn) for turn in range(4) for n in TUNE]
    up = [Note(n.onset, n.pitch + 6, n.duration, n.velocity) for n in tune]
    slow = [Note(2 * n.onset, n.pitch, n.duration, n.velocity) for n in tune[:64]]
    ask = Span(first * BAR, last * BAR)
    answer = set(play(context(tune), ask, layers=layers, yours=1.0))
    for other in (up, slow):
        assert len(answer & set(play(context(other), ask, layers=layers, yours=1.0))) <= same * len(answer)


def test_a_faster_player_is_answered_faster():
    fast = [Note(i * 120, 60 + i % 5, 110) for i in range(256)]
    slow = [Note(i * 960, 60 + i % 5, 900) for i in range(32)]

    assert len(play(context(fast), Span(3840, 16 * BAR))) > 2 * len(play(context(slow), Span(3840, 16 * BAR)))


def test_a_gap_is_filled_with_what_stands_behind_it():
    after = tuple(Note(8 * BAR + i * 240, pitch, 220) for i, pitch in enumerate((61, 66) * 8))
    known = Context(Score((Part("Piano", after),)), ("Piano",), 10**6)
    tones = {n.note.pitch % 12 for n in play(known, Span(0, 3 * BAR), layers=1, yours=1.0)}

    assert {1, 6} >= tones
    assert tones


def test_what_is_heard_later_changes_nothing_before():
    early = play(context(TUNE[:9]), Span(0, 2160))

    assert early == play(context(TUNE), Span(0, 2160))
    assert early


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 127), st.integers(1, 900)), max_size=12),
    st.lists(st.integers(0, 9600), min_size=1, max_size=3),
    st.sampled_from([(4, 4), (7, 8), (5, 16)]),
)
def test_any_cut_gives_the_same_notes(rows, cuts, meter):
    known = context([Note(*row) for row in rows], meters=(Meter(0, *meter), Meter(5000, 3, 4)))
    whole = play(known, Span(0, 9600))
    pieces = []
    for a, b in pairwise([0, *sorted(cuts), 9600]):
        pieces += play(known.extended(pieces), Span(a, b))

    assert whole == pieces


@pytest.mark.parametrize(("low", "high"), [(48, 72), (72, 48), (60, 60), (0, 127)])
def test_pitches_stay_within_the_compass(low, high):
    pitches = {n.note.pitch for n in play(context(TUNE), low=low, high=high)}

    assert pitches
    assert min(low, high) <= min(pitches) <= max(pitches) <= max(low, high)


def test_layers_go_round_the_parts():
    assert {"One", "Two", "Three"} == {n.part for n in play(context(TUNE, parts=("One", "Two", "Three")))}


def test_the_oracle_repeats_itself_for_a_seed_only():
    first, same, other = (list(islice(oracle.numbers(seed), 100)) for seed in ((1, 2), (1, 2), (1, 3)))

    assert first == same != other
