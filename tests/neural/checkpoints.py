"""Checkpoints of GPT-2's layout, as transformers makes and plays them."""

import numpy as np
import torch
import transformers

from composer.neural.gpt2_export import convert

ROWS = (slice(0, 40), slice(40, 100))


def reference(seed=0, n_layer=3, n_head=2, n_embd=32, vocab_size=100, n_positions=24, spread=0.15):
    torch.manual_seed(seed)
    config = transformers.GPT2Config(
        n_layer=n_layer,
        n_head=n_head,
        n_embd=n_embd,
        vocab_size=vocab_size,
        n_positions=n_positions,
        scale_attn_by_inverse_layer_idx=True,
        attn_implementation="eager",
        bos_token_id=None,
        eos_token_id=None,
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    for name, weight in model.named_parameters():
        torch.nn.init.normal_(weight, 1.0 if "ln_" in name and "weight" in name else 0.0, spread)
    return model


def with_a_large_channel(model):
    """Return the model with one channel of the first head's keys that is always large."""
    for block in model.transformer.h:
        block.attn.c_attn.bias.data[model.config.n_embd + 3] += 30
    return model


def expected(model, tokens):
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0, -1].numpy()


def save(model, folder, *, pickled=False, prefix=True):
    """Write a checkpoint as the hub has them."""
    folder.mkdir(exist_ok=True)
    model.save_pretrained(folder)
    if pickled:
        (folder / "model.safetensors").unlink()
        names = {n: t.clone() for n, t in model.state_dict().items() if n != "lm_head.weight"}
        torch.save(
            {n if prefix else n.removeprefix("transformer."): t for n, t in names.items()}, folder / "pytorch_model.bin"
        )
    return folder


def converted(model, root):
    """Write a model as the hub has it and as it plays under a folder; return the folder that plays."""
    convert(save(model, root / "source"), root / "played", ROWS)
    return root / "played"


def divergence(model, logits):
    """Return Kullback-Leibler's divergence in nats."""
    p = torch.log_softmax(torch.tensor(model), 0)
    q = torch.log_softmax(torch.tensor(logits), 0)
    return float((p.exp() * (p - q)).sum())


def whole(decoder):
    return np.concatenate([decoder.logits(rows) for rows in ROWS])
