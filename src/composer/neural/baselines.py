"""What decoding is compared to: a GPT-2 of the same shape in transformers, with its cache and without."""

from __future__ import annotations

from inspect import signature
from typing import Any


class Gpt2:
    """Decode as transformers does; every call chooses one more token after `context` - 1 others.

    The likeliest token is taken, which costs less than drawing one.
    """

    def __init__(self, n_layer: int, n_head: int, n_embd: int, vocab_size: int, context: int, threads: int) -> None:
        """Make a model of random weights; ModuleNotFoundError without torch and transformers."""
        import torch
        from transformers import DynamicCache, GPT2Config, GPT2LMHeadModel

        torch.set_num_threads(threads)
        config = GPT2Config(
            vocab_size=vocab_size,
            bos_token_id=None,
            eos_token_id=None,
            n_positions=context + 8,
            n_embd=n_embd,
            n_layer=n_layer,
            n_head=n_head,
        )
        self._no_grad = torch.no_grad
        self._model: Any = GPT2LMHeadModel(config).eval()
        self._tokens = torch.zeros((1, context), dtype=torch.long)
        # Version 5.24 renamed the argument.
        known = signature(self._model.forward).parameters
        self._past = DynamicCache(config=config)
        self._kept = {"cache" if "cache" in known else "past_key_values": self._past, "use_cache": True}
        with torch.no_grad():
            self._model(self._tokens[:, 1:], logits_to_keep=1, **self._kept)

    def without_cache(self) -> None:
        """Read the whole context again, as the published sampler does for every token."""
        with self._no_grad():
            int(self._model(self._tokens, use_cache=False).logits[0, -1].argmax())

    def with_cache(self) -> None:
        """Read the last token only; the cache is cut back afterwards."""
        with self._no_grad():
            said = self._model(self._tokens[:, :1], **self._kept)
            int(said.logits[0, -1].argmax())
        self._past.crop(-1)
