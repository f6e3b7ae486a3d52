"""Tokenizers: our block vocabulary, which streams, and those of models of other people, MidiTok's among them."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from composer.errors import UsageError
from composer.music import Score

TOKENIZERS: dict[str, str] = {
    "blocks": "composer.tokenizers.ids",
    "BEAT": "composer.tokenizers.miditok_adapter:load",
    "MIDILike": "composer.tokenizers.miditok_adapter:load",
    "REMI": "composer.tokenizers.miditok_adapter:load",
    "Structured": "composer.tokenizers.miditok_adapter:load",
    "TSD": "composer.tokenizers.miditok_adapter:load",
    "amt": "composer.tokenizers.amt_score:load",
    "amt-interarrival": "composer.tokenizers.amt_score:load",
    "amt-reference": "composer.tokenizers.amt_score:load",
}
"""Where each tokenizer is: a module that is one, or "module:function", called with the tokenizer's name."""


class Tokenizer(Protocol):
    """Turn a score into token ids and back; what the vocabulary cannot say is rounded or left out."""

    def encode(self, score: Score) -> list[int]:
        """Return the ids of a score."""
        ...

    def decode(self, ids: list[int]) -> Score:
        """Return the score that ids stand for; an error when they are not of this vocabulary."""
        ...


def load(name: str) -> Tokenizer:
    """Return the tokenizer called `name`; UsageError names the ones there are."""
    if name not in TOKENIZERS:
        raise UsageError(f"there is no tokenizer {name!r}; the tokenizers are {', '.join(TOKENIZERS)}")
    module, _, function = TOKENIZERS[name].partition(":")
    found = import_module(module)
    tokenizer: Tokenizer = getattr(found, function)(name) if function else found
    return tokenizer
