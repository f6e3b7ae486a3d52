"""The published checkpoints as generators: who is told what, and whose notes come back."""

import json
import os
from collections import Counter
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from composer.errors import ModelError
from composer.generators import make
from composer.generators.amt import SMALL, Amt
from composer.generators.amt_sampling import DURATIONS, NOTES, TIMES
from composer.generators.amt_time import Bins
from composer.generators.base import Context
from composer.generators.controls import AmtParams
from composer.midi import files
from composer.music import DRUM_CHANNEL, Meter, Note, Part, Score, Span, Tempo
from composer.tokenizers import amt

MELODY = tuple(Note(i * 240, pitch, 220, 80) for i, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72) * 4))
BAR = Span(7680, 9600)


class Band:
    """Like times soon after the last event, and notes that depend on what was told; remember what was told."""

    def __init__(self, programs=(0, 33, 73, 128)):
        self.told = []
        self.programs = programs

    def __call__(self, tokens, rows):
        tokens = list(tokens)
        chance = np.random.default_rng([len(tokens), sum(tokens) % 99991])
        logits = chance.normal(0, 1, amt.VOCABULARY)
        body = tokens[1:]
        if len(body) % 3 == 0:
            self.told.append((tokens[0], amt.triples(body)))
            now = max((t.time for t in self.told[-1][1] if not t.is_control), default=0)
            logits[: amt.MAX_TIME] -= 0.3 * np.abs(np.arange(amt.MAX_TIME) - now - 8)
        elif len(body) % 3 == 1:
            logits[DURATIONS] -= 0.1 * np.arange(1000)
        else:
            for program in self.programs:
                logits[amt.NOTE_OFFSET + 128 * program + 40 : amt.NOTE_OFFSET + 128 * program + 80] += 8
        return logits.astype(np.float32)[rows]


def context(notes=MELODY, *, known_until=7680, role="accompany", program=73, channel=2, tempo=120.0, machine=None):
    parts = machine or SMALL.parts(AmtParams())
    player = Part("Player", tuple(sorted(notes)), channel, program)
    return Context(Score((player, *parts), (Tempo(0, tempo),)), tuple(p.name for p in parts), known_until, role)


def ask(known, span=BAR, seed=1, band=None, **params):
    return list(Amt(AmtParams(**params), seed, band or Band()).propose(known, span))


class TestContract:
    @pytest.mark.parametrize("role", ["accompany", "continue", "trade", "fill"])
    def test_notes_lie_in_the_span_in_order_in_the_machines_parts(self, role):
        notes = ask(context(role=role))

        assert [] != notes
        assert {"Piano", "Bass"} >= {n.part for n in notes}
        assert [] == [n for n in notes if n.note.onset not in BAR]
        assert [] == [(a, b) for a, b in pairwise(notes) if a.note.onset > b.note.onset]

    def test_the_same_seed_gives_the_same_notes_and_another_gives_others(self):
        assert ask(context(), seed=-5) == ask(context(), seed=-5)
        assert ask(context(), seed=2**70) != ask(context(), seed=3)

    def test_what_the_player_plays_matters(self):
        assert ask(context()) != ask(context([Note(n.onset, n.pitch + 6, n.duration) for n in MELODY]))

    def test_spans_asked_one_after_the_other_equal_one_span(self):
        first = ask(context(), Span(7680, 8640))
        second = ask(context().extended(first), Span(8640, 9600))

        assert ask(context()) == first + second

    def test_the_caller_may_stop_at_any_note(self):
        generator = Amt(AmtParams(), 1, Band())
        whole = list(generator.propose(context(), BAR))
        for n in range(len(whole)):
            assert whole[:n] == list(islice(generator.propose(context(), BAR), n))

    def test_it_is_as_loud_as_it_is_told(self):
        assert {33} == {n.note.velocity for n in ask(context(), velocity=33)}

    def test_chords_have_as_many_notes_as_they_are_told(self):
        class Still(Band):
            def __call__(self, tokens, rows):
                found = super().__call__(tokens, rows)
                return found - np.arange(len(found), dtype=np.float32) if len(tokens) % 3 == 1 else found

        chords = Counter(n.note.onset for n in ask(context(), band=Still(), chord=3))

        assert 3 == max(chords.values())

    def test_an_accompanist_waits_for_the_player(self):
        assert [] == ask(context(()))
        assert [] == ask(context([Note(9600, 60, 480)]))
        assert [] == ask(context([Note(19_200, 60, 480)], known_until=10**6))
        assert [] != ask(context((), role="continue"))

    def test_it_may_begin_with_the_bar_in_which_the_player_will_begin(self):
        notes = ask(context([Note(8640, 60, 480)], known_until=10**6))

        assert 7680 <= notes[0].note.onset < 8640

    def test_alone_it_begins_at_once(self):
        parts = SMALL.parts(AmtParams())

        assert [] != ask(Context(Score(parts), tuple(p.name for p in parts), 0), Span(0, 1920))


