"""A generator of your own: a drone that holds the lowest note it has heard, a fifth above it, once a bar.

A generator is a class made from parameters and a seed, with one method, `propose`. Registered, it plays everywhere:
offline as here, live with `composer jam`, in the interface.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from composer.generators import GENERATORS
from composer.generators.base import Context, Info, PartNote, param
from composer.live import offline
from composer.music import Note, Part, Score, Span


@dataclass(frozen=True)
class Params:
    """Hold what a player can set."""

    fifths: bool = param(True, "whether the fifth sounds as well")


class Drone:
    """Hold the lowest note it has heard."""

    Params: ClassVar[type] = Params
    grid, margin = 1, 0  # may be asked for any span, at once

    def __init__(self, params: Params, seed: int) -> None:
        self.params = params

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the drone's notes that begin in `span`."""
        heard = [note for part in context.players for note in part.notes if note.onset < context.known_until]
        bar = context.score.meter_at(span.start).bar
        first = context.score.bar_start(span.start + bar - 1)  # the first bar line in the span, if there is one
        for onset in range(first, span.end, bar) if heard else ():
            root = min(note.pitch for note in heard) % 12 + 36
            for pitch in (root, root + 7) if self.params.fifths else (root,):
                yield PartNote(context.machine[0], Note(onset, pitch, bar - 20, 60))


GENERATORS["drone"] = Info("drone", "A drone", "you", 2026, "Holds the lowest note it has heard.", f"{__name__}:Drone")

if __name__ == "__main__":
    scale = Part("Scale", tuple(Note(480 * i, pitch, 460) for i, pitch in enumerate((62, 64, 65, 67, 69, 71, 72, 74))))
    played = offline.accompany(Score((scale,)), "drone", params={"fifths": "true"})
    for note in played.parts[-1].notes:
        print(f"tick {note.onset}: pitch {note.pitch} for {note.duration} ticks")
