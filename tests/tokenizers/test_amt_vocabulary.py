"""The vocabulary of the published checkpoints and its lists of triples, against vectors of the published code."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.tokenizers import amt
from composer.tokenizers.amt import Triple


def e(time):
    return amt.event(time, 10, 0, 60)


def u(time):
    return amt.as_control(e(time))


def shown(sequence):
    """Return triples as e, u (controls) and R (rests) with their onsets."""
    return " ".join(f"{'u' if t.is_control else 'R' if t.is_rest else 'e'}{t.onset}" for t in sequence)


def es(*times):
    return [e(time) for time in times]


def us(*times):
    return [u(time) for time in times]


SONGS = st.lists(st.integers(0, 3000), max_size=40).map(lambda times: es(*sorted(times)))
CONTROLS = st.lists(st.integers(0, 4000), max_size=20).map(lambda times: us(*sorted(times)))


class TestTriples:
    def test_a_song_begins_as_twinkle_in_the_paper(self):
        twinkle = [amt.event(0, 48, 0, 60), amt.event(50, 48, 0, 60), amt.event(100, 48, 0, 67)]

        assert [55026, 55025, 55025, 55025, 0, 10048, 11060, 50, 10048, 11060, 100, 10048, 11067] == amt.song(twinkle)

    def test_a_song_with_controls_says_so(self):
        assert 55027 == amt.song([u(0)])[0]

    def test_music_as_if_transcribed_begins_otherwise(self):
        assert [55028, 55029] == [amt.song([], anticipated=told, transcribed=True)[0] for told in (False, True)]
        assert [] == amt.triples([55029])

    def test_the_corners_of_the_ranges(self):
        assert (0, 10000, 11000) == amt.event(0, 0, 0, 0)
        assert (9999, 10999, 27511) == amt.event(9999, 999, 128, 127)
        assert (27513, 37513, 38513) == amt.as_control(amt.event(0, 0, 0, 0))
        assert (37512, 38512, 55024) == amt.as_control(amt.event(9999, 999, 128, 127))
        assert (7, 10000, 27512) == amt.rest(7)

    def test_the_sizes_that_checkpoints_were_trained_with(self):
        assert (55_028, 55_030, 1024) == (amt.VOCABULARY, amt.TRANSCRIBED_VOCABULARY, amt.CONTEXT)
        assert (100, 500, 100) == (amt.BINS_PER_SECOND, amt.DELTA, amt.REST_BINS)
        assert (129, 128, 129) == (amt.INSTRUMENTS, amt.DRUMS, amt.rest(0).instrument)

    @pytest.mark.parametrize("fields", [(-1, 0, 0, 0), (0, 1000, 0, 0), (0, 0, 129, 0), (0, 0, 0, 128)])
    def test_what_the_vocabulary_cannot_say_is_refused(self, fields):
        with pytest.raises(ValueError, match="no triple"):
            amt.event(*fields)

    def test_fields_of_an_event_and_of_a_control(self):
        for triple in (amt.event(123, 45, 33, 40), amt.as_control(amt.event(123, 45, 33, 40))):
            assert (123, 45, 33, 40) == (triple.onset, triple.length, triple.instrument, triple.pitch)

    def test_a_late_event_is_told_from_a_control_by_its_note(self):
        late = amt.event(30000, 10, 0, 60)

        assert late == amt.as_event(late)
        assert 2487 == amt.as_event_by_value(late).time

    @given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 999), st.integers(0, 16511), st.booleans())))
    def test_controls_fold_back_at_any_time(self, fields):
        events = [Triple(t, 10000 + d, 11000 + n) for t, d, n, _ in fields]
        mixed = [amt.as_control(x) if f[3] else x for x, f in zip(events, fields, strict=True)]

        assert events == [amt.as_event(x) for x in amt.triples(amt.tokens(mixed))]

    def test_a_first_token_of_its_kind_is_left_out(self):
        assert es(0, 5) == amt.triples([55026, *amt.tokens(es(0, 5))])

    @pytest.mark.parametrize("ids", [[1, 2], [0, 10000, 5], [0, 9999, 11000], [55026, 55025, 55025], [0, 0, 55025]])
    def test_other_tokens_are_no_triples(self, ids):
        with pytest.raises(ValueError, match="triple"):
            amt.triples(ids)


class TestPad:
    def test_rests_fill_gaps_longer_than_a_second(self):
        padded = amt.pad(es(0, 100, 201, 450), 700)

        assert "e0 e100 R200 e201 R301 R401 e450 R550 R650" == shown(padded)

    def test_silence_only(self):
        assert "R100 R200" == shown(amt.pad([], 300))

    def test_without_an_end_the_last_note_is_the_end(self):
        assert "R100 R200 e300" == shown(amt.pad(es(300)))

    @given(SONGS, st.integers(0, 5000))
    def test_no_gap_is_longer_than_a_second_and_no_note_is_lost(self, song, end):
        padded = amt.pad(song, end)
        times = [0, *(t.time for t in padded), end]

        assert song == amt.without_rests(padded)
        assert times[:-1] == sorted(times[:-1])
        assert all(b - a <= 100 for a, b in pairwise(times))


class TestLists:
    def test_clip_keeps_both_ends(self):
        assert "e10 e20" == shown(amt.clip(es(9, 10, 20, 21), 10, 20))

    def test_clip_may_shorten_what_sounds_on(self):
        assert [10, 5] == [t.length for t in amt.clip(es(0, 15), 0, 20)]
        assert [10, 10] == [t.length for t in amt.clip(es(0, 15), 0, 20, shorten=False)]

    def test_clip_and_shorten_controls(self):
        assert [u(0), u(15)._replace(duration=u(15).duration - 5)] == amt.clip(us(0, 15, 21), 0, 20)

    def test_mask_keeps_both_ends(self):
        assert "e10 e20" == shown(amt.mask(es(10, 11, 19, 20), 10, 20))

    def test_combine_puts_controls_among_events(self):
        assert "e0 e5 e9" == shown(amt.combine(es(0, 9), us(5)))

    def test_what_is_simultaneous_keeps_its_order(self):
        high, low = amt.event(5, 1, 0, 72), amt.event(5, 1, 0, 48)

        assert [e(0), high, low] == amt.sort([high, low, e(0)])

    def test_times_count_to_the_first_separator(self):
        separator = Triple(55025, 55025, 55025)
        piece = [e(30), u(20), separator, e(5)]

        assert 20 == amt.min_time(piece)
        assert 30 == amt.max_time(piece)
        assert [e(33), u(23), separator, e(5)] == amt.translate(piece, 3)

    def test_nothing_has_no_time(self):
        assert (0, 0) == (amt.min_time([]), amt.max_time([]))

    def test_rests_are_an_instrument_to_the_published_code_only(self):
        played = [amt.event(0, 1, 128, 36), amt.as_control(amt.event(0, 1, 33, 40)), amt.rest(100)]

        assert {128: 1, 33: 1} == amt.instruments(played)
        assert {128: 1, 33: 1, 129: 1} == amt.instruments(played, rests=True)


class TestAnticipate:
    def test_controls_come_after_the_first_event_within_delta(self):
        woven, left = amt.anticipate(es(0, 100, 200), us(0, 500, 501, 600, 700))

        assert "u0 u500 e0 e100 u501 u600 e200" == shown(woven)
        assert "u700" == shown(left)

    def test_a_control_stands_among_simultaneous_events(self):
        assert "e0 e100 u600 e100 e100" == shown(amt.anticipate(es(0, 100, 100, 100), us(600))[0])

    def test_rests_let_a_control_in(self):
        woven, _ = amt.anticipate(amt.pad(es(100, 200, 500)), us(450), 200)

        assert "e100 e200 R300 u450 R400 e500" == shown(woven)

    @given(SONGS, CONTROLS, st.integers(0, 600))
    def test_nothing_is_lost(self, song, controls, delta):
        woven, left = amt.anticipate(amt.pad(song), controls, delta)

        assert amt.pad(song) == [t for t in woven if not t.is_control]
        assert controls == [*(t for t in woven if t.is_control), *left]

    @given(SONGS, CONTROLS, st.integers(0, 600))
    def test_where_a_control_stands_depends_on_the_past_only(self, song, controls, delta):
        """Each control comes at the first moment at which its onset is within delta: a stopping time."""
        woven, left = amt.anticipate(song, controls, delta)
        moments = [0, *(t.time for t in song)][: len(song)]
        expected = [next((i for i, now in enumerate(moments) if now >= s.onset - delta), None) for s in controls]
        found = [sum(not t.is_control for t in woven[:i]) for i, triple in enumerate(woven) if triple.is_control]

        assert expected == found + [None] * len(left)

    @given(SONGS, CONTROLS)
    def test_the_beginning_is_woven_the_same_whatever_follows(self, song, controls):
        whole, _ = amt.anticipate(song, controls)
        half, _ = amt.anticipate(song[: len(song) // 2], controls)

        assert half == whole[: len(half)]
