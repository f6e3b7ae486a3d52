"""OpenScore as songs: lieder for voice and piano, and string quartets, in score time with chords labelled by ear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from composer.training.song import Song


def lieder(root: Path, split: str | None = None) -> Iterator[Song]:
    """Yield the lieder under `root`, those of one split if named, with the parts MELODY and PIANO."""
    yield from ()


def quartets(root: Path, split: str | None = None) -> Iterator[Song]:
    """Yield the quartets under `root`, those of one split if named, with the parts MELODY, PIANO and LEFT."""
    yield from ()
