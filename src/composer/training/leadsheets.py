"""Songs whose chords somebody wrote down: OpenEWLD's lead sheets, and the solos of the Weimar Jazz Database.

Simonetta et al., Symbolic Music Similarity through a Graph-Based Representation, 2018 (MIT, scores in the public
domain); Pfleiderer et al., Inside the Jazzomat: New Perspectives for Jazz Research, 2017.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from composer.music import TICKS_PER_QUARTER, Meter, Note, Part, Score, Tempo
from composer.music.chords import Chord
from composer.training.beats import chord_spans, clock, meters_of, note_at
from composer.training.ear import key_heard, signed
from composer.training.song import ChordSpan, Song, works

KINDS = (
    (r"none", None),
    (r"suspended-second", "sus2"),
    (r"suspended", "sus4"),
    (r"augmented", "aug"),
    (r"diminished|tristan", "dim"),
    (r"minor-major|minor-sixth|minor$", "min"),
    (r"minor", "min7"),
    (r"major-sixth|major$", "maj"),
    (r"major", "maj7"),
    (r"dominant|seventh|italian|french|german", "7"),
    (r"", "maj"),
)
"""The quality of a MusicXML chord kind: the first pattern found decides."""
LOUDNESS = 12.0
"""How much louder a note is whose loudness lies one standard deviation above a solo's mean, as velocity."""


def openewld(root: Path, split: str | None = None) -> Iterator[Song]:
    """Yield the lead sheets under `root`, those of one split if named, with the part MELODY.

    Repeats are played. Files that cannot be read, or have no notes, are left out and counted in the log.
    """
    return works(sorted(root.rglob("*.mxl")), lambda path: path.stem, split, _sheet)


def _sheet(path: Path, number: int, split: str) -> Song:
    part = _expanded(path)
    measures = list(part.getElementsByClass("Measure"))
    signature = next(iter(part.recurse().getElementsByClass("TimeSignature")), None)
    meter = Meter(0, signature.numerator, signature.denominator) if signature else Meter(0)
    pickup = _ticks(measures[0].duration.quarterLength)
    shift = meter.bar - pickup if 0 < pickup < meter.bar else 0
    flat = part.flatten()
    notes = _melody(flat, shift)
    chords = _symbols(flat, shift, max(note.end for note in notes))
    mark = next(iter(flat.getElementsByClass("MetronomeMark")), None)
    tempo = Tempo(0, round(float(mark.getQuarterBPM()), 2)) if mark and mark.getQuarterBPM() else Tempo(0, 120.0)
    score = Score((Part("MELODY", notes, 0),), (tempo,), (meter,))
    written = next(iter(flat.getElementsByClass("KeySignature")), None)
    key = signed(written.sharps, chords) if written else key_heard([*notes, *voiced(chords)])
    keys = ((0, score.end, key),)
    return Song(number, score, chords, key, split, meter.numerator, keys, "openewld", performed=False)


def _expanded(path: Path) -> Any:
    """Return the first part of a MusicXML file with its repeats played, as written where they make no sense."""
    from music21 import converter
    from music21.repeat import ExpanderException

    part = converter.parse(path, forceSource=True, storePickle=False).parts[0].stripTies()
    try:
        return part.expandRepeats()
    except ExpanderException:
        return part


def _melody(flat: Any, shift: int) -> tuple[Note, ...]:
    notes = []
    for element in flat.notes:
        if not element.duration.quarterLength or "ChordSymbol" in element.classes:
            continue
        onset = _ticks(element.offset) + shift
        end = _ticks(element.offset + element.duration.quarterLength) + shift
        notes.append(Note(onset, max(p.midi for p in element.pitches), max(1, end - onset)))
    return tuple(sorted(notes))


def _symbols(flat: Any, shift: int, end: int) -> tuple[ChordSpan, ...]:
    """Return the chords of the chord symbols, each until the next one."""
    marked = {_ticks(symbol.offset) + shift: chord_of(symbol) for symbol in flat.getElementsByClass("ChordSymbol")}
    ticks = [*sorted(marked), max(end, *marked, 0)] if marked else []
    rows = [(float(a), float(b), marked[a]) for a, b in pairwise(ticks)]
    return tuple(span for span in chord_spans(round, rows) if span[2].root is not None)


