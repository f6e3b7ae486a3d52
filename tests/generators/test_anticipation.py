"""The transformer as a generator, on a tiny model of random weights: what it hears, and when."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from composer.errors import ModelError  # noqa: E402
from composer.generators import blockstream  # noqa: E402
from composer.generators.anticipation import Anticipation, AnticipationParams  # noqa: E402
from composer.generators.base import Context  # noqa: E402
from composer.generators.blockstream import BlockStream, _Group  # noqa: E402
from composer.generators.shaping import Sampling  # noqa: E402
from composer.music import Meter, Note, Part, Score, Span  # noqa: E402
from composer.neural.bench import make_random  # noqa: E402
from composer.neural.runtime import Decoder  # noqa: E402
from composer.tokenizers import blocks as B  # noqa: E402

TUNE = tuple(Note(480 * i, 60 + p, 400) for i, p in enumerate((0, 4, 7, 12, 7, 4, 0, 2, 5, 9, 5, 2)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make a tiny model of the block vocabulary."""
    from composer.neural.checkpoint import save_model
    from composer.neural.export import export
    from composer.neural.model import Anticipator
    from composer.training import loop

    torch.manual_seed(3)
    out = tmp_path_factory.mktemp("model")
    model = Anticipator(loop.config(loop.Run(n_layer=2, n_embd=32, n_head=2)))
    for name, weight in model.named_parameters():
        if name.split(".")[0] in ("machine", "player", "pitch", "chord") and weight.ndim == 2:
            torch.nn.init.normal_(weight, std=0.3)
    with torch.no_grad():
        model.machine.bias[0] = 3.0  # blocks of a few notes
    save_model(out, model)
    export(out)
    return out


def make(folder, seed=0, context=1024, **params):
    params = AnticipationParams(**{"wait": 0, **params})
    return Anticipation(params, seed, decoder=Decoder(folder, context=context, threads=1))


FOUR_FOUR = (Meter(0),)


def context_of(generator, tune=TUNE, known=10**6, meters=FOUR_FOUR, role="accompany"):
    parts = generator.parts(generator.params)
    score = Score((Part("Melody", tune), *parts), meters=meters)
    return Context(score, tuple(p.name for p in parts), known, role)


def play(generator, context, blocks, known=None):
    """Ask block by block, the machine's answers added to the context; return them."""
    out = []
    for block in range(*blocks):
        if known is not None:
            context = replace(context, known_until=known(block))
        answer = list(generator.propose(context, Span(block * 240, (block + 1) * 240)))
        context = context.extended(answer)
        out += answer
    return out, context


def test_one_question_or_many_give_the_same_notes(folder):
    whole = make(folder, key="C")
    at_once = list(whole.propose(context_of(whole), Span(0, 4800)))
    parts = make(folder, key="C")

    assert at_once == play(parts, context_of(parts), (0, 20))[0]
    assert at_once


def test_a_warm_and_a_cold_generator_agree(folder):
    """Nothing depends on what was asked before: the cache saves time only."""
    warm = make(folder)
    _, context = play(warm, context_of(warm), (0, 20))
    list(warm.propose(replace(context, known_until=2400), Span(2400, 9600)))  # a plan that is given up
    span = Span(4800, 6000)

    assert list(make(folder).propose(context, span)) == list(warm.propose(context, span))


def test_what_is_not_yet_heard_changes_nothing(folder):
    """At lead 1 a block is answered from what was heard when the one before it ended."""
    a, b = make(folder), make(folder)
    known = 6 * 240
    other = (*(n for n in TUNE if n.onset < known - B.MARGIN), Note(known, 99, 50))
    span = Span(known, known + 240)

    assert list(a.propose(context_of(a, TUNE, known), span)) == list(b.propose(context_of(b, other, known), span))


def test_what_was_heard_changes_the_answer(folder):
    a, b = make(folder, temperature=1.0), make(folder, temperature=1.0)
    other = tuple(replace(n, pitch=n.pitch + 1, velocity=30) for n in TUNE)

    assert play(a, context_of(a), (0, 24))[0] != play(b, context_of(b, other), (0, 24))[0]


def test_a_player_still_holding_a_key_is_the_same_as_one_who_holds_it_longer(folder):
    """The duration of a held key is not known, so it cannot matter."""
    a, b = make(folder), make(folder)
    short = (Note(0, 60, 960),)
    long = (Note(0, 60, 4800),)
    span = Span(240, 480)

    assert list(a.propose(context_of(a, short, 240), span)) == list(b.propose(context_of(b, long, 240), span))


def test_an_accompanist_waits_for_the_player(folder):
    generator = make(folder)

    assert [] == list(generator.propose(context_of(generator, ()), Span(0, 1920)))