class TestTold:
    def told(self, known, span=BAR, **params):
        band = Band()
        ask(known, span, band=band, **params)
        return band.told

    def test_a_player_who_plays_now_is_part_of_the_past(self):
        kind, triples = self.told(context())[0]

        assert amt.AUTOREGRESS == kind
        assert [60, 62, 64, 65] == [t.pitch for t in triples[:4]]
        assert {73} == {t.instrument for t in triples if not t.is_rest}

    def test_what_is_imagined_of_him_is_thrown_away(self):
        known = context()
        band = Band(programs=(73,))
        notes = ask(known, band=band)

        assert 73 in {t.instrument for t in band.told[-1][1] if t.onset > 800}
        assert {"Piano", "Bass"} >= {n.part for n in notes}

    def test_one_whose_silence_is_known_is_not_imagined(self):
        told = self.told(context(known_until=9601))

        assert {73} == {t.instrument for t in told[-1][1] if t.onset <= 800 and not t.is_rest}
        assert {0, 33} >= {t.instrument for t in told[-1][1] if t.onset > 800 and not t.is_rest}

    def test_a_player_known_ahead_is_told_as_controls(self):
        known = context(known_until=10**6)
        kind, triples = self.told(known, Span(3840, 5760))[0]

        assert amt.ANTICIPATE == kind
        assert [] == [t for t in triples if not t.is_control and not t.is_rest]
        assert list(range(0, 801, 25)) == [t.onset for t in triples if t.is_control] + [800]

    def test_in_its_turn_it_goes_on_from_what_the_player_played(self):
        kind, triples = self.told(context(role="trade"))[0]

        assert amt.AUTOREGRESS == kind
        assert [n.pitch for n in MELODY] == [t.pitch for t in triples if not t.is_rest]

    def test_the_machines_notes_after_the_gap_are_told_as_controls(self):
        piano, bass = SMALL.parts(AmtParams())
        piano = piano.with_notes([Note(0, 48, 480), Note(9600, 50, 480)])
        kind, triples = self.told(context((), role="fill", machine=(piano, bass)))[0]

        assert amt.ANTICIPATE == kind
        assert [48, 50] == [t.pitch for t in triples if not t.is_rest]
        assert [False, True] == [t.is_control for t in triples if not t.is_rest]

    def test_a_player_of_the_machines_instrument_is_heard_as_a_relative(self):
        assert {1} == {t.instrument for t in self.told(context(program=0))[0][1] if not t.is_rest}
        assert {34} != {t.instrument for t in self.told(context(program=33))[0][1] if not t.is_rest} != {33}

    def test_drums_are_drums(self):
        known = context([Note(0, 36, 60)], channel=DRUM_CHANNEL, program=5)

        assert {128} == {t.instrument for t in self.told(known)[0][1] if not t.is_rest}

    def test_the_machine_may_be_drums(self):
        band = Band(programs=(128,))
        notes = ask(context(machine=SMALL.parts(AmtParams(band="drums"))), band=band)

        assert {"Drums"} == {n.part for n in notes}
        assert 128 in {t.instrument for t in band.told[-1][1]}

    def test_the_past_begins_with_the_bar_of_the_first_note(self):
        late = [Note(n.onset + 192_480, n.pitch, n.duration) for n in MELODY]
        known = context(late, known_until=200_160)
        _, triples = self.told(known, Span(200_160, 201_600))[0]

        assert [60, 62, 64] == [t.pitch for t in triples[:3]]

    def test_what_is_not_known_yet_is_not_told(self):
        """The player is known up to the end of the second bar, the block lies in the fifth."""
        _, triples = self.told(context(known_until=3840))[0]

        assert 16 == sum(not t.is_rest for t in triples)

    def test_the_longest_and_the_shortest_note(self):
        _, triples = self.told(context([Note(0, 60, 20_000), Note(960, 62, 1)]))[0]

        assert [(60, 999), (62, 1)] == [(t.pitch, t.length) for t in triples if not t.is_rest]

    def test_seconds_pass_as_the_tempo_says(self):
        _, triples = self.told(context(tempo=60.0))[0]

        assert [0, 50, 100] == [t.onset for t in triples[:3]]


