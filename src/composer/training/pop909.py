"""POP909 as scores in musical time: melody, bridge and piano of 909 pop songs with beats, chords and keys.

Wang et al., POP909: A Pop-song Dataset for Music Arrangement Generation, 2020 (MIT licence). The tempo in its MIDI
files means nothing; time comes from the annotated beats, each of which is a quarter here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer.errors import FileError
from composer.music import Part, Score, Tempo
from composer.music.chords import Chord, Key
from composer.training.beats import chord_spans, clock, meters_of, note_at
from composer.training.song import ChordSpan, Song, split_of

__all__ = ["PARTS", "ChordSpan", "Song", "read_song", "songs", "split_of"]

PARTS = ("MELODY", "BRIDGE", "PIANO")


def songs(root: Path, split: str | None = None) -> Iterator[Song]:
    """Yield the songs under `root` in order of number, those of one split if named.

    `root` is the unpacked set or its folder POP909. Raises FileError when there is no song, or one cannot be read.
    """
    folder = root / "POP909" if (root / "POP909").is_dir() else root
    numbers = sorted(p.name for p in folder.iterdir() if p.name.isdigit()) if folder.is_dir() else []
    if not numbers:
        raise FileError(f"{root} holds no POP909 songs; name the folder with 001, 002 ... in it")
    for name in numbers:
        if split in (None, split_of(int(name))):
            yield read_song(folder / name)


def read_song(folder: Path) -> Song:
    """Return the song in one numbered folder; FileError names the file that is missing or damaged."""
    number = int(folder.name)
    try:
        beats = np.loadtxt(folder / "beat_midi.txt", ndmin=2)
        chords = [(float(a), float(b), Chord.parse(label)) for a, b, label in _rows(folder / "chord_midi.txt")]
        keys = [(float(a), float(b), Key.parse(label)) for a, b, label in _rows(folder / "key_audio.txt")]
        sounding = _notes(folder / f"{folder.name}.mid")
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise FileError(f"POP909 song {folder} cannot be read ({error}); unpack the set again") from None
    beats_per_bar, downbeats = _bars(beats)
    first = min((start for notes in sounding.values() for start, *_ in notes), default=0.0)
    ticks = clock(beats[:, 0], downbeats[0], beats_per_bar, first)
    parts = tuple(
        Part(name, tuple(sorted(note_at(ticks, *row) for row in sounding.get(name, ()))), channel)
        for channel, name in enumerate(PARTS)
    )
    tempo = Tempo(0, round(60 / float(np.median(np.diff(beats[:, 0]))), 2))
    meters = meters_of([ticks(float(beats[beat, 0])) for beat in downbeats], beats_per_bar)
    key_spans = tuple((max(0, ticks(a)), ticks(b), key) for a, b, key in keys)
    key = max(key_spans, key=lambda span: span[1] - span[0])[2]
    score = Score(parts, (tempo,), meters)
    return Song(number, score, chord_spans(ticks, chords), key, split_of(number), beats_per_bar, key_spans)


def _rows(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines() if line.strip()]


def _notes(path: Path) -> dict[str, list[tuple[float, float, int, int]]]:
    """Return the rows (start, end, pitch, velocity) in seconds of every track by its name."""
    import pretty_midi

    tracks = pretty_midi.PrettyMIDI(str(path)).instruments
    return {t.name.strip(): [(n.start, n.end, n.pitch, n.velocity) for n in t.notes] for t in tracks}


def _bars(beats: NDArray[np.float64]) -> tuple[int, list[int]]:
    """Return the usual number of beats in a bar, and the beats that begin one."""
    halves, bars = (np.flatnonzero(beats[:, column] > 0.5).tolist() for column in (1, 2))
    usual = Counter(b - a for a, b in pairwise(halves)).most_common(1)
    # Flags of the first column every third beat are bars of three; the second column then marks every other bar.
    return (3, halves) if usual and usual[0][0] == 3 else (4, bars or [0])
