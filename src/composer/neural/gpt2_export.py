"""Convert a published checkpoint of GPT-2's layout (transformers' GPT2LMHeadModel) into the folder that plays.

Scores of attention are divided by the layer's number as well where the configuration says so: released versions of
transformers ignored that, and played another model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from composer.errors import ModelError
from composer.neural.blockwise import Coded
from composer.neural.gpt2 import Decoder
from composer.neural.gpt2_fit import Scores, fit, loss, most, multiply, read
from composer.neural.gpt2_graph import Tensors, matrices, write
from composer.neural.gpt2_layout import LAYER
from composer.neural.runtime import Floats

ALLOWED = 0.005
"""The share of its loss by which a model may become worse for being kept in few bits."""
_WEIGHTS = 0.8
"""How much of that weights in four bits may take; all else that is in eight takes some, too."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Hold in how many bits the weights are kept, and what that costs on pieces they were not fitted to."""

    share: float
    """Of the matrices of layers and heads, how many are kept in four bits; the others are in eight."""
    in_float: float
    """Nats a token."""
    played: float
    """The same as it plays."""

    def __str__(self) -> str:
        """Return the clause for a person."""
        told = {0.0: "in 8 bits", 1.0: "in 4 bits"}.get(self.share, f"{self.share:.0%} in 4 bits and the others in 8")
        return f"keeps its weights {told}, which changes its loss by {self.played / self.in_float - 1:+.2%}"


def convert(
    source: Path,
    folder: Path,
    heads: Sequence[slice],
    *,
    int8: bool = True,
    vocabulary: int | None = None,
    pieces: Sequence[Sequence[int]] = (),
    held_out: Sequence[Sequence[int]] = (),
    told: Callable[[float], object] = lambda share: None,
) -> Kept | None:
    """Write to `folder` what composer.neural.gpt2 plays, with a head of its own for each of `heads`' rows.

    `source` holds config.json and model.safetensors or pytorch_model.bin, of `vocabulary` tokens or more. Weights are
    fitted to four bits by `pieces` of equal length, as far as the context reaches. As many matrices stay so as
    `held_out` pieces lose less than ALLOWED by it, the others are kept in eight; without pieces all of them. `told`
    hears how much of the fitting is done. ModelError says in one sentence what is wrong with the source. The
    configuration is written last: a folder without one is not finished.
    """
    config, tensors = read_checkpoint(source)
    least, found = vocabulary or max(rows.stop for rows in heads), len(tensors["wte.weight"])
    if found < least:
        raise ModelError(f"the checkpoint in {source} has {found} tokens where {least} are needed; choose another")
    pieces, held_out = ([piece[: len(tensors["wpe.weight"])] for piece in each] for each in (pieces, held_out))
    make = partial(write, config, tensors, folder, heads, int8=int8, sample=pieces)
    if not (int8 and held_out):
        make()
        return None

    def lost(read: Callable[[Sequence[int]], Floats], scores: Scores) -> float:
        return loss(heads, scores, ((piece, read(piece)) for piece in held_out))

    def in_few(few: Mapping[str, Coded]) -> float:
        return lost(partial(read, config, tensors, coded=few), multiply(tensors["wte.weight"], few))

    def as_played() -> float:
        decoder = Decoder(folder)
        return lost(decoder.read, decoder.scores)

    in_float = in_few({})
    coded = most(
        fit(config, tensors, heads, pieces, told), lambda few: in_few(few) <= (1 + _WEIGHTS * ALLOWED) * in_float
    )
    make(coded=coded)
    played = as_played()
    if coded and played > (1 + ALLOWED) * in_float:
        # What is in eight bits costs something, too.
        (folder / "config.json").unlink()
        coded = {}
        make()
        played = as_played()
    return Kept(len(coded) / len(matrices(config["n_layer"], tensors, heads)), in_float, played)


# --- reading ----------------------------------------------------------------------------------------------------------


def read_checkpoint(folder: Path) -> tuple[dict[str, Any], Tensors]:
    """Return a checkpoint's configuration and its tensors by GPT-2's names, without the prefix that some files have."""
    config = read_config(folder)
    found = {re.sub(r"^transformer\.", "", name): tensor for name, tensor in _tensors(folder).items()}
    return config, _checked(folder, config, found)


