"""Offline composition: the same loop over a score."""

import pytest
from scripted import MACHINE, Echo

from composer.errors import UsageError
from composer.generators.base import Context, PartNote
from composer.live import offline
from composer.live.roles import turns
from composer.live.steps import question
from composer.music import Note, Part, Score, Span

BAR = 1920
SONG = Score((Part("Voice", tuple(Note(480 * n, 60 + n, 400) for n in range(8))), Part("Pad", (Note(0, 40, 3840),), 2)))


class Reporter:
    """Play one note a block whose pitch is how many of the player's notes are known."""

    grid, margin = 480, 40
    calls = ()

    def __init__(self, calls):
        self.calls = calls

    def propose(self, context, span):
        self.calls.append((span, context.known_until))
        known = sum(len(part.notes) for part in context.players)
        yield PartNote(context.machine[0], Note(span.start, known, 100))


@pytest.fixture
def reporter(monkeypatch):
    calls = []
    monkeypatch.setattr(offline, "_made", lambda name, params, seed, lead: (Reporter(calls), (Part("Machine"),)))
    monkeypatch.setattr(offline, "load", lambda name: type("G", (), {"Params": type(_NoParams())}))
    return calls


def _NoParams():
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Params:
        pass

    return Params()


def test_with_a_lead_a_block_knows_what_had_been_played_when_it_was_asked_for(reporter):
    score = offline.accompany(SONG, "reporter", players=("Voice",), lead=1)

    assert [0, 1, 2, 3, 4, 5, 6, 7] == [note.pitch for note in score.part("Machine").notes]


def test_a_lead_of_two_knows_one_block_less(reporter):
    score = offline.accompany(SONG, "reporter", players=("Voice",), lead=2)

    assert [0, 0, 1, 2, 3, 4, 5, 6] == [note.pitch for note in score.part("Machine").notes]


def test_offline_everything_is_known(reporter):
    score = offline.accompany(SONG, "reporter")

    assert [9] * 8 == [note.pitch for note in score.part("Machine").notes]
    assert SONG.parts == score.parts[:2]


def test_continuing_adds_whole_bars_after_the_last(reporter):
    score = offline.continue_score(SONG, "reporter", bars=2)

    assert list(range(2 * BAR, 4 * BAR, 480)) == [note.onset for note in score.part("Machine").notes]


def test_generating_begins_with_nothing(reporter):
    score = offline.generate("reporter", bars=2, meter=(3, 4), tempo=90.0)

    assert list(range(0, 2880, 480)) == [note.onset for note in score.part("Machine").notes]
    assert (90.0, 3) == (score.tempos[0].qpm, score.meters[0].numerator)


def test_a_key_moves_a_generator_that_knows_none(reporter):
    score = offline.generate("reporter", bars=1, key="D")

    assert [2, 2, 2, 2] == [note.pitch for note in score.part("Machine").notes]


def test_infilling_rewrites_the_bars_asked_for_and_nothing_else(reporter):
    score = offline.infill(SONG, "reporter", bars=(1, 2), parts=("Voice",))

    assert SONG.part("Voice").within(Span(0, BAR)) == score.part("Voice").within(Span(0, BAR))
    assert [1, 1, 1, 1] == [note.pitch for note in score.part("Voice").within(Span(BAR, 2 * BAR))]
    assert SONG.part("Pad") == score.part("Pad")


@pytest.mark.parametrize(("key", "expected"), [("C", (0, False)), ("F#m", (6, True)), ("Bb", (10, False))])
def test_keys(key, expected):
    assert expected == offline.parse_key(key)


def test_no_key_is_refused():
    with pytest.raises(UsageError, match="F#m"):
        offline.parse_key("H")


def test_a_question_knows_a_held_note_up_to_known_until_only():
    score = Score((Part("Player", (Note(0, 60, 100), Note(150, 62, 900), Note(210, 64, 20))), *MACHINE))
    known = question(Context(score, ("Machine",), 9_999), 240, 200, 240)

    assert (Note(0, 60, 100), Note(150, 62, 90)) == known.score.part("Player").notes


def test_a_note_released_at_the_moment_of_the_question_is_not_held():
    score = Score((Part("Player", (Note(0, 60, 240),)), *MACHINE))
    known = question(Context(score, ("Machine",), 9_999, "fill"), 255, 240, 240)

    assert (Note(0, 60, 239),) == known.score.part("Player").notes
    assert [Span(480, 960)] == turns(known, Span(240, 960))


def test_fill_enters_on_the_beat_after_half_a_beat_of_rest():
    context = Context(
        Score((Part("Player", (Note(0, 60, 500), Note(1920, 60, 100))), *MACHINE)), ("Machine",), 9_999, "fill"
    )

    assert [Span(960, 1920), Span(2400, 2880)] == turns(context, Span(0, 2880))


def test_continue_waits_a_bar_and_then_for_the_bar_line():
    context = Context(Score((Part("Player", (Note(0, 60, 500),)), *MACHINE)), ("Machine",), 9_999, "continue")

    assert [Span(3840, 5760)] == turns(context, Span(0, 5760))


def test_in_trade_the_player_has_the_first_four_bars():
    context = Context(Score(MACHINE), ("Machine",), 9_999, "trade")

    assert [Span(4 * BAR, 8 * BAR)] == turns(context, Span(0, 9 * BAR))


def test_notes_come_in_order_and_only_inside_the_span():
    context = Context(Score(MACHINE), ("Machine",), 960)
    onsets = [note.onset for _, note in offline.compose(Echo(), context, Span(0, 960), lead=1)]

    assert list(range(0, 960, 120)) == onsets
