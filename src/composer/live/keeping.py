"""The end of a session: the journal becomes a MIDI file or stays where it is, and whatever failed is told at once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from composer import __version__
from composer.errors import ComposerError, FileError
from composer.live.settings import Settings


def journal_of(record: Path) -> Path:
    """Return where the journal of a recording is kept while it is made: beside it, and this process's own."""
    return record.with_name(f"{record.name}.{os.getpid()}.journal")


def keep(journal: Path, path: Path, settings: Settings, failure: str | None = None) -> None:
    """Write what `journal` holds to the MIDI file `path` and remove the journal.

    FileError says why that cannot be done, or, with the `failure` that broke the journal off, that the recording ends
    early; then the journal stays, and the error says where.
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
    where = f"what was played is kept in {journal}"
    try:
        # Whether the file may be replaced was asked before anything was played.
        files.write(to_score(journal), path, comment=json.dumps(facts, ensure_ascii=False), force=True)
    except FileError as error:
        raise FileError(f"{error}; {where}") from error
    except Exception as error:
        raise FileError(f"the recording cannot be written to {path} ({error}); {where}") from error
    if failure is not None:
        raise FileError(f"the recording {path} ends early ({failure}); {where}")
    with suppress(OSError):
        journal.unlink(missing_ok=True)


@contextmanager
def collecting(failures: list[ComposerError]) -> Iterator[None]:
    """Put a ComposerError into `failures`, so that what must be done after it is done."""
    try:
        yield
    except ComposerError as error:
        failures.append(error)


def tell(failures: list[ComposerError]) -> None:
    """Raise the failures as one: an error of the first one's class that says them all; none raises nothing."""
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise type(failures[0])("; ".join(map(str, failures))) from failures[0]
