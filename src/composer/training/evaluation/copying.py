"""Copying: the longest run of notes that what is played shares with the songs that were trained on.

Runs are of intervals, so a quotation in another key counts; rhythm does not. The yardstick is what held-out human
pianists share with the same songs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import median

from composer.music import Note
from composer.training.evaluation import baselines as base
from composer.training.evaluation.statistics import paired
from composer.training.evaluation.takes import Stage, Take, mean, span_of
from composer.training.measures import Quotations
from composer.training.song import Song

Figures = dict[str, float]


def copying(
    stage: Stage, take: Take, seeds: Sequence[int], trained_on: Iterable[Song]
) -> tuple[Figures, dict[str, Figures]]:
    """Return median, mean and maximum over songs of the longest quotation at lead 1, and the human pianists'."""
    corpus = Quotations(song.score.part("PIANO").notes for song in trained_on)

    def quoted(one: Take) -> list[float]:
        takes = stage.play(replace(one, seed=seed) for seed in seeds)
        runs = [
            [corpus.longest(p.notes(span_of(song))) for song, p in zip(stage.songs, played, strict=True)]
            for played in takes
        ]
        return [max(song) for song in zip(*runs, strict=True)]

    ours = quoted(take)
    rows = {"markov": quoted(Take("markov")), "human piano": [_long(corpus, base.human(song)) for song in stage.songs]}
    return _figures(ours), {name: _figures(row) | {"p_quotation": paired(ours, row)} for name, row in rows.items()}


def _long(corpus: Quotations, notes: list[Note]) -> float:
    return float(corpus.longest(notes))


def _figures(runs: Sequence[float]) -> Figures:
    return {
        "quotation_notes_median": float(median(runs)) if runs else 0.0,
        "quotation_notes_mean": round(mean(runs), 1),
        "quotation_notes_longest": float(max(runs, default=0)),
    }
