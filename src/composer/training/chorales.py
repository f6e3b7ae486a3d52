"""The database of recombination: Bach's four-part chorales, as music21 ships them, cut into groupings.

The chorales are numbered as in Riemenschneider, 371 Harmonized Chorales (1941); the music is in the public domain.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from composer.generators.groupings import Work, learn
from composer.generators.signatures import FULL, endings
from composer.music import TICKS_PER_QUARTER, Meter, Note, Part, Score

log = logging.getLogger(__name__)

NAME = "chorales.npz"
CARD = """# emi: beats of Bach's chorales

What it is: {groupings:,} beat-sized groupings of {works} four-part chorales, each moved to a tonic of C, with the
pitches at which its voices enter it and go on from it; `composer.generators.emi` makes new music of them.

- Data: the chorales of Johann Sebastian Bach (1685-1750, public domain) as music21 ships them, numbered after
  Riemenschneider; those of the 371 that are not in four parts are left out. Fermatas say where phrases end.
- Files: `{name}` (plain arrays of numbers: notes, and for each grouping its work, beat, place in the bar, mode, and
  whether a phrase ends), `config.json`. No weights, nothing is unpickled.
- Made by: `composer train emi --out models/emi`, in a few minutes; needs music21 (`pip install 'composer[train]'`).

{major:,} groupings are in major, {minor:,} in minor. {cadences} phrases end in a cadence from the dominant or
subdominant to the tonic, {signatures} of them in a pattern of three or four beats that recurs in at least three works.

Limits: the key is found by how long each pitch class sounds and by the last bass note, and held for the whole chorale;
chorales in church modes count as major or minor. Texts and instruments are not kept.
"""


def chorales() -> Iterator[tuple[str, Work]]:
    """Yield name and music of each four-part chorale that music21 ships; those it cannot read are left out."""
    from music21 import corpus

    for stream in corpus.chorales.Iterator(returnType="stream"):
        name = str(stream.metadata.title or stream.metadata.number) if stream.metadata else "?"
        if len(stream.parts) != 4:
            log.info("%s is left out: it is in %d parts", name, len(stream.parts))
            continue
        yield name, work_of(stream)


def work_of(stream: Any) -> Work:
    """Return the music of a music21 stream in four parts, and the ticks of its fermatas; tick 0 is a bar line."""
    sign = next(iter(stream.recurse().getElementsByClass("TimeSignature")), None)
    meter = Meter(0, sign.numerator, sign.denominator) if sign else Meter(0)
    first = next(iter(stream.parts[0].getElementsByClass("Measure")), None)
    length = _ticks(first.duration.quarterLength) if first else 0
    upbeat = meter.bar - length if 0 < length < meter.bar else 0
    ends: set[int] = set()
    parts = []
    for channel, part in enumerate(stream.parts):
        notes: list[Note] = []
        for element in part.flatten().notes:
            onset = upbeat + _ticks(element.offset)
            note = Note(onset, max(p.midi for p in element.pitches), max(1, _ticks(element.quarterLength)))
            if element.tie and element.tie.type != "start" and notes and notes[-1].pitch == note.pitch:
                last = notes.pop()
                note = Note(last.onset, note.pitch, note.end - last.onset)
            notes.append(note)
            if any("Fermata" in sign.classes for sign in element.expressions):
                ends.add(onset)
        parts.append(Part(f"Voice {channel + 1}", tuple(sorted(notes)), channel))
    return Work(Score(tuple(parts), meters=(meter,)), frozenset(ends))


def train(out: Path) -> None:
    """Cut the chorales into groupings and write them, a card and checksums into the folder `out`."""
    read = list(chorales())
    database = learn(work for _, work in read)
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / NAME, **database.arrays())  # type: ignore[arg-type]
    config = {"kind": "emi", "data": "Bach chorales of music21", "works": [name for name, _ in read]}
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    found = endings(database)
    facts = {
        "name": NAME,
        "groupings": database.size,
        "works": len(read),
        "major": int((database.mode == 0).sum()),
        "minor": int((database.mode == 1).sum()),
        "cadences": int((found.kind == FULL).sum()),
        "signatures": int(((found.kind == FULL) & (found.length > 2)).sum()),
    }
    (out / "card.md").write_text(CARD.format(**facts))
    sums = [f"{hashlib.sha256((out / n).read_bytes()).hexdigest()}  {n}" for n in ("card.md", NAME, "config.json")]
    (out / "SHA256SUMS").write_text("\n".join(sums) + "\n")


def _ticks(quarters: Any) -> int:
    return round(float(quarters) * TICKS_PER_QUARTER)
