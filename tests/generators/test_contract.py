"""What every registered generator promises, whatever its method."""

from dataclasses import replace
from itertools import islice, pairwise

import pytest

from composer.errors import ModelError, UsageError
from composer.folders import model_folder
from composer.generators import GENERATORS, load, make
from composer.generators.base import Context, parse_params
from composer.live.offline import compose
from composer.live.roles import turns
from composer.music import DRUM_CHANNEL, Meter, Note, Part, Score, Span

MELODY = tuple(Note(i * 240, pitch, 220, 80) for i, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72) * 4))
BARS = Span(7680, 15360)
"""Four bars after the four of MELODY."""


def context(notes=MELODY, *, meter=None, channel=2, machine=("Machine",), known_until=7680, role="accompany"):
    parts = (Part("Player", tuple(sorted(notes)), channel), *(Part(name) for name in machine))
    return Context(Score(parts, meters=(meter,) if meter else ()), machine, known_until, role)


@pytest.fixture(params=sorted(GENERATORS))
def info(request):
    info = GENERATORS[request.param]
    if info.weights and model_folder(info.weights) is None:
        pytest.skip(f"the weights of {info.name} are not there")
    try:
        load(info.name)
    except ModuleNotFoundError as error:
        pytest.skip(f"{info.name} needs {error.name}")
    return info


@pytest.fixture
def ask(info):
    """Return the notes a fresh generator proposes."""

    def ask(known, span=BARS, seed=1):
        return list(aligned(make(info.name, {}, seed), known, span))

    return ask


