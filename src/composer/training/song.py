"""A song as training reads it, whatever set it comes from, and which split it belongs to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os.path import commonpath
from pathlib import Path
from zlib import crc32

from composer.errors import FileError
from composer.music import Score
from composer.music.chords import Chord, Key

log = logging.getLogger(__name__)

SPLITS = ("train", "validation", "test")
ChordSpan = tuple[int, int, Chord]
"""A chord and the ticks [start, end) it is annotated for."""


@dataclass(frozen=True, slots=True)
class Song:
    """Hold one song: a score whose parts are named for what they do, MELODY, PIANO and others.

    Ticks are 480 to the quarter, and tick 0 is a bar line.
    """

    number: int
    """The song's own number in POP909, elsewhere its place in the set, counted from 1."""
    score: Score
    chords: tuple[ChordSpan, ...]
    """In order, neighbours different; time whose chord is unknown is left out."""
    key: Key
    """The key that holds longest."""
    split: str
    """One of SPLITS."""
    beats_per_bar: int
    """Beats in the usual bar; single bars may differ, as the meters of the score say."""
    keys: tuple[tuple[int, int, Key], ...]
    """The keys and the ticks [start, end) they hold for."""
    corpus: str = "pop909"
    performed: bool = True
    """False where velocities mean nothing, because the set is written music: they must not be learned."""
    style: str = ""
    """What the set calls its style in a word, such as "rock"; empty where it does not."""


def split_of(number: int) -> str:
    """Return the split of a song by its number: ending in 0 is test, in 5 validation, the rest is for training."""
    return {0: "test", 5: "validation"}.get(number % 10, "train")


def split_by_name(work: str) -> str:
    """Return the split of a work by its name, the same on every machine: 8 of 10 train, 1 validation, 1 test."""
    return split_of(crc32(work.encode()))


def works(
    paths: Sequence[Path], name: Callable[[Path], str], split: str | None, read: Callable[[Path, int, str], Song]
) -> Iterator[Song]:
    """Yield what `read` makes of each file, its number and its split; `name` says which work the file belongs to.

    Files that cannot be read are left out, and counted in the log. FileError when there are no files.
    """
    if not paths:
        raise FileError("the folder holds no song of this set; name the folder into which the set was unpacked")
    skipped = 0
    for number, path in enumerate(paths, start=1):
        own = split_by_name(name(path))
        if split not in (None, own):
            continue
        try:
            song = read(path, number, own)
        except Exception as error:  # damaged files make parsers raise anything, and one of them must not lose the set
            skipped += 1
            log.debug("%s is left out: %s", path, error)
            continue
        yield song
    if skipped:
        log.warning(
            "%d of the files in %s were left out, because they cannot be used",
            skipped,
            commonpath([path.parent for path in paths]),
        )
