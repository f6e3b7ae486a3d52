"""Drawing events: the published sampler's steps on a stub, and what it gets wrong done right."""

from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.generators import amt_sampling
from composer.generators.amt_sampling import Gap, Settings, draw, generate, generate_ar, reference
from composer.tokenizers import amt


def e(time, pitch=60, instrument=0):
    return amt.event(time, 10, instrument, pitch)


def es(*times):
    return [e(time) for time in times]


def us(*times):
    return [amt.as_control(e(time)) for time in times]


def times(sequence):
    return [t.onset for t in sequence]


def rng():
    return np.random.default_rng(0)


def one(token, rows):
    """Return logits that want one token, and its neighbours where that is forbidden, the lower ones first."""
    away = np.arange(amt.VOCABULARY) - token
    return np.where(away > 0, -31.0 * away, 30.0 * away).astype(np.float32)[rows]


class Stub:
    """Play a note half a second after the latest event or rest that it is shown; remember what it was shown."""

    def __init__(self, step=50, note=11060):
        self.step, self.note, self.shown = step, note, []

    def __call__(self, tokens, rows):
        tokens = list(tokens)
        self.shown.append(tokens)
        body = tokens[1:]
        if len(body) % 3 == 0:
            before = [t.time for t in amt.triples(body) if not t.is_control]
            return one(max(before) + self.step if before else 0, rows)
        return one(10010 if len(body) % 3 == 1 else self.note, rows)


class Chance:
    """Give logits that depend on the tokens shown, and on a seed."""

    def __init__(self, seed=0):
        self.seed, self.shown = seed, []

    def __call__(self, tokens, rows):
        self.shown.append(list(tokens))
        chance = np.random.default_rng([self.seed, *(t % 7919 for t in tokens[-40:])])
        return chance.normal(0, 3, amt.VOCABULARY).astype(np.float32)[rows]