class TestGuides:
    """A chart or a loop is known ahead, while the player is known up to the second 8."""

    def told(self, known=None, span=BAR, **params):
        band = Band()
        notes = ask(known or context(), span, band=band, **params)
        return notes, *band.told[0]

    def test_a_chart_is_told_five_seconds_ahead_beside_what_the_player_played(self):
        _, kind, triples = self.told(chords="C F")
        chart = [t for t in triples if t.is_control]

        assert amt.ANTICIPATE == kind
        assert {200 * i for i in range(7)} == {t.onset for t in chart}
        assert {48} == {t.instrument for t in chart}
        assert {0, 4, 7} == {t.pitch % 12 for t in chart if t.onset == 800}
        assert {5, 9, 0} == {t.pitch % 12 for t in chart if t.onset == 1000}
        assert [n.pitch for n in MELODY] == [t.pitch for t in triples if not t.is_control and not t.is_rest]

    def test_nobody_hears_a_chart_from_us(self):
        notes, *_ = self.told(chords="C F")

        assert {"Piano", "Bass"} >= {n.part for n in notes} != set()

    def test_the_chart_matters(self):
        assert ask(context(), chords="C F") != ask(context(), chords="C G")

    def test_with_a_chart_the_machine_begins_at_once(self):
        assert [] == ask(context(()), Span(0, 1920))
        assert [] != ask(context(()), Span(0, 1920), chords="C")

    def test_a_loop_goes_round_ahead_of_the_music(self, tmp_path):
        files.write(Score((Part("Drums", (Note(0, 36, 60),), DRUM_CHANNEL),)), tmp_path / "loop.mid")
        _, kind, triples = self.told(loop=str(tmp_path / "loop.mid"))

        assert amt.ANTICIPATE == kind
        assert [(200 * i, 128, 36) for i in range(7)] == [
            (t.onset, t.instrument, t.pitch) for t in triples if t.is_control
        ]

    def test_a_player_known_ahead_is_told_beside_the_chart(self):
        _, _, triples = self.told(context(known_until=10**6), Span(3840, 5760), chords="C")

        assert {48, 73} == {t.instrument for t in triples if not t.is_rest}
        assert [] == [t for t in triples if not t.is_control and not t.is_rest]


