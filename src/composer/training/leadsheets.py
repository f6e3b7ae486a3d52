"""Songs with written chords: OpenEWLD's lead sheets, and the solos of the Weimar Jazz Database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from composer.training.song import Song


def openewld(root: Path, split: str | None = None) -> Iterator[Song]:
    """Yield the lead sheets under `root`, those of one split if named, with the part MELODY."""
    yield from ()


def wjazzd(root: Path, split: str | None = None) -> Iterator[Song]:
    """Yield the solos under `root`, those of one split if named, with the parts MELODY and BASS."""
    yield from ()
