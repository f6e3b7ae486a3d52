"""Figures of a generator on held-out songs: the suites of `composer evaluate` in one table.

The songs are POP909's test split; the player plays the MELODY, the machine answers on the piano. A lead counts half
quarters: `lead1` hears a block when it is over and plays the next one, `lead2` is late by one quarter, `lead4` by two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from composer.errors import UsageError
from composer.folders import model_folder
from composer.generators.harmony import BLOCK
from composer.music import Span
from composer.training.anticipation import find_pop909
from composer.training.evaluation.takes import BLOCKS, Stage, Take
from composer.training.pop909 import songs
from composer.training.song import Song

Figures = dict[str, float]
Result = tuple[Figures, dict[str, Figures]]
"""Metrics of the generator, and those of each baseline."""


@dataclass(frozen=True, slots=True)
class Task:
    """Hold what the suites measure."""

    take: Take
    """The generator with its parameters, at lead 1."""
    data: Path
    seeds: tuple[int, ...] = (0,)
    baseline: Path | None = None
    """The folder of a model whose loss is put beside."""

    @property
    def model(self) -> Path:
        """Return the folder of the model; UsageError when there is none."""
        name = dict(self.take.params).get("model", self.take.name)
        folder = model_folder(name)
        if folder is None:
            raise UsageError(f"there is no model {name!r}; `composer models list` names the ones there are")
        return folder


def _harmony(stage: Stage, task: Task) -> Result:
    from composer.training.evaluation.harmony import harmony

    return harmony(stage, task.take, task.seeds)


def _loss(stage: Stage, task: Task) -> Result:
    from composer.training.evaluation.loss import losses

    return losses(stage.songs, task.model, task.baseline)


def _recovery(stage: Stage, task: Task) -> Result:
    from composer.training.evaluation.recovery import recovery

    return recovery(stage, task.take, task.seeds)


def _rhythm(stage: Stage, task: Task) -> Result:
    from composer.training.evaluation.habits import habits

    return habits(stage, task.take, task.seeds)


def _meter(stage: Stage, task: Task) -> Result:
    from composer.training.evaluation.meter import meter

    return meter(stage, task.take, task.seeds, task.data)


def _copying(stage: Stage, task: Task) -> Result:
    from composer.training.evaluation.copying import copying

    return copying(stage, task.take, task.seeds, songs(find_pop909(task.data), "train"))


def _speed(stage: Stage, task: Task) -> Result:
    from composer.training.evaluation.speed import speed

    return speed(task.model.name, task.model)


def _controls(stage: Stage, task: Task) -> Result:
    from composer.training.evaluation.asked import controls

    return controls(stage, task.take, task.seeds), {}


SUITES: dict[str, Callable[[Stage, Task], Result]] = {
    "harmony": _harmony,
    "loss": _loss,
    "recovery": _recovery,
    "rhythm": _rhythm,
    "meter": _meter,
    "copying": _copying,
    "speed": _speed,
    "controls": _controls,
}
OURS = ("loss", "meter", "speed", "controls")
"""Suites that look into our own model."""


def evaluate(
    name: str,
    data: Path,
    *,
    suite: str = "all",
    songs: int | None = None,
    seeds: Sequence[int] = (0,),
    params: dict[str, str] | None = None,
    baseline: Path | None = None,
    jobs: int = 1,
) -> dict[str, Any]:
    """Return generator, suite, split, metrics, baselines and seconds, as `composer evaluate --json` prints them.

    `jobs` processes play the songs. UsageError when there is no such suite, or not for this generator.
    """
    chosen = _chosen(suite, name)
    begun = time.monotonic()
    take = Take(name, params=tuple(sorted((params or {}).items())))
    task = Task(take, data, tuple(seeds), baseline)
    metrics: Figures = {}
    baselines: dict[str, Figures] = {}
    with Stage(test_songs(data, songs), jobs) as stage:
        for one in chosen:
            found, beside = SUITES[one](stage, task)
            metrics |= found
            for who, figures in beside.items():
                baselines[who] = baselines.get(who, {}) | figures
        split = f"POP909 test, {len(stage.songs)} songs"
    return {
        "generator": name,
        "suite": suite,
        "split": split,
        "metrics": metrics,
        "baselines": baselines,
        "seconds": round(time.monotonic() - begun, 1),
    }


def _chosen(suite: str, name: str) -> list[str]:
    if suite not in (*SUITES, "all"):
        raise UsageError(f"there is no suite {suite!r}; there are {', '.join(SUITES)} and all")
    possible = [one for one in SUITES if name == "anticipation" or one not in OURS]
    if suite == "all":
        return possible
    if suite not in possible:
        raise UsageError(
            f"{suite} is measured of anticipation only; for {name} there are {', '.join(possible)} and all"
        )
    return [suite]


def test_songs(data: Path, count: int | None) -> list[Song]:
    """Return the first `count` (all by default) songs of the test split, each from the bar in which its melody begins.

    Songs without enough melody and piano in the bars that are played are left out.
    """
    out = []
    for song in map(from_melody, songs(find_pop909(data), "test")):
        if all(len(song.score.part(p).within(Span(0, BLOCKS * BLOCK))) > 40 for p in ("MELODY", "PIANO")):
            out.append(song)
        if len(out) == count:
            break
    return out


def from_melody(song: Song) -> Song:
    """Return the song without the bars before its melody."""
    start = song.score.bar_start(min((n.onset for n in song.score.part("MELODY").notes), default=0))
    chords = tuple((max(0, a - start), b - start, chord) for a, b, chord in song.chords if b > start)
    return replace(song, score=song.score.shift(-start), chords=chords)