class TestUnknown:
    """The player is known up to the second 3, and the quarter from second 4 on is asked for."""

    PIANO, BASS = SMALL.parts(AmtParams())
    COMMITTED = (Note(6720, 48, 240), Note(7200, 50, 240))

    def told(self, **changes):
        machine = (self.PIANO.with_notes((Note(960, 47, 240), *self.COMMITTED)), self.BASS)
        band = Band()
        notes = ask(context(known_until=6240, machine=machine, **changes), Span(7680, 8160), band=band)
        return notes, band.told

    def test_the_player_is_imagined_among_what_the_machine_will_have_played(self):
        _, told = self.told()
        kind, triples = next((kind, found) for kind, found in told if found and found[-1].onset >= 790)
        gap = [t for t in triples if 650 <= t.onset < 800 and not t.is_rest]

        assert amt.AUTOREGRESS == kind
        assert [(48, 700), (50, 750)] == [(t.pitch, t.onset) for t in gap if t.instrument == 0]
        assert 73 in {t.instrument for t in gap}
        assert [t.onset for t in gap] == sorted(t.onset for t in gap)

    def test_nothing_that_was_imagined_is_played(self):
        notes, _ = self.told()

        assert [] != notes
        assert {"Piano", "Bass"} >= {n.part for n in notes}
        assert [] == [n for n in notes if not 7680 <= n.note.onset < 8160]

    def test_what_he_played_takes_the_place_of_what_was_imagined(self):
        band = Band()
        ask(context(), Span(7680, 8160), band=band)

        assert [675, 700, 725, 750, 775] == [t.onset for t in band.told[0][1] if 650 < t.onset < 800]

    def test_the_longest_gap_stays_silent_at_a_slow_tempo(self):
        _, told = self.told(tempo=10.0)

        assert {0, 73} == {t.instrument for t in told[0][1] if not t.is_rest}
        assert not [t for t in told[-1][1] if t.instrument == 73 and 7800 <= t.onset < 9600]

    def test_a_key_that_is_down_has_no_length_yet(self):
        band = Band()
        ask(context([Note(0, 60, 240), Note(7660, 62, 20)]), band=band)

        assert [(60, 25), (62, amt.UNKNOWN_DURATION)] == [
            (t.pitch, t.length) for t in band.told[0][1] if t.instrument == 73
        ]


class Silent(Band):
    """Draw nothing but rests."""

    def __call__(self, tokens, rows):
        found = super().__call__(tokens, rows)
        return np.where(np.arange(len(found)) == len(found) - 1, 1e3, found) if len(tokens) % 3 == 0 else found


class TestSilence:
    def questions(self, machine=None, **params):
        """Return how often the block was begun: each time with what was played before, and nothing else."""
        band = Silent()
        assert [] == ask(context(machine=machine), Span(7680, 8160), band=band, **params)
        return sum(found == band.told[0][1] for _, found in band.told)

    @pytest.mark.parametrize("insist", [0, 1, 3])
    def test_a_silent_quarter_is_drawn_anew_so_often(self, insist):
        assert insist + 1 == self.questions(insist=insist)

    def test_a_rest_of_less_than_a_bar_is_music(self):
        piano, bass = SMALL.parts(AmtParams())

        assert 1 == self.questions((piano.with_notes([Note(5000, 60, 800)]), bass))
        assert 3 == self.questions((piano.with_notes([Note(4000, 60, 800)]), bass))

    def test_anew_is_otherwise(self):
        band = Silent()
        ask(context(), Span(7680, 8160), band=band, insist=2)
        begun = [i for i, (_, found) in enumerate(band.told) if found == band.told[0][1]]
        firsts = [band.told[i + 1][1][-1] for i in begun if len(band.told) > i + 1]

        assert 1 < len({*firsts})


def test_music_as_if_transcribed_is_another_kind_of_sequence():
    band = Band()
    ask(context(), band=band, manner="transcribed")
    ahead = Band()
    ask(context(known_until=10**6), Span(3840, 4320), band=ahead, manner="transcribed")

    assert {55028} == {kind for kind, _ in band.told}
    assert {55029} == {kind for kind, _ in ahead.told}


@pytest.mark.parametrize("tempo", [5.0, 47.3, 400.0])
def test_any_tempo(tempo):
    notes = ask(context(tempo=tempo))

    assert [] == [n for n in notes if n.note.onset not in BAR]
    assert [] != notes