class TestGolden:
    @pytest.mark.parametrize("how", [reference(1e-6), Settings(top_p=1e-6)])
    def test_as_the_published_sampler(self, how):
        stub = Stub()
        controls = us(0, 4, 120, 560, 701) if how.reference else us(120, 560, 701)
        found = generate(stub, 100, 300, es(0, 80, 250, 900), controls, rng=rng(), settings=how)
        last = next(tokens for tokens in reversed(stub.shown) if len(tokens) % 3 == 1)

        assert [0, 80, 130, 180, 230, 250, 280, 900] == times(found)
        assert 55027 == last[0]
        assert [
            *us(120, 250),
            *es(0, 80),
            *us(560),
            *(amt.event(t, 10, 0, 60) for t in (130, 180, 230)),
            *us(701),
            e(280),
        ] == amt.triples(last[1:])

    def test_a_control_is_told_just_within_delta(self):
        stub = Stub()
        generate(stub, 100, 150, es(0, 80), us(580, 581), rng=rng())

        assert us(580) == [t for t in amt.triples(stub.shown[0][1:]) if t.is_control]

    @pytest.mark.parametrize(
        ("slot", "how", "drawn"),
        [
            (0, reference(0.1), []),
            (1, reference(0.1), [(60, 27512, 11060)]),
            (2, reference(0.1), [(60, 10010, 27512)]),
            (0, Settings(top_p=0.1), [(9999, 10010, 11060)]),
            (1, Settings(top_p=0.1), [(60, 10999, 11060)]),
            (2, Settings(top_p=0.1), [(60, 10010, 27512)]),
        ],
    )
    def test_the_published_code_leaves_rests_open_for_times_and_durations(self, slot, how, drawn):
        """As a time one ends the piece, as a duration it is none."""

        def want_rest(tokens, rows):
            place = (len(tokens) - 1) % 3
            return one(amt.REST if place == slot else (60, 10010, 11060)[place], rows)

        assert drawn == list(islice(draw(want_rest, 10, 20_000, es(0), [], rng=rng(), settings=how), 1))

    def test_the_published_code_shows_the_last_339_triples(self):
        stub = Stub()
        generate(stub, 400, 450, es(*range(400)), rng=rng(), settings=reference(0.1))

        whole = [tokens for tokens in stub.shown if len(tokens) % 3 == 1]
        assert [1 + 3 * 339] * 2 == [len(tokens) for tokens in whole]
        assert [*range(339)] == times(amt.triples(whole[0]))

    def test_without_controls_the_sequence_says_so(self):
        stub = Stub()
        generate(stub, 0, 100, rng=rng())

        assert {55026} == {tokens[0] for tokens in stub.shown}

    def test_with_controls_it_says_so_to_the_end(self):
        stub = Stub()
        generate(stub, 0, 200, es(0), us(100), rng=rng())

        assert {55027} == {tokens[0] for tokens in stub.shown}

    def test_the_last_event_is_drawn_in_vain(self):
        stub = Stub()
        generate(stub, 0, 100, rng=rng())

        assert 3 * 3 == len(stub.shown)

    def test_the_published_code_tells_the_past_at_five_seconds_whatever_delta(self):
        stub = Stub()
        generate(stub, 0, 40, es(0), us(450), rng=rng(), settings=Settings(delta=100, reference=True))
        right = Stub()
        generate(right, 0, 40, es(0), us(450), rng=rng(), settings=Settings(delta=100))

        assert us(450) == [t for t in amt.triples(stub.shown[0][1:]) if t.is_control]
        assert [] == [t for t in amt.triples(right.shown[0][1:]) if t.is_control]

    def test_the_published_code_loses_the_first_50_ms_of_the_controls(self):
        stub, right = Stub(), Stub()
        generate(stub, 0, 40, es(0), us(4, 5), rng=rng(), settings=reference(0.1))
        generate(right, 0, 40, es(0), us(4, 5), rng=rng())

        assert "5" == ",".join(str(t.onset) for t in amt.triples(stub.shown[0][1:]) if t.is_control)
        assert "4,5" == ",".join(str(t.onset) for t in amt.triples(right.shown[0][1:]) if t.is_control)

    def test_controls_only(self):
        """The published code plays nothing before the first control, because times count from it."""
        stub = Stub()

        assert [300, 350] == times(generate(stub, 0, 351, [], us(300), rng=rng(), settings=reference(0.1)))
        assert [50, 100] == times(generate(stub, 0, 101, [], us(300), rng=rng()))

    def test_controls_that_fill_the_window(self):
        """Here as well: four hundred are told at once, and time goes on before them."""
        crowd = [amt.as_control(e(600, i % 128, i // 128)) for i in range(400)]

        assert [100, 100, 150] == times(generate(Stub(), 100, 151, es(100), crowd, rng=rng()))


class TestGap:
    """What the past lacks up to the beginning: some of it is certain, the rest is imagined."""

    def shown(self, stub, start, *given, instruments=(0,)):
        gap = Gap(10, tuple(given), frozenset(instruments))
        list(draw(stub, start, start + 1, es(0), [], rng=rng(), settings=Settings(top_p=0.5), gap=gap))
        return amt.triples(next(tokens for tokens in reversed(stub.shown) if len(tokens) % 3 == 1)[1:])

    def test_silence_between_what_is_certain_is_padded_up_to_the_beginning(self):
        shown = self.shown(Stub(step=1000), 500, e(350))

        assert [0, 100, 200, 300, 350, 450] == times(shown)
        assert [False, True, True, True, False, True] == [t.is_rest for t in shown]

    def test_what_is_certain_comes_before_what_is_imagined_at_or_after_it(self):
        shown = self.shown(Stub(), 160, e(60, 72), e(100, 74))

        assert [(0, 60), (50, 60), (60, 72), (100, 74), (100, 60), (150, 60)] == [(t.onset, t.pitch) for t in shown]

    def test_only_others_are_imagined_and_what_is_drawn_then_is_free(self):
        shown = self.shown(Stub(), 120, instruments=(5,))

        assert [0, 5, 5] == [t.instrument for t in shown]

    def test_nothing_of_it_is_yielded(self):
        gap = Gap(10, (e(60, 72),), frozenset({0}))
        found = list(draw(Stub(), 160, 300, es(0), [], rng=rng(), settings=Settings(), gap=gap))

        assert [200, 250] == times(found)


class TestAutoregressive:
    def test_what_is_known_ahead_comes_before_the_event_that_passes_it(self):
        stub = Stub()
        found = generate_ar(stub, 100, 300, es(0, 80, 240, 900), [amt.as_control(e(130, 72))], rng=rng())

        assert [0, 80, 130, 130, 180, 230, 240, 280, 900] == times(found)
        assert [72, 60] == [t.pitch for t in found if t.time == 130]
        assert {55026} == {tokens[0] for tokens in stub.shown}

    def test_the_published_code_doubles_what_it_puts_in(self):
        found = generate_ar(Stub(), 100, 300, es(0, 80, 240, 900), us(150), rng=rng(), settings=reference(0.1))

        assert [0, 80, 130, 150, 150, 180, 230, 240, 240, 280, 900] == times(found)


class TestMasks:
    def test_instruments_that_were_not_asked_for_are_silent(self):
        how = Settings(top_p=1.0, instruments=frozenset({33, 128}))
        found = generate(Chance(), 0, 8000, [], rng=rng(), settings=how)

        assert {33, 128} == {t.instrument for t in found}

    def test_only_those_are_asked_for(self):
        asked = []

        class Asked(Stub):
            def __call__(self, tokens, rows):
                asked.append(rows)
                return super().__call__(tokens, rows)

        generate(Asked(), 0, 100, [], rng=rng(), settings=Settings(instruments=frozenset({33, 0, 500})))
        notes = np.r_[11000:11128, 11000 + 33 * 128 : 11128 + 33 * 128, amt.REST]

        assert [amt_sampling.TIMES, amt_sampling.DURATIONS] == asked[:2]
        assert notes.tolist() == asked[2].tolist()

    def test_nobody_may_rest(self):
        found = list(draw(Chance(), 0, 8000, [], [], rng=rng(), settings=Settings(instruments=frozenset())))

        assert found
        assert all(t.is_rest for t in found)

    def test_no_sixteenth_instrument_enters(self):
        told = [amt.as_control(e(9000, 60, i)) for i in range(100, 105)]
        found = []
        for program in range(20):
            found = generate(Stub(note=amt.event(0, 0, program, 60).note), 0, 50 * program + 1, found, told, rng=rng())

        assert 15 == len({t.instrument for t in [*found, *told]})

    def test_those_asked_for_may_play_however_many_have_played(self):
        past = [e(i, 60, i) for i in range(60, 100)]
        how = Settings(instruments=frozenset({33}))

        assert 33 in {
            t.instrument for t in generate(Stub(note=11000 + 128 * 33), 100, 300, past, rng=rng(), settings=how)
        }

    def test_rests_are_no_instrument_except_to_the_published_code(self):
        past = [e(250, 60, i) for i in range(14)]
        new = Stub(note=11000 + 128 * 40)
        right = generate(new, 251, 350, past, rng=rng())

        assert 40 in {t.instrument for t in right}
        assert 40 not in {t.instrument for t in generate(new, 251, 350, past, rng=rng(), settings=reference(0.5))}

    def test_a_note_that_is_there_is_not_played_again(self):
        still = Stub(step=0)
        found = generate(still, 0, 50, es(0), us(0), rng=rng(), settings=Settings(top_p=0.5))

        assert len(found) == len({(t.time, t.note) for t in found})
        assert 1 == sum(t.note == 11060 and t.time == 0 for t in found)

    def test_so_many_notes_at_once_and_no_more(self):
        still = Stub(step=0)
        found = generate(still, 0, 5, rng=rng(), settings=Settings(most_at_once=3))

        assert [0, 0, 0, 1, 1, 1, 2] == times(found)[:7]

    def test_controls_do_not_count_as_notes_at_once(self):
        found = generate(Stub(step=0), 0, 1, es(0), us(0, 0, 0, 0), rng=rng(), settings=Settings(most_at_once=3))

        assert [0, 0, 0] == times(found)

    def test_so_many_events_and_no_more(self):
        still = Stub(step=0)

        assert 20 == len(
            list(draw(still, 0, 10, [], [], rng=rng(), settings=Settings(most_events=20, most_at_once=99)))
        )

    def test_a_rest_is_drawn_as_a_note_only(self):
        def only_rests(tokens, rows):
            logits = np.zeros(amt.VOCABULARY, np.float32)
            logits[amt.REST] = 100.0
            return logits[rows]

        assert [] == generate(only_rests, 0, 100_000, rng=rng(), settings=Settings(most_events=30))

        drawn = list(draw(only_rests, 0, 10**6, [], [], rng=rng(), settings=Settings(most_events=30)))
        assert [True] * 30 == [t.is_rest and t.time < 10**6 for t in drawn]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 128), st.integers(0, 127)), max_size=60),
    st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 128), st.integers(0, 127)), max_size=20),
    st.integers(0, 30_000),
    st.integers(0, 50),
)
def test_anything_is_continued_in_order_within_the_window(past, told, start, seed):
    """Every sequence shown is legal, starts at 0, spans less than 100 s and fits a model; every event is in time."""
    model = Chance(seed)
    inputs = sorted(e(*n[:1], n[2], n[1]) for n in past if n[0] <= start)
    controls = [amt.as_control(e(t, p, i)) for t, i, p in told]
    how = Settings(top_p=1.0, most_events=8)
    new = list(draw(model, start, start + 500, inputs, controls, rng=rng(), settings=how))

    assert all(start <= t.time < start + 500 for t in new)
    assert all(a.time <= b.time for a, b in pairwise(new))
    for tokens in model.shown:
        whole = amt.triples(tokens[1 : 1 + len(tokens[1:]) // 3 * 3])
        assert len(tokens) < 1024
        assert 0 == amt.min_time(whole)
        assert amt.max_time(whole) < 10_000


TIMES = st.integers(0, 3000)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=10),
    st.lists(st.integers(5, 1500), min_size=1, max_size=20),
    st.integers(1, 150),
)
def test_a_control_is_told_at_the_first_moment_within_reach(past, told, step):
    """A stopping time: what is shown last is what weaving all events at once gives, the next event still unknown."""
    model = Stub(step)
    inputs, controls = es(*sorted(past)), us(*sorted(told))
    start = inputs[-1].time
    new = list(
        draw(model, start, start + 10_000, inputs, controls, rng=rng(), settings=Settings(top_p=0.5, most_events=6))
    )
    woven, _ = amt.anticipate([*amt.pad(inputs, start), *new[:-1], e(0)], controls)
    shown = amt.triples(next(tokens for tokens in reversed(model.shown) if len(tokens) % 3 == 1)[1:])

    assert woven[:-1] == amt.translate(shown, amt.min_time(woven[:-1]))


@settings(max_examples=12, deadline=None)
@given(st.lists(TIMES, max_size=30), st.lists(st.integers(0, 8000), max_size=20), TIMES, st.integers(0, 50))
def test_the_published_sampler_goes_on_in_order_too(past, told, start, seed):
    how = reference(1.0)
    inputs = es(*sorted(time for time in past if time <= start))
    new = list(draw(Chance(seed), start, start + 9000, inputs, us(*told), rng=rng(), settings=how))
    now = [*(t.time for t in amt.pad(inputs, start)), *(t.time for t in new)]

    assert all(start <= t.time < start + 9000 for t in new)
    assert now == sorted(now)


def test_a_long_song_moves_its_window_in_hops():
    """From one event to the next the beginning of what is shown mostly stays, so that a decoder can keep it."""
    model = Stub(step=5)
    generate(model, 5000, 6000, es(*range(0, 5000, 10)), rng=rng(), settings=Settings(most_events=200))
    firsts = [tokens[1:] for tokens in model.shown if len(tokens) % 3 == 1]
    moved = [a != b[: len(a)] for a, b in pairwise(firsts)]

    assert 3 == sum(moved)
    assert min(len(tokens) for tokens in firsts) > 3 * 250
