"""Where the groupings of real works come from: the chorales that are shipped, or a folder of MIDI files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from zipfile import BadZipFile

import numpy as np

from composer.errors import FileError, ModelError
from composer.folders import model_folder
from composer.generators import corpus, speac
from composer.generators.groupings import Database, Work, learn
from composer.generators.signatures import Endings, endings
from composer.music import Score

LEARNER = "emi-2"
"""Names what is kept of a corpus; a new number when groupings are cut in another way."""
Learned = tuple[Database, Any, Endings, str]
"""The groupings, their SPEAC labels, how phrases of the works end, and what is to be said about their corpus."""


@lru_cache(maxsize=1)
def chorales() -> Learned:
    """Return the shipped groupings of Bach's chorales; ModelError when they are missing or damaged."""
    folder = model_folder("emi")
    try:
        if folder is None:
            raise FileNotFoundError("models/emi is not there")
        with np.load(folder / "chorales.npz", allow_pickle=False) as arrays:
            database = Database.of(dict(arrays))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ModelError(
            f"the chorales cannot be read ({error}); make them with `composer train emi --out models/emi`, or name "
            "a folder of MIDI files with --set corpus=DIR"
        ) from error
    return database, speac.labels(database), endings(database), ""


def learned(folder: str) -> Learned:
    """Return the groupings of a folder of MIDI files; FileError when it cannot be used."""
    arrays = corpus.learn_once(folder, LEARNER, _learn)
    database = Database.of(arrays)
    if not database.is_followed().any():
        raise FileError(f"the files in {folder} hold no two beats in a row; name a folder with longer pieces")
    found = Endings(arrays["kind"], arrays["length"], arrays["works"])
    return database, arrays["labels"], found, corpus.account("emi", folder, arrays)


def _learn(scores: Iterator[Score]) -> dict[str, Any]:
    database = learn(map(Work, scores))
    return {**database.arrays(), "labels": speac.labels(database), **endings(database)._asdict()}
