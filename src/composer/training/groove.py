"""The Groove MIDI data set: 1,150 drum performances played by people to a click, and how they are laid under songs.

Gillick, Roberts, Engel, Eck, Bamman: Learning to Groove with Inverse Sequence Transformations, 2019 (CC BY 4.0). The
split is the official one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from composer.errors import FileError
from composer.midi import files
from composer.music import DRUM_CHANNEL, TICKS_PER_QUARTER, Meter, Note, Part, Score, Tempo
from composer.music.chords import Key
from composer.tokenizers.blocks import Ints
from composer.training.song import Song

DRUMS = "DRUMS"
"""The part's name."""
BAR = 4 * TICKS_PER_QUARTER
"""The bar of the performances that are laid under songs."""
GENERAL_MIDI = {22: 42, 26: 46, 40: 38, 45: 47, 47: 47, 48: 50, 50: 50, 52: 57, 55: 49, 58: 43, 59: 51}
"""General MIDI's drum for each pitch of the recorded kit (a Roland TD-11) that stands for another one there.

Edges and rims become the drum they belong to; the toms are high (50), low-mid (47) and high floor (43).
"""


def performances(root: Path, split: str | None = None) -> Iterator[Song]:
    """Yield the performances of beats (fills are left out) under `root`, those of one split if named.

    FileError when info.csv or a performance it names is missing or damaged.
    """
    try:
        with (root / "info.csv").open(encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table))
    except (OSError, ValueError) as error:
        raise FileError(f"{root} holds no Groove set ({error}); name the folder with info.csv in it") from None
    for number, row in enumerate(rows, start=1):
        if row["beat_type"] == "beat" and split in (None, row["split"]):
            yield _song(root, number, row)


def _song(root: Path, number: int, row: dict[str, str]) -> Song:
    played = [note for part in files.read(root / row["midi_filename"]).parts for note in part.notes]
    beats, unit = (int(value) for value in row["time_signature"].split("-"))
    drums = Part(DRUMS, on_beat(general_midi(played)), DRUM_CHANNEL)
    score = Score((drums,), (Tempo(0, float(row["bpm"])),), (Meter(0, beats, unit),))
    style = row["style"].replace("-", "/").partition("/")[0]
    return Song(number, score, (), Key(0), row["split"], beats, (), "groove", style=style)


def general_midi(notes: list[Note]) -> tuple[Note, ...]:
    """Return the notes on the pitches of General MIDI's drums, in order; of two strokes that become one the louder."""
    struck: dict[tuple[int, int], Note] = {}
    for note in notes:
        moved = replace(note, pitch=GENERAL_MIDI.get(note.pitch, note.pitch))
        place = moved.onset, moved.pitch
        struck[place] = max(moved, struck.get(place, moved), key=lambda n: n.velocity)
    return tuple(sorted(struck.values()))


def on_beat(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Return the notes moved by one time for all, so that the median stroke near a quarter falls on it.

    What is constant is how late the recording heard the click (most are 0 to 20 ms early); feel is what differs.
    """
    near = TICKS_PER_QUARTER // 8
    offsets = [(note.onset + near) % TICKS_PER_QUARTER - near for note in notes]
    close = [offset for offset in offsets if offset < near]
    late = round(median(close)) if close else 0
    return tuple(sorted(replace(note, onset=max(0, note.onset - late)) for note in notes))


def lay(drums: Ints, lines: Ints, begins: int) -> Ints:
    """Return a performance looped by whole bars under a song whose bar lines fall at the ticks `lines`.

    The first bar gets bar `begins` of the performance; what does not fit into a shorter bar is left out.
    """
    count = whole_bars(drums)
    cuts = np.searchsorted(drums[:, 0], np.arange(count + 1) * BAR)
    laid = [np.zeros((0, 4), dtype=np.int64)]
    for i in range(len(lines) - 1):
        bar = (begins + i) % count
        played = drums[cuts[bar] : cuts[bar + 1]] + np.array([int(lines[i]) - bar * BAR, 0, 0, 0])
        laid.append(played[played[:, 0] < lines[i + 1]])
    return np.concatenate(laid)


def whole_bars(drums: Ints) -> int:
    """Return how many bars of a performance are played: a last one that breaks off before its middle is not."""
    if not len(drums):
        return 1
    bars, rest = divmod(int(drums[-1, 0]), BAR)
    return max(1, bars + (rest >= BAR // 2))