def chord_of(symbol: Any) -> Chord:
    """Return the chord of a music21 ChordSymbol, with the nearest of our qualities."""
    quality = quality_of(symbol.chordKind or "")
    return Chord() if quality is None else Chord(symbol.root().pitchClass, quality)


def quality_of(kind: str) -> str | None:
    """Return the nearest of our qualities to a MusicXML chord kind such as "dominant-seventh"; None for "none"."""
    return next(quality for pattern, quality in KINDS if re.search(pattern, kind.lower()))


def voiced(chords: Iterable[ChordSpan]) -> list[Note]:
    """Return the chords as held notes around C3, to be heard with a melody."""
    return [Note(a, 48 + pitch, b - a) for a, b, chord in chords for pitch in chord.pitch_classes]


def _ticks(quarters: Any) -> int:
    return round(float(quarters) * TICKS_PER_QUARTER)


def wjazzd(root: Path, split: str | None = None) -> Iterator[Song]:
    """Yield the solos under `root`, those of one split if named, with the parts MELODY and BASS.

    Every beat is a quarter; BASS is the one pitch a beat that was written down of the walking bass. All solos over one
    tune are in one split. Solos without bars are left out, and counted in the log.
    """
    return works(sorted((root / "mcsv_melody").glob("*.csv")), tune, split, _solo)


def tune(path: Path) -> str:
    """Return the name of the tune in a file's name, such as "BodyAndSoul" of "ChuBerry_BodyAndSoul-1_FINAL.csv"."""
    return re.sub(r"-\d$", "", path.stem.split("_")[1])


def _solo(path: Path, number: int, split: str) -> Song:
    solo = _rows(path)
    beats = _rows(path.parent.parent / "mcsv_beat" / f"{path.stem}_beattrack.csv")
    bar = Counter(int(row["signature"].strip("'\"").partition("/")[0]) for row in beats).most_common(1)[0][0]
    downbeats = [i for i, row in enumerate(beats) if row["beat"] == "1"]
    if bar == 1 or not downbeats:
        raise ValueError("there are beats and no bars")
    times = np.array([float(row["onset"]) for row in beats])
    ticks = clock(times, downbeats[0], bar, float(solo[0]["onset"]))
    ends = [*times[1:], times[-1] + float(beats[-1]["duration"])]
    loud = velocities([row.get("loud_median", "") for row in solo])
    melody = [
        note_at(ticks, float(row["onset"]), float(row["onset"]) + float(row["duration"]), int(row["pitch"]), velocity)
        for row, velocity in zip(solo, loud, strict=True)
    ]
    bass = [
        note_at(ticks, start, end, int(row["bass"]), 80)
        for row, start, end in zip(beats, times, ends, strict=True)
        if row.get("bass", "").isdigit()
    ]
    labels = [(a, b, Chord.parse_symbol(row["chord"])) for row, a, b in zip(beats, times, ends, strict=True)]
    chords = tuple(span for span in chord_spans(ticks, labels) if span[2].root is not None)
    score = Score(
        (Part("MELODY", tuple(sorted(melody)), 0), Part("BASS", tuple(sorted(bass)), 1, 32)),
        (Tempo(0, round(60 / float(np.median(np.diff(times))), 2)),),
        meters_of([ticks(times[i]) for i in downbeats], bar),
    )
    key = key_heard([*melody, *bass, *voiced(chords)])
    keys = ((0, score.end, key),)
    return Song(number, score, chords, key, split, bar, keys, "wjazzd", performed=len(set(loud)) > 1)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def velocities(loudness: Iterable[str]) -> list[int]:
    """Return velocities around 80 for loudnesses in decibels, which only compare within a solo; 80 for unknown ones."""
    values = np.array([float(text) if text else np.nan for text in loudness])
    spread = np.nanstd(values) if np.isfinite(values).any() else 0.0
    if not spread:
        return [80] * len(values)
    scaled = 80 + LOUDNESS * (values - np.nanmean(values)) / spread
    return [int(v) for v in np.clip(np.nan_to_num(scaled, nan=80.0), 20, 127).round()]
