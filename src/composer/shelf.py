"""The shelf: takes that were kept while playing, as MIDI files in a folder of the user's.

A take that is deleted lies in a folder beside the others until it is brought back; nothing is ever thrown away here.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from composer import __version__
from composer.errors import ComposerError, FileError, UsageError
from composer.generators.base import ROLES
from composer.live.job import Request, taken
from composer.live.roles import bars_before
from composer.midi import files
from composer.music import TICKS_PER_QUARTER, Score

BARS = (4, 8, 16, None)
"""How many of the last bars can be kept; None is everything."""
PLAYER = "Player"
_EIGHTH = TICKS_PER_QUARTER // 2
_DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Take:
    """Hold a kept take: its file, its music, and what the text in the file says of how it came about."""

    path: Path
    score: Score
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of the take."""
        return self.path.stem

    @property
    def bars(self) -> int:
        """Return how many bars have begun."""
        return bars_before(self.score, bar_end(self.score, self.score.end))

    @property
    def notes(self) -> int:
        """Return how many notes there are."""
        return sum(len(part.notes) for part in self.score.parts)

    @property
    def generator(self) -> str:
        """Return the generator that played; one that is always there when the file does not say."""
        from composer.generators import GENERATORS

        name = str(self.facts.get("generator", ""))
        return name if name in GENERATORS else "markov"

    @property
    def params(self) -> dict[str, str]:
        """Return the generator's parameters."""
        found = self.facts.get("params")
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}

    @property
    def seed(self) -> int:
        """Return the seed, 0 when the file does not say."""
        return seed if isinstance(seed := self.facts.get("seed", 0), int) else 0

    @property
    def role(self) -> str:
        """Return the machine's role."""
        return role if (role := self.facts.get("role")) in ROLES else "accompany"

    @property
    def players(self) -> tuple[str, ...]:
        """Return the names of the parts that were played by a person."""
        return tuple(part.name for part in self.score.parts if is_player(part.name))


def is_player(part: str) -> bool:
    """Return whether a recording calls a player's part so: Player, Player 2 and so on."""
    return part == PLAYER or (part.startswith(f"{PLAYER} ") and part[len(PLAYER) + 1 :].isdigit())


def folder() -> Path:
    """Return where takes are kept, made if need be; COMPOSER_TAKES names another. FileError when it cannot be made."""
    if named := os.environ.get("COMPOSER_TAKES"):
        path = Path(named)
    else:
        from platformdirs import user_data_path

        path = user_data_path("composer") / "takes"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"takes cannot be kept in {path}: {error.strerror}; set COMPOSER_TAKES") from error
    return path


def journal() -> Path:
    """Return where this process keeps the journal of what is being played."""
    return folder() / f".{os.getpid()}.journal"


def last_bars(score: Score, now: int, bars: int | None, *, running: bool = True) -> Score:
    """Return the last `bars` whole bars before `now`, or everything; UsageError when nothing was played in them.

    The bar at `now` counts when it is the first there is, when time stands, or when less than an eighth of it is left
    or, as time stands, begun.
    """
    if bars is None or not running:
        end = bar_end(score, max(1, now - (0 if bars is None else _EIGHTH)))
    else:
        end = score.bar_start(now + _EIGHTH) or bar_end(score, 1)
    last = bars_before(score, end)
    found = taken(score, 0 if bars is None else max(0, last - bars), last)
    found = replace(found, parts=tuple(part for part in found.parts if part.notes))
    if not found.parts:
        what = "yet" if bars is None else f"in the last {bars} bars"
        raise UsageError(f"nothing was played {what}; play first, then keep it")
    return found


def bar_end(score: Score, tick: int) -> int:
    """Return the bar line at or after `tick`."""
    line = score.bar_start(tick)
    return line if line == tick else line + score.meter_at(line).bar


def keep(path: Path, tick: float, bars: int | None, facts: Mapping[str, Any], *, running: bool = True) -> Take:
    """Keep the last bars of the journal at `path` while time is at `tick`, and return the take.

    UsageError when there is nothing to keep, FileError when it cannot be read or written.
    """
    from composer.live.journal import read_journal
    from composer.live.recording import so_far

    try:
        score, now = so_far(read_journal(path), max(0.0, tick))
    except OSError as error:
        raise FileError(f"what was played cannot be read from {path}: {error.strerror}") from error
    return put(last_bars(score, now, bars, running=running), {"verb": "keep", "bars": bars, **facts})


