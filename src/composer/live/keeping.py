"""The end of a recording: the journal becomes a MIDI file, or stays where it is."""

from __future__ import annotations

import json
from pathlib import Path

from composer import __version__
from composer.errors import FileError
from composer.live.settings import Settings


def keep(journal: Path, path: Path, settings: Settings) -> None:
    """Write what `journal` holds to the MIDI file `path` and remove the journal.

    FileError says why that cannot be done, and where the journal is.
    """
    from composer.live.recording import to_score
    from composer.midi import files

    facts = {
        "composer": __version__,
        "verb": "jam",
        "generator": settings.generator,
        "seed": settings.seed,
        "params": dict(settings.params),
        "role": settings.role,
    }
    try:
        # Whether the file may be replaced was asked before anything was played.
        files.write(to_score(journal), path, comment=json.dumps(facts, ensure_ascii=False), force=True)
    except Exception as error:
        where = f"what was played is kept in {journal}" if journal.exists() else "nothing had been played"
        raise FileError(f"the recording cannot be written to {path} ({error}); {where}") from error
    journal.unlink(missing_ok=True)