def test_a_hundred_instruments_and_a_crowd():
    parts = [Part(f"p{i}", (Note(7200, i, 480),), 0, i) for i in range(100)]
    machine = SMALL.parts(AmtParams(band="strings"))
    known = Context(Score((*parts, *machine)), ("Strings",), 7680)

    assert {"Strings"} == {n.part for n in ask(known, band=Band(programs=(48,)))}


def test_a_long_session_is_asked_no_more_than_a_short_one():
    long = [Note(i * 120, 48 + i % 24, 120) for i in range(20_000)]
    band = Band()
    ask(context(long, known_until=2_400_000), Span(2_400_000, 2_400_480), band=band)

    assert 1021 >= max(3 * len(triples) + 1 for _, triples in band.told)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(12.5, 400), min_size=1, max_size=3), st.integers(0, 2000), st.integers(0, 10**5))
def test_a_bin_comes_back_from_its_tick(tempos, bin, now):
    score = Score((), tuple(Tempo(i * 960, qpm) for i, qpm in enumerate(tempos)))
    bins = Bins(score, 480, now, 5000)

    assert bin == bins.bin(bins.tick(bin))


@given(st.floats(4, 400), st.integers(0, 10**5))
@example(4.0, 1001)
def test_the_first_bin_of_a_tick_does_not_come_before_it(qpm, tick):
    bins = Bins(Score((), (Tempo(0, qpm),), (Meter(0),)), 0, tick, 5000)
    first = bins.first(tick)

    assert bins.tick(first) >= tick
    assert first == 0 or bins.tick(first - 1) < tick


def test_two_pages_are_remembered():
    """At 120 quarters a minute 960 ticks a second pass; ten minutes in, nine minutes and ten seconds are forgotten."""
    bins = Bins(Score(), 0, 600 * 960, 5000)

    assert 10_000 == bins.bin(600 * 960)
    assert -50_000 == bins.bin(0)