def aligned(generator, known, span):
    """Propose for the smallest span on the generator's grid that holds `span`."""
    grid = generator.grid
    return generator.propose(known, Span(span.start // grid * grid, -(-span.end // grid) * grid))


QUESTIONS = {
    "a scale": context(),
    "no part but the machine's": Context(Score((Part("Machine"),)), ("Machine",), 7680),
    "silence": context(()),
    "forty notes at once": context([Note(7200, 40 + i, 480) for i in range(40)]),
    "one note for a minute": context([Note(0, 60, 57600)]),
    "only drums": context([Note(i * 480, 36, 60) for i in range(16)], channel=DRUM_CHANNEL),
    "pitches at the edges": context([Note(i * 480, 127 * (i % 2), 400) for i in range(16)]),
    "seven eight": context(meter=Meter(0, 7, 8)),
    "five sixteen": context(meter=Meter(0, 5, 16)),
    "everything known": context([Note(i * 240, 60 + i % 12, 240) for i in range(100)], known_until=10**6),
    "two machine parts": context(machine=("Bass", "Piano")),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_notes_lie_in_the_span_in_order_in_named_parts(ask, info, question):
    known = QUESTIONS[question]
    grid = make(info.name).grid
    span = Span(BARS.start // grid * grid, -(-BARS.end // grid) * grid)
    notes = ask(known)

    assert [] == [n for n in notes if n.note.onset not in span]
    assert [] == [(a, b) for a, b in pairwise(notes) if a.note.onset > b.note.onset]
    assert {n.part for n in notes} <= set(known.machine)


@pytest.mark.parametrize("question", QUESTIONS)
def test_whatever_is_played_every_role_has_music_and_it_ends(ask, info, question):
    """Wherever the machine has a turn, something sounds within eight bars, and nothing for longer than that.

    An accompanist may wait for the first note of a player who is there.
    """
    span = Span(7680, 7680 + 8 * 1920)
    for role in info.roles:
        known = replace(QUESTIONS[question], role=role)
        notes = [entry.note for entry in ask(known, span)]
        waits = role == "accompany" and known.players and not any(part.notes for part in known.players)
        assert notes or waits or not turns(known, span), role
        assert max((note.duration for note in notes), default=0) <= span.length, role


@pytest.mark.parametrize("question", QUESTIONS)
def test_whatever_is_played_live_stops_nobody(info, question):
    """Asked again at every note, with nothing known beyond it, it neither fails nor plays outside its turn."""
    known, span = replace(QUESTIONS[question], known_until=0), Span(5760, 9600)
    notes = [entry.note for entry in compose(make(info.name, {}, 1), known, span, lead=1)]

    assert [] == [note for note in notes if note.onset not in span]
    assert [] == [(a, b) for a, b in pairwise(notes) if a.onset > b.onset]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_choice_that_is_offered_makes_music_of_anything(info, question):
    for name, spec in info_params(info).items():
        for option in spec.metadata.get("options", ()) if name != "key" else ("F#",):
            generator = make(info.name, {name: option}, 1)
            notes = list(aligned(generator, QUESTIONS[question], Span(7680, 9600)))
            assert {entry.part for entry in notes} <= set(QUESTIONS[question].machine), (name, option)


def info_params(info):
    return load(info.name).Params.__dataclass_fields__


def test_every_role_that_is_promised_is_played(ask, info):
    for role in info.roles:
        assert [] != ask(context(role=role)), role


def test_the_same_seed_gives_the_same_notes(ask):
    assert ask(context(), seed=5) == ask(context(), seed=5)


def test_asking_again_gives_the_same_notes(info):
    generator = make(info.name, {}, 3)
    first = list(generator.propose(context(), BARS))
    list(generator.propose(context(MELODY[:9], known_until=2400), BARS))

    assert first == list(generator.propose(context(), BARS))


def test_another_seed_gives_other_notes(ask):
    assert any(ask(context(), seed=1) != ask(context(), seed=seed) for seed in (2, 3, 4))


def test_a_negative_and_a_huge_seed_are_seeds(ask):
    assert [] != ask(context(), seed=-1)
    assert [] != ask(context(), seed=2**70)


def test_what_the_player_plays_matters(ask):
    up = [Note(n.onset, n.pitch + 6, n.duration) for n in MELODY]

    assert ask(context()) != ask(context(up))


def test_the_caller_may_stop_at_any_note(info):
    generator = make(info.name)
    whole = list(generator.propose(context(), BARS))
    for n in range(0, len(whole), 5):
        proposal = generator.propose(context(), BARS)
        assert whole[:n] == list(islice(proposal, n))
        proposal.close()
    assert whole == list(generator.propose(context(), BARS))


def test_an_empty_span_gives_nothing(info):
    assert [] == list(make(info.name).propose(context(), Span(7680, 7680)))


def test_the_context_is_left_alone(ask):
    known, same = context(), context()
    ask(known)

    assert same == known


def test_spans_asked_one_after_the_other_equal_one_span(info):
    generator = make(info.name, {}, 2)
    middle = 7680 + max(1920, generator.grid)
    first = list(generator.propose(context(), Span(7680, middle)))
    second = list(generator.propose(context().extended(first), Span(middle, BARS.end)))

    assert list(generator.propose(context(), BARS)) == first + second


def test_bad_parameters_are_refused(info):
    with pytest.raises(UsageError, match="no parameter 'nonsense'"):
        parse_params(load(info.name).Params, {"nonsense": "1"})


def test_no_generator_of_that_name_is_refused():
    with pytest.raises(UsageError, match="markov"):
        load("marko")


def test_numbers_out_of_range_are_refused(info):
    params = load(info.name).Params
    for name, spec in info_params(info).items():
        if spec.metadata.get("high") is not None:
            with pytest.raises(UsageError, match=name):
                parse_params(params, {name: str(spec.metadata["high"] + 1)})
            with pytest.raises(UsageError, match=name):
                parse_params(params, {name: "nan"})


@pytest.mark.parametrize("name", [info.name for info in GENERATORS.values() if info.weights])
def test_missing_weights_are_said_in_one_sentence(name, monkeypatch, tmp_path):
    monkeypatch.setattr("composer.folders.roots", lambda kind: [tmp_path])

    with pytest.raises(ModelError):
        list(make(name).propose(context(), BARS))