def test_an_accompanist_listens_for_a_bar_before_it_joins_in(folder):
    for bars in (0, 1, 2):
        generator = make(folder, wait=bars, density=2.0)
        notes, _ = play(generator, context_of(generator), (0, 24))

        assert bars == notes[0].note.onset // 1920


def test_alone_it_begins_by_itself(folder):
    generator = make(folder)
    context = Context(Score(generator.parts(generator.params)), ("Piano",), 0, "continue")

    assert list(generator.propose(context, Span(0, 3840)))


def test_taking_over_it_reads_the_player_as_itself(folder):
    generator = make(folder)
    context = context_of(generator, role="continue")
    answer = list(generator.propose(context, Span(5760, 7680)))

    assert {"Piano"} == {n.part for n in answer}


@pytest.mark.parametrize(("key", "first", "begins"), [("auto", 48, 26), ("auto", 20, 20), ("C", 48, 0)])
def test_a_key_that_is_followed_is_read_from_two_bars_before_it(folder, key, first, begins, monkeypatch):
    """The tune moves by a tritone at block 32; from block 42 on that is what is heard throughout."""
    tune = (60, 64, 67, 64, 65, 69, 67, 65, 64, 62, 59, 62, 67, 65, 62, 60)
    there = [*tune * 2, *(pitch + 6 for pitch in tune)]
    generator = make(folder, key=key)
    origins = []
    begin = BlockStream.begin
    monkeypatch.setattr(BlockStream, "begin", lambda *args: origins.append(args[2]) or begin(*args))
    context = context_of(generator, [Note(240 * i, pitch, 220) for i, pitch in enumerate(there)], 48 * 240)
    list(generator.propose(context, Span(first * 240, 49 * 240)))

    assert [begins] == origins


def test_a_long_evening_slides_through_the_window(folder):
    """The window is 256 steps here; more than that pass through it and every note stays legal."""
    generator = make(folder, context=256)
    tune = tuple(Note(240 * i, 60 + i % 5, 200) for i in range(240))
    notes, _ = play(generator, context_of(generator, tune), (0, 240), known=lambda block: block * 240)

    assert generator._stream.decoder.forgotten > 256
    assert notes[-1].note.onset > 220 * 240


def test_what_has_left_the_window_is_not_read_again(folder):
    """A tune of 200 blocks fills a window of 256 steps several times, and each question reads what is new to it."""
    generator = make(folder, context=256, key="C")
    tune = tuple(Note(240 * i, 60 + i % 5, 200) for i in range(200))
    decoder, read = generator._stream.decoder, []
    append = decoder.append
    decoder.append = lambda rows, *rest: read.append(len(rows)) or append(rows, *rest)
    _, context = play(generator, context_of(generator, tune), (0, 160), known=lambda block: block * 240)
    assert decoder.forgotten > 0
    read.clear()
    play(generator, context, (160, 200), known=lambda block: block * 240)

    assert sum(read) < 40 * 8


def test_what_was_asked_before_the_window_is_read_anew(folder):
    """A question about bars that have left the window, as after a jump, has the answer of a new generator."""
    generator = make(folder, context=256, key="C")
    tune = tuple(Note(240 * i, 60 + i % 5, 200) for i in range(200))
    _, context = play(generator, context_of(generator, tune), (0, 160), known=lambda block: block * 240)
    earlier = replace(context, known_until=40 * 240)
    span = Span(40 * 240, 44 * 240)
    assert generator._stream.first > 44

    assert list(make(folder, context=256, key="C").propose(earlier, span)) == list(generator.propose(earlier, span))


def test_a_plan_beyond_what_is_known_imagines_the_player_and_forgets_him(folder):
    generator = make(folder)
    context = context_of(generator, known=1200)
    plan = list(generator.propose(context, Span(1200, 3600)))
    again = list(generator.propose(replace(context, known_until=1440), Span(1440, 3600)))

    assert {"Piano"} >= {n.part for n in (*plan, *again)}


@pytest.mark.parametrize("meter", [Meter(0, 3, 4), Meter(0, 7, 8), Meter(0, 5, 16), Meter(0, 21, 8)])
def test_any_meter(folder, meter):
    generator = make(folder)
    notes = list(generator.propose(context_of(generator, meters=(meter,)), Span(0, 4800)))

    assert all(n.note.onset in Span(0, 4800) for n in notes)


def test_bands_name_their_parts(folder):
    generator = make(folder, band="piano+bass", temperature=1.5)
    notes, _ = play(generator, context_of(generator), (0, 40))

    assert {"Piano", "Bass"} == {n.part for n in notes}


def test_drums_are_a_part_of_their_own_on_their_channel(folder):
    generator = make(folder, band="piano+bass+drums", temperature=1.5)
    notes, context = play(generator, context_of(generator), (0, 40))

    assert {"Piano", "Bass", "Drums"} == {n.part for n in notes}
    assert [("Piano", 0), ("Bass", 1), ("Drums", 9)] == [(p.name, p.channel) for p in context.machines]


