"""composer models: a folder is whole, or the file that is not is named."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from pathlib import Path

import pytest

from composer.cli import main
from composer.folders import model_folder, models
from composer.neural.runtime import Decoder


def safetensors(shape: tuple[int, ...], length: int) -> bytes:
    """Return a file with one tensor of float32 that says it has `shape` and holds `length` bytes."""
    header = json.dumps({"w": {"dtype": "F32", "shape": list(shape), "data_offsets": [0, length]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(length)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    (made / "config.json").write_text('{"n_layer": 1}')
    (made / "model.safetensors").write_bytes(safetensors((2, 3), 24))
    seal(made)
    return made


def seal(folder: Path) -> None:
    names = ("config.json", "model.safetensors")
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


def verify(folder: Path, capsys) -> tuple[int, str]:
    status = main(["models", "verify", str(folder)])
    return status, capsys.readouterr().err


def test_a_whole_folder_is_verified(folder, capsys):
    assert verify(folder, capsys) == (0, "")


def test_a_changed_byte_is_found(folder, capsys):
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)

    status, err = verify(folder, capsys)

    assert status == 1
    assert "model.safetensors has not the recorded hash" in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is cut off or is no safetensors file"),
        (b"\xff" * 64, "is cut off or is no safetensors file"),
        (struct.pack("<Q", 2) + b"[]", "has a damaged header"),
        (safetensors((2, 3), 20), "whose shape and length disagree"),
        (safetensors((2, 3), 24)[:-4], "is shorter or longer than its header says"),
        (safetensors((2, 3), 24) + b"!", "is shorter or longer than its header says"),
    ],
)
def test_tensors_that_cannot_be_are_found_even_with_the_right_hash(folder, capsys, content, said):
    (folder / "model.safetensors").write_bytes(content)
    seal(folder)

    status, err = verify(folder, capsys)

    assert status == 1
    assert said in err


def test_a_file_that_is_gone_or_was_added_is_found(folder, capsys):
    (folder / "model.safetensors").rename(folder / "other.safetensors")

    status, err = verify(folder, capsys)

    assert status == 1
    assert "other.safetensors is not in SHA256SUMS" in err


def test_an_unknown_model_names_those_there_are(capsys):
    status = main(["models", "show", "nobody"])

    assert status == 1
    assert "there is no model 'nobody'; the models are" in capsys.readouterr().err


@pytest.mark.parametrize("name", models())
def test_every_shipped_model_is_whole_and_has_a_card(name, capsys):
    assert main(["models", "verify", name]) == 0
    assert (models()[name] / "card.md").is_file()


class TestConvert:
    def test_a_published_checkpoint_becomes_a_generators_weights(self, tmp_path, monkeypatch, capsys):
        transformers = pytest.importorskip("transformers")
        config = transformers.GPT2Config(
            n_layer=1, n_head=1, n_embd=8, vocab_size=55028, bos_token_id=None, eos_token_id=None
        )
        transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path / "source")
        status = main(["models", "convert", str(tmp_path / "source"), str(tmp_path / "models" / "amt-small")])
        monkeypatch.setenv("COMPOSER_MODELS", str(tmp_path / "models"))

        assert status == 0
        assert main(["models", "verify", "amt-small"]) == 0
        capsys.readouterr()
        main(["list", "--json"])
        assert {"amt-small": "present"}.items() <= {
            entry["name"]: entry["weights"] for entry in json.loads(capsys.readouterr().out)
        }.items()

    def test_a_model_of_our_own_gets_graphs_of_this_version(self, tmp_path):
        pytest.importorskip("torch")
        old = tmp_path / "old"
        old.mkdir()
        for name in ("config.json", "model.safetensors", "card.md"):
            shutil.copyfile(model_folder("anticipation") / name, old / name)
        (old / "trunk.int8.onnx").write_text("of another version")
        new = tmp_path / "new"

        assert 0 == main(["models", "convert", str(old), str(new)])
        assert 0 == main(["models", "verify", str(new)])
        assert 0 == Decoder(new).length

    @pytest.mark.parametrize(
        ("words", "status", "said"),
        [
            (["convert", "a"], 2, "takes two folders"),
            (["convert", "nowhere", "new"], 1, "there is no folder nowhere; name the one that holds"),
            (["convert", "something", "new"], 1, "there is no folder something; name the one that holds"),
            (["convert", ".", "new"], 1, "cannot be read as a configuration"),
            (["convert", "nowhere", "."], 2, "exists already"),
            (["show", "a", "b"], 2, "takes one name"),
        ],
    )
    def test_refusals_are_one_sentence(self, tmp_path, monkeypatch, capsys, words, status, said):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "something").write_text("")

        assert main(["models", *words]) == status
        assert said in capsys.readouterr().err
        assert not (tmp_path / "new").exists()
