"""What the training data holds, set by set, as the tables of docs/corpus.md.

    python -m composer.training.inventory --data DIR

prints them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from composer.errors import ComposerError
from composer.music import TICKS_PER_QUARTER
from composer.training.arrays import arrays
from composer.training.bands import WEIGHTS
from composer.training.corpora import CORPORA, present, progress
from composer.training.measures import chord_share
from composer.training.song import SPLITS, Song

METERS = 4
"""How many of the commonest meters are named."""


@dataclass(slots=True)
class Inventory:
    """Count what the songs of one set hold."""

    splits: Counter[str] = field(default_factory=Counter)
    quarters: float = 0.0
    notes: Counter[str] = field(default_factory=Counter)
    """Notes of each part."""
    in_chord: dict[str, list[float]] = field(default_factory=dict)
    """For each part the share of its time on tones of the chord, song by song where chords are known."""
    blocks: int = 0
    labelled: int = 0
    """Blocks of which it is known which chord they have, or that they have none."""
    chords: int = 0
    """Blocks with a chord."""
    modes: Counter[str] = field(default_factory=Counter)
    meters: Counter[str] = field(default_factory=Counter)
    """Songs by the meter that holds longest."""
    tempos: list[float] = field(default_factory=list)

    def add(self, song: Song) -> None:
        """Count a song."""
        self.splits[song.split] += 1
        self.quarters += song.score.end / TICKS_PER_QUARTER
        made = arrays(song)
        self.blocks += made.blocks
        self.labelled += int((made.chords >= 0).sum())
        self.chords += int((made.chords > 0).sum())
        self.modes[song.key.mode] += 1
        self.meters[usual_meter(song)] += 1
        self.tempos.append(song.score.tempos[0].qpm)
        for part in song.score.parts:
            self.notes[part.name] += len(part.notes)
            if part.notes and song.chords:
                self.in_chord.setdefault(part.name, []).append(chord_share(part.notes, song.chords))


def usual_meter(song: Song) -> str:
    """Return the meter that holds longest in a song, such as "3/4"."""
    meters = song.score.meters
    lasting: Counter[str] = Counter()
    for meter, end in zip(meters, (*(m.tick for m in meters[1:]), song.score.end), strict=True):
        lasting[f"{meter.numerator}/{meter.denominator}"] += end - meter.tick
    return lasting.most_common(1)[0][0]


def count(songs: Iterable[Song]) -> Inventory:
    """Return what all the songs of a set hold."""
    found = Inventory()
    for song in songs:
        found.add(song)
    return found


def tables(inventories: Mapping[str, Inventory]) -> str:
    """Return the tables of docs/corpus.md for what was counted of each set."""
    songs = [_songs(name, found) for name, found in inventories.items()]
    parts = [_part(name, part, found) for name, found in inventories.items() for part in sorted(found.notes)]
    sets = [
        (corpus.name, f"{WEIGHTS[corpus.name]:.2f}" if corpus.name in WEIGHTS else "", corpus.licence, corpus.citation)
        for corpus in CORPORA
        if corpus.name in inventories
    ]
    return "\n".join(
        (
            _table(("set", "weight", "licence", "source"), sets),
            _table(
                ("set", *SPLITS, "quarters", "chord known", "chord", "major", "meters (songs)", "tempo quartiles"),
                songs,
            ),
            _table(("set", "part", "notes", "notes a quarter", "time on chord tones"), parts),
        )
    )


def _songs(name: str, found: Inventory) -> tuple[str, ...]:
    count = max(1, sum(found.splits.values()))
    named = found.meters.most_common(METERS)
    others = sum(found.meters.values()) - sum(songs for _, songs in named)
    meters = ", ".join(f"{meter} ({songs})" for meter, songs in [*named, *([("others", others)] if others else [])])
    low, middle, high = np.percentile(found.tempos or [0.0], (25, 50, 75))
    return (
        name,
        *(f"{found.splits[split]:,}" for split in SPLITS),
        f"{found.quarters:,.0f}",
        _share(found.labelled, found.blocks),
        _share(found.chords, found.blocks),
        # Nobody knows a key of drums.
        _share(found.modes["major"], count) if found.chords else "",
        meters,
        f"{low:.0f}, {middle:.0f}, {high:.0f}",
    )


def _part(name: str, part: str, found: Inventory) -> tuple[str, ...]:
    shares = found.in_chord.get(part)
    return (
        name,
        part,
        f"{found.notes[part]:,}",
        f"{found.notes[part] / max(1.0, found.quarters):.2f}",
        f"{np.mean(shares):.3f}" if shares else "",
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.0f} %"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables for the sets in the folder that --data names; 1 when there is none."""
    parser = argparse.ArgumentParser(prog="python -m composer.training.inventory", description="describe the data sets")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder of the unpacked data sets")
    args = parser.parse_args(arguments)
    try:
        folders = present(args.data)
        songs = {c.name: progress(c.songs(folders[c.name], None), c.name) for c in CORPORA if c.name in folders}
        sys.stdout.write(tables({name: count(read) for name, read in songs.items()}))
    except ComposerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
