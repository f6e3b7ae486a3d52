"""What accompaniment is compared with: the human pianist, another song, chance, and the counted harmony model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from composer.generators.base import Context
from composer.generators.harmony import BLOCK, Listener
from composer.music import Note, Span
from composer.training.evaluation.takes import BLOCKS
from composer.training.song import Song

PLAYED = Span(0, BLOCKS * BLOCK)


def human(song: Song) -> list[Note]:
    """Return the human piano."""
    return list(song.score.part("PIANO").within(PLAYED))


def melody(song: Song) -> list[Note]:
    """Return the melody."""
    return list(song.score.part("MELODY").within(PLAYED))


def following(song: Song, held_out: Sequence[Song]) -> Song | None:
    """Return the next song of the same mode, the first after the last; None when there is no other."""
    at = [s.number for s in held_out].index(song.number)
    others = (s for s in (*held_out[at + 1 :], *held_out[:at]) if s.key.mode == song.key.mode)
    return next(others, None)


def other(song: Song, held_out: Sequence[Song]) -> list[Note]:
    """Return the human piano of the next song of the same mode, moved to this song's key."""
    found = following(song, held_out)
    if found is None:
        return []
    shift = (song.key.tonic - found.key.tonic + 6) % 12 - 6
    return [replace(n, pitch=min(127, max(0, n.pitch + shift))) for n in human(found)]


def random_in_key(song: Song, seed: int) -> list[Note]:
    """Return the human piano with every pitch replaced by a random one of the key."""
    rng = np.random.default_rng([seed, song.number])
    scale = sorted(song.key.scale)
    return [replace(n, pitch=min(127, n.pitch // 12 * 12 + int(scale[rng.integers(len(scale))]))) for n in human(song)]


def counted(song: Song, lead: int) -> list[Note]:
    """Return the chord tones that the counted harmony model hears, in the rhythm of the human pianist.

    It hears the melody `lead` blocks late, and nobody tells it the key.
    """
    context = Context(song.score, ("BRIDGE", "PIANO"), 0)
    listener = Listener()
    played: list[Note] = []
    for block in range(BLOCKS):
        chord = listener.follow(context, max(0, block + 1 - lead) * BLOCK).chord(lead)
        tones = sorted(chord.pitch_classes)
        notes = song.score.part("PIANO").within(Span(block * BLOCK, (block + 1) * BLOCK))
        played += [replace(n, pitch=48 + tones[i % len(tones)]) for i, n in enumerate(notes) if tones]
    return played