def read_config(folder: Path) -> dict[str, Any]:
    """Return a checkpoint's configuration; ModelError when it is not of a model that can be played."""
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}; name the one that holds a checkpoint's config.json and weights")
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
        config = {"scale_attn_by_inverse_layer_idx": False, "layer_norm_epsilon": 1e-5} | config
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{folder / 'config.json'} cannot be read as a configuration ({error})") from error
    if config.get("model_type") != "gpt2":
        raise ModelError(
            f"{folder} holds a model of type {config.get('model_type')!r}; checkpoints of type 'gpt2' can be converted"
        )
    wrong = [name for name in ("n_layer", "n_head", "n_embd") if not isinstance(config.get(name), int)]
    if wrong or min(config[name] for name in ("n_layer", "n_head")) < 1 or config["n_embd"] % config["n_head"]:
        raise ModelError(f"{folder / 'config.json'} does not say a possible shape ({', '.join(wrong) or 'heads'})")
    if config.get("activation_function", "gelu_new") != "gelu_new":
        raise ModelError(f"{folder} has the activation {config['activation_function']!r}; only 'gelu_new' is played")
    return config


def unpickle(source: Path, path: Path) -> None:
    """Write the tensors of a checkpoint to a safetensors file at `path`, without the masks that GPT-2 carries along.

    `source` is a pytorch_model.bin or its folder. ModelError when it cannot be read.
    """
    from safetensors.torch import save_file

    found = _tensors(source.parent if source.is_file() else source)
    kept = {name: tensor for name, tensor in found.items() if not re.search(r"\.attn\.(masked_)?bias$", name)}
    embedding = next((tensor for name, tensor in kept.items() if name.endswith("wte.weight")), None)
    if embedding is not None and "lm_head.weight" in kept and torch.equal(kept["lm_head.weight"], embedding):
        del kept["lm_head.weight"]
    save_file({name: tensor.clone() for name, tensor in kept.items()}, path, {"format": "pt"})
    path.chmod(0o644)  # save_file keeps it from everybody else


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    safe, pickled = folder / "model.safetensors", folder / "pytorch_model.bin"
    path = safe if safe.is_file() else pickled
    if not path.is_file():
        raise ModelError(f"{folder} holds neither {safe.name} nor {pickled.name}; download the checkpoint again")
    try:
        if path == safe:
            from safetensors.torch import load_file

            return dict(load_file(safe))
        # A pickle may hold a program; only tensors are taken out of it.
        loaded = torch.load(pickled, map_location="cpu", weights_only=True)
        return {name: value for name, value in loaded.items() if isinstance(value, torch.Tensor)}
    except Exception as error:
        reason = re.split(r"\n|\. ", str(error))[0]
        raise ModelError(f"{path} cannot be read ({reason}); it may be cut off: download it again") from error


def _checked(folder: Path, config: dict[str, Any], found: dict[str, torch.Tensor]) -> Tensors:
    width = config["n_embd"]
    shapes: dict[str, tuple[int | None, ...]] = {
        "wte.weight": (None, width),
        "wpe.weight": (None, width),
        "ln_f.weight": (width,),
        "ln_f.bias": (width,),
    }
    for layer in range(config["n_layer"]):
        shapes |= {f"h.{layer}.{name}": tuple(width * n for n in shape) for name, shape in LAYER.items()}
    tensors: Tensors = {}
    for name, shape in shapes.items():
        tensor = found.get(name)
        if tensor is None:
            raise ModelError(
                f"the checkpoint in {folder} has no tensor {name}; it is cut off or of another architecture"
            )
        if len(tensor.shape) != len(shape) or any(a != b for a, b in zip(tensor.shape, shape, strict=True) if b):
            raise ModelError(
                f"the tensor {name} in {folder} has the shape {tuple(tensor.shape)}, which config.json contradicts"
            )
        if not bool(torch.isfinite(tensor).all()):
            raise ModelError(f"the tensor {name} in {folder} holds values that are not numbers; download it again")
        tensors[name] = tensor.float().numpy()
    head = found.get("lm_head.weight")
    if head is not None and not torch.equal(head, found["wte.weight"]):
        raise ModelError(
            f"{folder} has an output layer of its own; only checkpoints that share the embedding are played"
        )
    return tensors
