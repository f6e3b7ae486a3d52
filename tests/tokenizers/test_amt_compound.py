"""Messages to triples and back, against vectors of the published code."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.errors import UsageError
from composer.music import Note, Part, Score, Tempo
from composer.tokenizers import TOKENIZERS, amt, amt_interarrival, load
from composer.tokenizers.amt_compound import Compound, compounds, events, notes, tracks

ON, OFF, PROGRAM = 0x90, 0x80, 0xC0


def triples_of(messages):
    return events(compounds(messages))


class TestCompounds:
    def test_an_end_closes_the_oldest_note_of_its_pitch(self):
        played = [(0.0, (ON, 60, 80)), (0.25, (ON, 60, 80)), (0.5, (ON, 60, 0)), (0.75, (OFF, 60, 0))]

        assert [(0, 50), (25, 50)] == [(n.onset, n.duration) for n in compounds(played)]

    def test_simultaneous_notes_keep_the_order_of_their_messages(self):
        assert [67, 60] == [n.pitch for n in compounds([(0.0, (ON, 67, 80)), (0.0, (ON, 60, 80))])]

    def test_halves_round_to_the_even_bin(self):
        """0.125 s and 0.375 s are exact in binary: 12.5 and 37.5 bins."""
        assert [12, 38] == [n.onset for n in compounds([(0.125, (ON, 60, 1)), (0.375, (ON, 60, 1))])]

    def test_a_duration_is_rounded_by_itself(self):
        """From 12.6 to 17.4 bins: 4.8, though the ends lie in bins 13 and 17."""
        assert [(13, 5)] == [(n.onset, n.duration) for n in compounds([(0.126, (ON, 60, 1)), (0.174, (OFF, 60, 0))])]

    def test_a_program_change_loses_the_end_of_a_sounding_note(self):
        played = [(0.0, (ON, 60, 80)), (0.1, (PROGRAM, 5)), (0.2, (OFF, 60, 0))]

        assert [(0, 10025, 11060)] == triples_of(played)

    def test_a_program_change_on_the_drum_channel_means_nothing(self):
        played = [(0.0, (ON | 9, 36, 80)), (0.1, (PROGRAM | 9, 5)), (0.2, (OFF | 9, 36, 0))]

        assert [(0, 10020, 27420)] == triples_of(played)

    def test_an_end_without_a_beginning_means_nothing(self):
        assert [] == compounds([(0.0, (OFF, 60, 0))])

    def test_the_longest_note_has_999_bins(self):
        assert [(0, 10999, 11060)] == triples_of([(0.0, (ON, 60, 1)), (10.0, (OFF, 60, 0))])

    def test_pedals_and_bends_mean_nothing(self):
        played = [(0.0, (0xB0, 64, 127)), (0.0, (ON, 60, 1)), (0.1, (0xE0, 0, 0)), (0.2, (OFF, 60, 0))]

        assert [(0, 10020, 11060)] == triples_of(played)


class TestNotes:
    def test_controls_are_notes_and_rests_are_none(self):
        sequence = [amt.rest(100), amt.as_control(amt.event(120, 7, 128, 36))]

        assert [Compound(120, 7, 36, 128, 72)] == notes(sequence)

    def test_a_separator_begins_a_piece_after_the_last_end(self):
        piece = [amt.event(0, 90, 0, 60), amt.event(50, 10, 0, 62), amt.Triple(55025, 55025, 55025)]

        assert [0, 50, 90, 140] == [n.onset for n in notes([*piece, *piece])]

    def test_a_late_event_stays_late(self):
        assert 30000 == notes([amt.event(30000, 10, 0, 60)])[0].onset

    def test_the_published_code_moves_a_late_event_to_the_beginning(self):
        assert 2487 == notes([amt.event(30000, 10, 0, 60)], reference=True)[0].onset

    @pytest.mark.parametrize("sequence", [[], [amt.event(55025, 10, 0, 60)]])
    def test_where_the_published_code_stops(self, sequence):
        with pytest.raises(ValueError, match=r"nothing|separator"):
            notes(sequence, reference=True)

        assert len(sequence) == len(notes(sequence))


class TestTracks:
    def test_drums_take_a_number_but_not_its_channel(self):
        played = [Compound(i, 10, 60, instrument, 72) for i, instrument in enumerate((24, 128, 0, 25))]

        assert [(0xC0, 24), (0xC9, 0), (0xC2, 0), (0xC3, 25)] == [line[0][1] for line in tracks(played)]

    def test_a_touching_note_begins_before_its_predecessor_ends(self):
        line = tracks([Compound(0, 50, 60, 0, 72), Compound(50, 10, 60, 0, 72)])[0]

        assert [(0, PROGRAM), (0, ON), (50, ON), (50, OFF), (60, OFF)] == [(tick, data[0]) for tick, data in line]

    def test_they_come_by_first_onset_and_keep_the_order_of_what_is_simultaneous(self):
        """A control told ahead of its time stands before earlier notes."""
        played = [Compound(50, 10, 72, 24, 72), Compound(0, 10, 48, 33, 72), Compound(0, 10, 45, 33, 72)]
        found = tracks([*played, Compound(10, 40, 60, 24, 72)])

        assert [33, 24] == [line[0][1][1] for line in found]
        assert [48, 45, 48, 45] == [data[1] for _, data in found[0][1:]]
        assert [(10, 60), (50, 72), (50, 60), (60, 72)] == [(tick, data[1]) for tick, data in found[1][1:]]

    def test_fifteen_instruments_have_channels_and_sixteen_have_none(self):
        band = [Compound(0, 10, 60, instrument, 72) for instrument in range(16)]

        assert [*range(9), *range(10, 16)] == [line[0][1][0] & 15 for line in tracks(band[:15])]
        with pytest.raises(ValueError, match="15 instruments"):
            tracks(band)

    def test_of_sixteen_instruments_the_last_has_no_channel_even_where_one_is_drums(self):
        band = [Compound(0, 10, 60, instrument, 72) for instrument in (128, *range(15))]

        assert [9, *range(1, 9), *range(10, 16)] == [line[0][1][0] & 15 for line in tracks(band[:15])]
        with pytest.raises(ValueError, match="15 instruments"):
            tracks(band)


class TestInterarrival:
    def test_silence_is_cut_and_simultaneous_notes_have_no_shift(self):
        played = [(0.0, (ON, 60, 1)), (0.0, (ON, 64, 1)), (60.0, (OFF, 60, 0))]

        assert [1060, 1064, 999, 17572] == amt_interarrival.encode(played)

    def test_ids_become_notes(self):
        assert [Compound(25, 50, 60, 24, 96)] == amt_interarrival.decode([25, 4132, 50, 20644])

    def test_an_end_without_a_beginning_and_a_separator_mean_nothing(self):
        assert [] == amt_interarrival.decode([17512, 34024])

    def test_of_two_equal_notes_the_first_ends_first(self):
        assert [30, 30] == [n.duration for n in amt_interarrival.decode([1060, 10, 1060, 20, 17572, 10, 17572])]

    def test_a_note_that_never_ends_lasts_a_quarter_of_a_second(self):
        assert 25 == amt_interarrival.decode([1060])[0].duration

    def test_an_id_outside_the_vocabulary_is_named(self):
        with pytest.raises(ValueError, match="34025"):
            amt_interarrival.decode([34025])


FREE = st.lists(
    st.tuples(st.integers(0, 40_000), st.integers(0, 999), st.integers(0, 128), st.integers(0, 127)),
    max_size=30,
    unique_by=lambda n: n[2:],  # no two notes of one pitch and instrument, which would be free to swap their ends
)


class TestScores:
    @given(FREE)
    def test_a_score_and_back_keeps_every_triple(self, fields):
        written = [amt.event(*f) for f in fields]
        tokenizer = load("amt")

        assert Counter(written) == Counter(amt.triples(tokenizer.encode(tokenizer.decode(amt.tokens(written)))))

    @given(FREE)
    def test_controls_survive_as_notes(self, fields):
        written = [amt.event(*f) for f in fields]
        tokenizer = load("amt")
        told = tokenizer.decode(amt.tokens(amt.as_control(t) for t in written))

        assert Counter(written) == Counter(amt.triples(tokenizer.encode(told)))

    def test_a_tempo_counts(self):
        score = Score((Part("bass", (Note(480, 40, 480),), 1, 33),), (Tempo(0, 60.0),))

        assert [100, 10100, 11000 + 33 * 128 + 40] == load("amt").encode(score)

    def test_parts_that_share_a_channel_keep_their_programs(self):
        parts = (Part("a", (Note(0, 60, 480), Note(960, 60, 480)), 0, 5), Part("b", (Note(240, 60, 480),), 0, 7))

        assert [(5, 50), (7, 50), (5, 50)] == [
            (t.instrument, t.length) for t in amt.triples(load("amt").encode(Score(parts)))
        ]

    def test_a_repeated_note_ends_its_predecessor(self):
        part = Part("a", (Note(0, 60, 480), Note(480, 60, 960)))

        assert [1060, 50, 17572, 1060, 100, 17572] == load("amt-interarrival").encode(Score((part,)))

    def test_a_hundred_instruments_are_a_hundred_parts(self):
        score = load("amt").decode(amt.tokens(amt.event(i, 10, i, 60) for i in range(100)))

        assert list(range(100)) == [part.program for part in score.parts]

    def test_nothing_is_an_empty_score(self):
        assert Score() == load("amt").decode([])

    @pytest.mark.parametrize("name", [name for name in TOKENIZERS if name.startswith("amt")])
    def test_ids_of_another_vocabulary_are_refused_in_one_sentence(self, name):
        with pytest.raises(UsageError, match="no music in this vocabulary"):
            load(name).decode([1, 2, 99_999])
