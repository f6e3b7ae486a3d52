"""A checkpoint is asked whether it tells music from noise."""

import copy
import random

import pytest

from composer.cli import main
from composer.commands import probe
from composer.commands.probe import Likelihood, likelihood
from composer.tokenizers import amt

WIDTH = 32


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """Return a checkpoint of the real vocabulary that has learned the piece in other keys, and its torch module."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        n_layer=1, n_head=2, n_embd=WIDTH, vocab_size=amt.VOCABULARY, scale_attn_by_inverse_layer_idx=True,
        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, bos_token_id=None, eos_token_id=None, attn_implementation="eager",
    )  # fmt: skip
    model = transformers.GPT2LMHeadModel(config)
    rng = random.Random(0)
    optimizer = torch.optim.AdamW(model.parameters(), 0.02)
    for _ in range(40):
        up = rng.choice((-2, 2, 5))
        song = torch.tensor([amt.song([n._replace(note=n.note + up) for n in probe._piece()], anticipated=False)])
        model(song, labels=song).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    source = tmp_path_factory.mktemp("learned") / "source"
    model.save_pretrained(source)
    return source, model


def convert(source, tmp_path, capsys):
    assert 0 == main(["models", "convert", str(source), str(tmp_path / "new")])
    return capsys.readouterr().err


def test_who_has_learned_music_tells_it_from_noise(learned, tmp_path, capsys):
    assert "it tells music from noise (" in convert(learned[0], tmp_path, capsys)


def test_who_was_taught_with_another_vocabulary_does_not(learned, tmp_path, capsys):
    other = copy.deepcopy(learned[1])
    other.transformer.wte.weight.data = other.transformer.wte.weight.data.roll(1000, 0)
    other.save_pretrained(tmp_path / "source")
    told = convert(tmp_path / "source", tmp_path, capsys)

    assert "it does not tell music from noise (" in told
    assert "download the checkpoint again, or choose another" in told


def test_the_likelihood_is_that_of_the_checkpoint_among_what_is_legal(learned, tmp_path, capsys):
    import torch

    source, model = learned
    convert(source, tmp_path, capsys)
    piece = probe._piece()
    song = amt.song(piece, anticipated=False)
    with torch.no_grad():
        logits = model(torch.tensor([song])).logits[0]
    rows = [slice(0, 10_000), slice(10_000, 11_000), slice(11_000, 27_513)] * len(piece)
    nats = [
        -float(logits[3 + n][legal].log_softmax(0)[song[4 + n] - legal.start]) for n, legal in enumerate(rows)
    ]  # fmt: skip

    assert sum(nats) / len(nats) == pytest.approx(likelihood(tmp_path / "new").piece, rel=0.02)


@pytest.mark.parametrize(
    ("nats", "is_music"), [((1.0, 1.5, 1.5), True), ((1.0, 1.1, 3.0), False), ((1.0, 3.0, 1.1), False)]
)
def test_both_noises_must_be_clearly_less_likely(nats, is_music):
    assert is_music == Likelihood(*nats).is_music


def test_the_piece_is_the_melody_over_its_chords_in_order():
    piece = probe._piece()

    assert [76, 55, 52, 48, 76, 77, 79] == [note.pitch for note in piece[:7]]
    assert [0, 0, 0, 0, 50, 100, 150] == [note.time for note in piece[:7]]
    assert amt.sort(piece) == piece
