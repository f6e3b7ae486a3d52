"""Accompany a melody without hardware: a score in, a score out, a MIDI file beside it.

Run it as `python examples/accompany_offline.py [OUT.mid]`.
"""

import sys
import tempfile
from pathlib import Path

from composer.live import offline
from composer.midi import files
from composer.music import TICKS_PER_QUARTER, Note, Part, Score, Tempo

# Frère Jacques, as pitches with lengths in quarters.
TUNE = [(60, 1), (62, 1), (64, 1), (60, 1)] * 2 + [(64, 1), (65, 1), (67, 2)] * 2


def melody() -> Part:
    notes, tick = [], 0
    for pitch, quarters in TUNE:
        notes.append(Note(tick, pitch, quarters * TICKS_PER_QUARTER - 20, 90))
        tick += quarters * TICKS_PER_QUARTER
    return Part("Melody", tuple(notes), program=73)


def main(path: Path) -> None:
    tune = Score((melody(),), (Tempo(0, 100.0),))
    # lead=1: of each moment the machine knows only what has been played before it, as it would on stage.
    both = offline.accompany(tune, "markov", seed=3, lead=1)
    for part in both.parts:
        print(f"{part.name}: {len(part.notes)} notes")
    files.write(both, path, comment="Frère Jacques, accompanied", force=True)
    print(f"wrote {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp()) / "accompanied.mid")