def test_drums_hear_where_in_the_bar_they_are(folder, monkeypatch):
    """A place that allows the crash alone on the first block of a bar gets it, and nothing else changes hands."""
    crash = np.where(np.arange(128) == 49, 0, -1e9).astype(np.float32)
    even = np.zeros(128, np.float32)
    monkeypatch.setattr(blockstream, "placed", lambda block, blocks, position: crash if block == 0 else even)
    generator = make(folder, band="drums", key="C", temperature=1.5)
    notes = [note for _, note in play(generator, context_of(generator), (0, 32))[0]]

    assert {49} == {note.pitch for note in notes if note.onset % 1920 < 240}
    assert {note.pitch for note in notes if note.onset % 1920 >= 240} - {49}


def test_drums_alone_accompany(folder):
    generator = make(folder, band="drums")
    notes, _ = play(generator, context_of(generator), (0, 24))

    assert {"Drums"} == {n.part for n in notes}


@pytest.mark.parametrize("key", ["C", "D"])
def test_a_key_moves_no_drum(folder, key, monkeypatch):
    """Whatever the key, the pitches that the drum half of the head chose are played, and read again as they are."""
    chosen, read = [], []
    complete, append = BlockStream._complete, BlockStream._append

    def keep(stream, event, *rest):
        complete(stream, event, *rest)
        chosen.append(int(event[B.PITCH]))

    monkeypatch.setattr(BlockStream, "_complete", keep)
    monkeypatch.setattr(BlockStream, "_append", lambda s, e, *r: (read.extend(e.tolist()), append(s, e, *r))[1])
    generator = make(folder, band="drums", key=key)
    notes, context = play(generator, context_of(generator), (0, 24))

    assert chosen == [n.note.pitch for n in notes]
    read.clear()
    list(make(folder, band="drums", key=key).propose(context, Span(5760, 6000)))
    assert chosen == [row[B.PITCH] for row in read if row[B.KIND] == B.MACHINE][: len(chosen)]


def test_taking_over_from_a_band_each_part_is_read_as_its_own_kind(folder):
    """A band of drums alone goes on with the player's drums; the melody stays the player's."""
    generator = make(folder, band="drums", key="D")
    drums = Part("Kit", tuple(Note(480 * i, 36, 60) for i in range(8)), 9)
    context = context_of(generator, role="continue")
    context = replace(context, score=context.score.with_part(drums))
    instruments = generator._instruments(context)
    player, machine = generator._rows(context, instruments, 5760, -2)

    assert {36} == set(machine[:, B.PITCH].tolist())
    assert 58 == player[0, B.PITCH]
    assert {"Drums"} >= {n.part for n in generator.propose(context, Span(5760, 7680))}


def test_density_thins_and_thickens(folder):
    counts = [len(play(g, context_of(g), (0, 40))[0]) for g in (make(folder, density=d) for d in (-3.0, 0.0, 3.0))]

    assert sorted(counts) == counts
    assert len(set(counts)) == 3


def test_chords_are_told(folder):
    generator = make(folder, key="D", listening=0.0, harmony=0.0)
    list(generator.propose(context_of(generator), Span(0, 1920)))

    assert generator.chords[0] == (0, "D")


@pytest.mark.parametrize(("asked", "told"), [("auto", "C major"), ("D", "D major")])
def test_the_key_is_told(folder, asked, told):
    generator = make(folder, key=asked)
    list(generator.propose(context_of(generator), Span(0, 1920)))

    assert told == generator.key


def test_no_key_is_told_before_the_player_plays(folder):
    generator = make(folder)
    list(generator.propose(context_of(generator), Span(0, 1920)))
    list(generator.propose(context_of(generator, ()), Span(0, 1920)))

    assert "" == generator.key


def test_a_model_of_another_vocabulary_is_refused(tmp_path):
    make_random(tmp_path, 2, 32)

    with pytest.raises(ModelError, match="another vocabulary"):
        Anticipation(AnticipationParams(), 0, decoder=Decoder(tmp_path))


def test_a_model_that_is_not_there_is_named():
    with pytest.raises(ModelError, match="there is no model 'nonesuch'"):
        Anticipation(AnticipationParams(model="nonesuch"), 0)


@pytest.mark.parametrize(("a_block", "wish", "expected"), [(2, 0.0, 0), (9, 0.0, -1), (0, 0.0, 1), (6, 2.0, 0)])
def test_playing_that_drifts_is_called_back_to_the_density_of_people(a_block, wish, expected):
    stream = BlockStream(None, Sampling(density=wish))
    counts = np.array([a_block, 0, 0, 0])
    stream._groups = [_Group(block, (b"", b"", None), 0, counts=counts) for block in range(17)]

    assert expected == np.sign(sum(stream._moderation(B.INSTRUMENTS.index("piano"))))
