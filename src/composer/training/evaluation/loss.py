"""Loss by lead, and what the player is worth: the same songs with the player silenced, in four ways.

Nats a machine note: `note` is all that makes a note (place, pitch, duration, velocity, and the ends of blocks),
`note_and_chord` adds the chords, which the machine says too. Names end in `_lead1` and so on, then:

- nothing: the machine's own past is the human pianist's, and the key is told;
- `_unprimed`: the player has played QUIET blocks before which the machine was silent and no chord was told; the ASKED
  blocks that follow are asked for, chords and notes, each told what the ones before it were;
- `_by_ear`: the same, but no chord is ever told to what says the chords: it hears the player alone, as it does when it
  accompanies;
- `_silent`: nobody plays, the key is told; `_silent_key_untold`: nor is the key, which then is C major;
- `_key_followed`: the player is heard, and the key is the one that the counted harmony model heard in the first QUIET
  blocks.

`silence_costs_...` is the difference of the silent to the heard with the key told, with its standard error over songs
and its p value (paired); `silence_costs_..._key_untold` of the silent whom nobody told the key to the heard, whose key
was told, and `..._key_untold_followed` to the heard whose key was followed: what the player is worth in all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.generators.base import Context
from composer.generators.harmony import Listener
from composer.music import Score, Span
from composer.tokenizers import blocks as B
from composer.training.evaluation.statistics import paired, standard_error
from composer.training.evaluation.takes import LEADS
from composer.training.sequences import Asked, SongArrays, arrange, arrays, example, unchorded
from composer.training.song import Song

if TYPE_CHECKING:
    from composer.neural.model import Anticipator

LENGTH = 512
"""Most steps of a primed sequence."""
QUIET = 64
ASKED = 16
WINDOWS = (0, 64, 128)
"""Blocks at which unprimed sequences begin."""
WHO = ("", "_key_followed", "_silent", "_silent_key_untold")
COSTS = (
    ("", "_silent", ""),
    ("_key_untold", "_silent_key_untold", ""),
    ("_key_untold_followed", "_silent_key_untold", "_key_followed"),
)
"""Name of a difference, the silent, and the heard."""
Figures = dict[str, float]
Sums = dict[str, np.ndarray[Any, np.dtype[np.float64]]]
"""Nats of each song by condition: rows of note, pitch, chord (each summed), notes and chords (counted)."""


def losses(held_out: Sequence[Song], folder: Path, baseline: Path | None) -> tuple[Figures, dict[str, Figures]]:
    """Return the figures of the model in `folder`, and those of another model beside it."""
    import torch

    torch.set_num_threads(1)  # sequences are short: where something else computes, two threads wait for each other
    ours = nats(held_out, folder)
    if baseline is None:
        return _figures(ours), {}
    theirs = nats(held_out, baseline)
    chances = {
        f"p_nats_{what}{condition}": paired(_each(ours[condition], what), _each(theirs[condition], what))
        for condition in ours
        if condition.endswith(("_unprimed", "_by_ear", *map(str, LEADS)))
        for what in ("note", "note_and_chord")
    }
    return _figures(ours), {str(baseline): _figures(theirs) | chances}


def nats(held_out: Sequence[Song], folder: Path) -> Sums:
    """Return what a model loses under every condition, song by song (torch)."""
    from composer.neural.checkpoint import load_model

    model = load_model(folder)
    found: dict[str, list[list[float]]] = {}
    for song in held_out:
        told = arrays(song)
        for lead in LEADS:
            for past, draw in (("", _primed), ("_unprimed", _unprimed), ("_by_ear", _by_ear)):
                for who in WHO:
                    sums = np.zeros(5)
                    for one in draw(song, told, lead, who):
                        sums += _sums(model, one)
                    found.setdefault(f"_lead{lead}{past}{who}", []).append(list(sums))
    return {condition: np.array(rows).T for condition, rows in found.items()}


def _sums(model: Anticipator, sequence: dict[str, B.Ints]) -> Any:
    import torch

    with torch.no_grad():
        out = model.losses({key: torch.from_numpy(value[None]) for key, value in sequence.items()})
    note = sum(float(out[key]) for key in ("machine", "m_pitch", "m_dur", "m_vel"))
    return np.array([note, *(float(out[key]) for key in ("m_pitch", "chord", "n_m_pitch", "n_chord"))])


# --- sequences ------------------------------------------------------------------------------------------------------


def _primed(song: Song, told: SongArrays, lead: int, who: str) -> Iterator[dict[str, B.Ints]]:
    events = arrange(told, _players(who), {"PIANO": "piano"}, lead, 0, LENGTH, _shift(song, told, who, 0))
    yield asked(events, 0, last_block(told))


def last_block(told: SongArrays) -> int:
    """Return the block that LENGTH steps reach with the player heard: whoever is silent is asked for no more."""
    events = arrange(told, ("MELODY",), {"PIANO": "piano"}, 0, 0, LENGTH, told.shift)
    return int(events[events[:, B.KIND] == B.BLOCK][-1, B.TIME]) // B.POSITIONS


def _unprimed(song: Song, told: SongArrays, lead: int, who: str) -> Iterator[dict[str, B.Ints]]:
    for first, shift in _windows(song, told, who):
        yield _window(told, lead, who, first, shift)


def _window(told: SongArrays, lead: int, who: str, first: int, shift: int) -> dict[str, B.Ints]:
    events = arrange(told, _players(who), {"PIANO": "piano"}, lead, first, 4 * LENGTH, shift)
    return asked(events, first + QUIET, first + QUIET + ASKED)


def _windows(song: Song, told: SongArrays, who: str) -> Iterator[tuple[int, int]]:
    """Yield the blocks at which unprimed sequences begin, with their key shifts."""
    for first in WINDOWS:
        if first + QUIET + ASKED <= told.blocks:
            yield first, _shift(song, told, who, first)


def _by_ear(song: Song, told: SongArrays, lead: int, who: str) -> Iterator[dict[str, B.Ints]]:
    for first, shift in _windows(song, told, who):
        sequence = _window(told, lead, who, first, shift)
        yield sequence | {"chord": np.full_like(sequence["chord"], B.IGNORE)}
        events = arrange(told, _players(who), {}, lead, first, 4 * LENGTH, shift)
        yield heard(events, first + QUIET, first + QUIET + ASKED)


def heard(events: B.Ints, quiet: int, end: int) -> dict[str, B.Ints]:
    """Return the sequence of a listener, whom nobody tells a chord; those from block `quiet` to `end` are asked for."""
    events = events[events[:, B.TIME] < end * B.POSITIONS]
    sequence = example(events, unchorded(events), len(events) - 1, Asked(notes=False))
    block = events[1:, B.TIME] // B.POSITIONS
    sequence["chord"] = np.where((block >= quiet) & (block < end), sequence["chord"], B.IGNORE)
    return sequence


def asked(events: B.Ints, quiet: int, end: int) -> dict[str, B.Ints]:
    """Return the sequence in which the machine is silent, and no chord told, before block `quiet`.

    Chords and notes of the machine are asked for from there to block `end`.
    """
    is_block, block = events[:, B.KIND] == B.BLOCK, events[:, B.TIME] // B.POSITIONS
    cut = np.flatnonzero(is_block & (block >= end))[:1] + 1  # the next block says that the last one asked for has ended
    events = events[: cut[0]] if len(cut) else events
    block = events[:, B.TIME] // B.POSITIONS
    events = events[(events[:, B.KIND] != B.MACHINE) | (block >= quiet)]
    block = events[:, B.TIME] // B.POSITIONS
    first = block[events[:, B.KIND] == B.BLOCK][0]
    seen = events.copy()
    untold = np.maximum.accumulate(np.where(events[:, B.KIND] == B.BLOCK, block, -1)) < quiet
    seen[untold, B.CHORD] = 0
    sequence = example(events, seen, len(events) - 1)
    sequence["machine"] = np.where(block[:-1] >= quiet, sequence["machine"], B.IGNORE)
    for name in ("chord", "pitch", "dur", "vel"):
        sequence[name] = np.where((block[1:] >= quiet) & (block[1:] < end), sequence[name], B.IGNORE)
    # Where nothing comes before the first chord nothing can predict it.
    sequence["chord"] = np.where(block[1:] > first, sequence["chord"], B.IGNORE)
    return sequence


def _players(who: str) -> tuple[str, ...]:
    return () if who.startswith("_silent") else ("MELODY",)


def _shift(song: Song, told: SongArrays, who: str, first: int) -> int:
    if who == "_silent_key_untold":
        return B.key_shift(0, False)
    return followed(song, first) if who == "_key_followed" else told.shift


def followed(song: Song, first: int) -> int:
    """Return the shift of the key that the counted harmony model hears in QUIET blocks of melody from `first` on."""
    span = Span(first * B.BLOCK_TICKS, (first + QUIET) * B.BLOCK_TICKS)
    melody = song.score.part("MELODY")
    score = Score((melody.with_notes(melody.within(span)),), song.score.tempos, song.score.meters)
    key = Listener().follow(Context(score, (), span.end), span.end).key
    return B.key_shift(key.tonic, key.mode == "minor")


# --- figures --------------------------------------------------------------------------------------------------------


def _each(sums: Any, what: str) -> Any:
    """Return nats a machine note of each song."""
    note, pitch, chord, notes, _ = sums
    return {"note": note, "pitch": pitch, "note_and_chord": note + chord}[what] / np.maximum(1, notes)


def _all(sums: Any, what: str) -> float:
    """Return nats a machine note over all songs; of a chord nats a block."""
    if what == "chord":
        return float(sums[2].sum() / max(1, sums[4].sum()))
    return float(_each(sums.sum(axis=1), what))


def _figures(found: Sums) -> Figures:
    out: Figures = {}
    for condition, sums in found.items():
        for what in ("note", "pitch", "chord", "note_and_chord"):
            out[f"nats_{what}{condition}"] = round(_all(sums, what), 3)
    for past in (f"_lead{lead}{past}" for past in ("", "_unprimed", "_by_ear") for lead in LEADS):
        for name, silent, heard in COSTS:
            for what in ("note", "note_and_chord"):
                label = f"silence_costs_{what}{past}{name}"
                a, b = found[past + silent], found[past + heard]
                out[label] = round(_all(a, what) - _all(b, what), 3)
                out[label + "_se"] = standard_error(_each(a, what) - _each(b, what))
                out[label + "_p"] = paired(_each(a, what), _each(b, what))
    return out