def put(score: Score, facts: Mapping[str, Any]) -> Take:
    """Write a score to the shelf and return the take; FileError when that cannot be."""
    path = _free(time.strftime("%Y-%m-%d %H.%M.%S"))
    found = {"composer": __version__, **facts}
    files.write(score, path, comment=json.dumps(found, ensure_ascii=False))
    return Take(path, score, found)


def _free(stem: str) -> Path:
    path, number = folder() / f"{stem}.mid", 2
    while path.exists():
        path, number = folder() / f"{stem} ({number}).mid", number + 1
    return path


def takes() -> list[Take]:
    """Return the takes on the shelf, the newest first; a file that is no music is left out."""
    found = []
    for path in folder().glob("*.mid"):
        with suppress(ComposerError, OSError):
            found.append((path.stat().st_mtime_ns, path.name, read(path)))
    return [take for _, _, take in sorted(found, key=lambda entry: entry[:2], reverse=True)]


def read(path: Path) -> Take:
    """Return the take in a MIDI file, of ours or any other; FileError when it cannot be read."""
    score = files.read(path)
    try:
        facts = json.loads(files.comment(path) or "{}")
    except ValueError:
        facts = {}
    return Take(path, score, facts if isinstance(facts, dict) else {})


def delete(take: Take) -> Path:
    """Take it off the shelf; return where it lies now, for `restore`. FileError when it cannot be moved."""
    aside = folder() / _DELETED / take.path.name
    try:
        aside.parent.mkdir(exist_ok=True)
        number = 2
        while aside.exists():
            aside, number = aside.with_name(f"{take.name} ({number}).mid"), number + 1
        take.path.rename(aside)
    except OSError as error:
        raise FileError(f"{take.name} cannot be deleted: {error.strerror}") from error
    return aside


def deleted() -> list[Path]:
    """Return where the deleted takes lie, the one deleted last at the end; FileError when that cannot be read."""
    try:
        found = [(path.stat().st_ctime_ns, path) for path in (folder() / _DELETED).glob("*.mid")]
    except OSError as error:
        raise FileError(f"deleted takes cannot be found: {error.strerror}") from error
    return [path for _, path in sorted(found)]


def restore(aside: Path) -> Take:
    """Bring a deleted take back; FileError when it is not there any more."""
    path = _free(aside.stem)
    try:
        aside.rename(path)
    except OSError as error:
        raise FileError(f"{aside.stem} cannot be brought back: {error.strerror}") from error
    return read(path)


def export(take: Take, place: Path) -> Path:
    """Copy a take to `place`, a file or a folder, byte for byte; return the copy. FileError when that cannot be."""
    path = place / take.path.name if place.is_dir() else place
    if not path.suffix:
        path = path.with_suffix(".mid")
    try:
        data = take.path.read_bytes()
    except OSError as error:
        raise FileError(f"{take.name} cannot be read: {error.strerror}") from error
    files.save(data, path)
    return path


def variation(take: Take) -> Request:
    """Return the job that answers the same prompt with the next seed; without a player's part it composes anew."""
    origin = str(take.facts.get("of", take.name))
    family = [other for other in takes() if origin in (other.name, other.facts.get("of"))]
    seed = max(other.seed for other in [take, *family]) + 1
    first = take.score.meters[0]
    return Request(
        "accompany" if take.players else "generate",
        _free(f"{origin} seed {seed}"),
        take.generator,
        input=take.path if take.players else None,
        params=take.params,
        seed=seed,
        bars=max(1, take.bars),
        parts=take.players or None,
        role=take.role,
        tempo=take.score.tempos[0].qpm,
        meter=(first.numerator, first.denominator),
        facts={"of": origin, "role": take.role},
    )


def continuation(take: Take, bars: int = 4) -> Request:
    """Return the job that goes on after a take for `bars` bars, with the generator that played in it."""
    return Request(
        "continue",
        _free(f"{take.name} +{bars}"),
        take.generator,
        input=take.path,
        params=take.params,
        seed=take.seed,
        bars=bars,
        facts={"of": str(take.facts.get("of", take.name))},
    )


def recover() -> Iterator[Take]:
    """Keep what sessions that never ended have left in their journals, and yield the takes."""
    from composer.live.recording import to_score

    for path in folder().glob(".*.journal"):
        number = path.name[1 : -len(".journal")]
        if not number.isdigit() or _is_alive(int(number)):
            continue
        with suppress(ComposerError, OSError):
            # Windows does not move a file that is being written, and knows no question about a process.
            mine = path.rename(path.with_suffix(".ended"))
            score = to_score(mine)
            if any(is_player(part.name) for part in score.parts):
                yield put(score, {"verb": "recover"})
            mine.unlink()


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
