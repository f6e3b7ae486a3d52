"""OpenScore as songs: lieder for voice and piano, and string quartets, with the ticks of the score.

Gotham and Jonas, The OpenScore Lieder Corpus, 2022; Gotham et al., The OpenScore String Quartet Corpus, 2023 (CC0).
The sets are MIDI files without chords, which are written down by ear; keys go by signatures. Repeats are not played.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from composer.midi import files, smf
from composer.music import Note, Part, Score
from composer.training.bars import barred
from composer.training.ear import chords_heard, key_heard, longest, signed
from composer.training.song import Song, works

KEYBOARD = re.compile(r"pian|klav|cembal|clav|harpsi|guit|harp|harfe", re.IGNORECASE)
"""Names of what accompanies; a harp or guitar plays what a piano would."""
SINGERS = (43, 52, 53, 54)
"""Programs that voices have here: choirs, and the double bass that stands for a bass."""
KEY_SIGNATURE = 0x59
"""The type of the meta event."""


def lieder(root: Path, split: str | None = None) -> Iterator[Song]:
    """Yield the lieder under `root`, those of one split if named, with the parts MELODY and PIANO.

    All songs of one cycle are in one split. Files without a voice and a piano are left out, and counted in the log.
    """
    return works(sorted(root.glob("*.mid")), cycle, split, _lied)


def quartets(root: Path, split: str | None = None) -> Iterator[Song]:
    """Yield the quartets under `root`, those of one split if named.

    MELODY is the first violin, RIGHT the second and the viola, LEFT the cello, PIANO all three together. All movements
    of one quartet are in one split. Files that do not hold four parts are left out, and counted in the log.
    """
    return works(sorted(root.glob("*.mid")), lambda path: path.stem.rpartition("-sq")[0], split, _quartet)


def cycle(path: Path) -> str:
    """Return the name of the cycle a lied belongs to, its own where it stands alone ("_")."""
    name, _, title = path.stem.rpartition("-lc")[0].partition("-")
    return title if name == "_" else name


def _lied(path: Path, number: int, split: str) -> Song:
    score = files.read(path)
    melody, piano = voice_and_piano(score.parts)
    parts = (melody, Part("PIANO", _merged(piano), 1))
    return _song(path, replace(score, parts=parts), number, split, "lieder")


def _quartet(path: Path, number: int, split: str) -> Song:
    score = files.read(path)
    if len(score.parts) != 4:
        raise ValueError(f"{len(score.parts)} parts are not a quartet")
    first, second, viola, cello = score.parts
    parts = (
        Part("MELODY", top_line(first.notes), 0, 40),
        Part("PIANO", _merged([second, viola, cello]), 1),
        Part("LEFT", _merged([cello]), 2, 42),
        Part("RIGHT", _merged([second, viola]), 3),
    )
    return _song(path, replace(score, parts=parts), number, split, "quartets")


def _song(path: Path, written: Score, number: int, split: str, corpus: str) -> Song:
    score = barred(written)
    notes = [*score.part("MELODY").notes, *score.part("PIANO").notes]
    chords = chords_heard(score, notes)
    keys = [(0, score.end, key_heard(notes))]
    sharps = signatures(path)
    if sharps:
        moved = [max(0, tick and tick + score.end - written.end) for tick in sharps]
        spans = zip(moved, [*moved[1:], score.end], sharps.values(), strict=True)
        keys = [(a, b, signed(count, [c for c in chords if a <= c[0] < b])) for a, b, count in spans if a < b]
    beats = score.meters[0].numerator
    return Song(number, score, tuple(chords), longest(keys), split, beats, tuple(keys), corpus, performed=False)


def signatures(path: Path) -> dict[int, int]:
    """Return the key signatures in a MIDI file: sharps, or flats when negative, by the tick of the file."""
    events = [event for track in files.load(path).tracks for event in track.events]
    found = {e.tick: e.data for e in sorted(events) if e.status == smf.META and e.data[0] == KEY_SIGNATURE}
    return {tick: int.from_bytes(data[1:2], "big", signed=True) for tick, data in found.items()}


def voice_and_piano(parts: Sequence[Part]) -> tuple[Part, list[Part]]:
    """Return the highest voice as one line called MELODY, and the parts that accompany it.

    Voices that sing less than half as much as the busiest one are not considered. ValueError when there is no voice,
    or nothing that accompanies it.
    """
    piano = [part for part in parts if KEYBOARD.search(part.name)]
    piano = piano or [part for part in parts if part.program == 0] or [p for p in parts[-1:] if chordal(p) > 0.3]
    others = [part for part in parts if part not in piano and part.notes]
    voices = [part for part in others if part.program in SINGERS] or others
    if not voices or not any(part.notes for part in piano):
        raise ValueError(f"{', '.join(part.name for part in parts) or 'nothing'} is not a voice with a piano")
    busy = max(len(part.notes) for part in voices)
    highest = max((part for part in voices if 2 * len(part.notes) >= busy), key=_height)
    return Part("MELODY", top_line(highest.notes), 0, 52), piano


def chordal(part: Part) -> float:
    """Return the share of a part's onsets at which several notes begin."""
    together = Counter(note.onset for note in part.notes)
    return sum(count > 1 for count in together.values()) / max(1, len(together))


def top_line(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Return the highest of the notes that begin together, each ended where the next begins."""
    top = {note.onset: note for note in sorted(notes)}
    line = list(top.values())
    ends = [note.onset for note in line[1:]] + [line[-1].end] if line else []
    return tuple(
        replace(note, duration=min(note.duration, end - note.onset)) for note, end in zip(line, ends, strict=True)
    )


def _height(part: Part) -> float:
    return sum(note.pitch for note in part.notes) / len(part.notes)


def _merged(parts: Sequence[Part]) -> tuple[Note, ...]:
    """Return the notes of several parts, of those that strike one key at once the longest."""
    struck: dict[tuple[int, int], Note] = {}
    for note in (note for part in parts for note in part.notes):
        place = (note.onset, note.pitch)
        if place not in struck or struck[place].duration < note.duration:
            struck[place] = note
    return tuple(sorted(struck.values()))
