"""A score as the roll shows it: the line called now is a cursor, and a chosen range of bars is named above."""

from __future__ import annotations

from collections.abc import Callable

from composer.generators.base import PartNote
from composer.live.snapshot import Snapshot
from composer.music import Score


def still(
    score: Score, tick: float, is_player: Callable[[str], bool], chosen: tuple[int, int] | None = None
) -> Snapshot:
    """Return the snapshot that shows `score` with the cursor at `tick`.

    Parts for which `is_player` holds are drawn as the player's, the others as the machine's. `chosen` are the ticks at
    which a chosen range begins and ends.
    """
    return Snapshot(
        tick=tick,
        meter=score.meter_at(int(tick)),
        meters=score.meters,
        player=tuple(note for part in score.parts if is_player(part.name) for note in part.notes),
        committed=tuple(PartNote(p.name, note) for p in score.parts if not is_player(p.name) for note in p.notes),
        chords=((chosen[0], "├──"), (chosen[1], "┤")) if chosen else (),
    )