class TestCheckpoint:
    def test_a_missing_one_says_where_to_get_it(self, monkeypatch, tmp_path):
        monkeypatch.setattr("composer.folders.roots", lambda kind: [tmp_path])

        with pytest.raises(ModelError, match=r"'amt-large' is not here.*models convert"):
            make("amt-large")

    def test_a_converted_one_plays(self, monkeypatch, tmp_path):
        """Random weights draw times at random, mostly beyond the block, so many long ones are asked."""
        reference = pytest.importorskip("transformers")
        pytest.importorskip("torch")
        from composer.neural.gpt2_export import convert

        config = reference.GPT2Config(
            n_layer=1, n_head=1, n_embd=8, vocab_size=amt.VOCABULARY, bos_token_id=None, eos_token_id=None
        )
        reference.GPT2LMHeadModel(config).save_pretrained(tmp_path / "source")
        convert(tmp_path / "source", tmp_path / "amt-small", (TIMES, DURATIONS, NOTES))
        monkeypatch.setenv("COMPOSER_MODELS", str(tmp_path))
        generator = make("amt-small", {"band": "piano"}, 1)
        known = context(machine=SMALL.parts(AmtParams(band="piano")), tempo=5.0)
        notes = list(generator.propose(known, Span(7680, 7680 + 480 * 20)))

        assert [] != notes
        assert {"Piano"} == {n.part for n in notes}

    def test_one_is_found_by_its_name_on_the_hub(self, checkpoint, monkeypatch):
        monkeypatch.setenv("COMPOSER_MODELS", str(checkpoint.parent))

        assert "amt-large" == make("amt-large", {"model": "stanford-crfm/amt-small"}).name

    def test_one_of_two_more_tokens_plays_as_scores_sound_and_as_recordings(self, tmp_path):
        from composer.neural.shapes import make_published

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("composer.neural.shapes.PUBLISHED_VOCABULARY", 55_030)
            make_published(tmp_path, 1, 1, 8)
        for manner, first in (("written", 55026), ("transcribed", 55028)):
            generator = make("amt-large", {"model": str(tmp_path), "manner": manner, "insist": "0"})
            list(generator.propose(context(), BAR))

            assert first == generator._model._now._tokens[0]

    def test_one_that_knows_no_transcriptions_is_refused_for_them(self, checkpoint):
        with pytest.raises(ModelError, match="55028 tokens where 55030"):
            make("amt-small", {"model": str(checkpoint), "manner": "transcribed"})

    @pytest.mark.parametrize(
        ("band", "lead", "reached", "said"),
        [
            ("bass", 1, 29.0, "amt-small decodes 29 tokens a second here, and 2 parts take about 30"),
            ("bass", 2, 59.0, "59 tokens a second here, and 2 parts take about 60"),
            ("piano+bass+drums", 2, 119.0, "119 tokens a second here, and 4 parts take about 120"),
            ("piano+bass+drums", -4, 59.0, "59 tokens a second here, and 4 parts take about 60"),
            ("bass", 1, 30.0, ""),
            ("bass", 2, 60.0, ""),
        ],
    )
    def test_a_machine_that_is_too_slow_is_said_before_it_plays(
        self, checkpoint, monkeypatch, band, lead, reached, said
    ):
        """What the player plays until his notes count is drawn as well, only to be thrown away."""
        generator = make("amt-small", {"model": str(checkpoint), "band": band, "lead": str(lead)})
        monkeypatch.setattr(type(generator._model), "tokens_per_second", lambda decoder, rows: reached)

        assert said in generator.notice()
        assert bool(said) == ("choose anticipation or markov" in generator.notice())

    @pytest.mark.parametrize(("reached", "helps"), [(59.0, False), (60.0, True)])
    def test_a_smaller_band_is_named_only_where_one_is_small_enough(self, checkpoint, monkeypatch, reached, helps):
        generator = make("amt-small", {"model": str(checkpoint), "band": "piano+bass"})
        monkeypatch.setattr(type(generator._model), "tokens_per_second", lambda decoder, rows: reached)

        assert helps == ("set a band of one part" in generator.notice())

    def test_one_of_another_vocabulary_is_refused(self, tmp_path, monkeypatch):
        class Other:
            def __init__(self, folder):
                self.embedding = np.zeros((34025, 2))

        monkeypatch.setattr("composer.generators.amt.Decoder", Other)
        (tmp_path / "config.json").write_text(json.dumps({}))

        with pytest.raises(ModelError, match="34025 tokens where"):
            make("amt-small", {"model": os.fspath(tmp_path)})


class TestReadAhead:
    """A minute of live questions: each quarter is asked for when the one before it begins."""

    def played(self, checkpoint, chords, *, ahead, bars=20):
        generator = make("amt-small", {"model": str(checkpoint), "band": "piano", "chords": chords}, 3)
        known = context((), machine=SMALL.parts(AmtParams(band="piano")))
        tune = [Note(i * 60, 50 + i * 7 % 30, 50) for i in range(bars * 32)]
        read, answers = [], []
        advance = type(generator._model).append
        for start in range(0, bars * 1920, 480):
            score = known.score.with_part(Part("Player", tuple(n for n in tune if n.onset < start), 2, 73))
            known = Context(score, known.machine, start)
            read.append(0)

            def append(decoder, tokens):
                read[-1] += len(tokens)
                advance(decoder, tokens)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(type(generator._model), "append", append)
                notes = list(generator.propose(known, Span(start + 480, start + 960)))
            answers.append(notes)
            known = known.extended(notes)
            if ahead:
                list(generator.prepare())
        return answers, read

    @pytest.mark.parametrize("chords", ["", "C F"])
    def test_the_window_moves_without_a_question_waiting_for_it(self, checkpoint, chords):
        with_, read = self.played(checkpoint, chords, ahead=True)
        without, read_without = self.played(checkpoint, chords, ahead=False)

        assert with_ == without
        assert max(read_without) > 700
        assert max(read) < 350
