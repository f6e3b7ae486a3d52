"""What a gap between given notes leads to, and what stands around it."""

from __future__ import annotations

from composer.generators.base import Context, PartNote
from composer.music import Part, Span

TOGETHER = 30
"""Ticks within which notes count as one chord."""
IN_RESTS = ("continue", "fill")
"""Roles in which the machine's turn ends with the player's next note."""
_FOREVER = 1 << 40


def following(context: Context, begin: int, start: int) -> list[PartNote]:
    """Return the chord that a phrase from the tick `start` on leads to, the lowest note first, [] when none is known.

    It is the first one of the machine's own parts, where they stand behind a gap; `begin` is where the question's span
    begins. Where the machine takes the player's place in a rest, it is the player's next one, as far as it is known.
    """
    if own := _first(context.machines, Span(max(begin, start), _FOREVER)):
        return own
    if context.role not in IN_RESTS:
        return []
    return _first(context.players, Span(start + 1, max(start + 1, context.known_until)))


def around(context: Context, span: Span) -> Part | None:
    """Return the line that `span` breaks off and that goes on behind it, None where there is none.

    It is what all pitched parts of the machine have in common, where they have nothing else behind the span: a gap in
    one part of a file stands in each of the parts that fill it.
    """
    pitched = [set(part.notes) for part in context.machines if not part.is_drums]
    common = set.intersection(*pitched) if pitched else set()
    behind = [{note for note in notes if note.onset >= span.start} for notes in (*pitched, common)]
    if not behind[-1:] or not behind[-1] or any(notes != behind[-1] for notes in behind):
        return None
    return Part("Around", tuple(sorted(common)))


def _first(parts: tuple[Part, ...], span: Span) -> list[PartNote]:
    """Return the notes that begin first in `span`, and those together with them."""
    ahead = [(part.name, part.within(span)) for part in parts if not part.is_drums]
    first = min((notes[0].onset for _, notes in ahead if notes), default=0)
    together = Span(first, min(span.end, first + TOGETHER))
    found = {PartNote(name, n) for name, notes in ahead for n in notes[:16] if n.onset in together}
    return sorted(found, key=lambda entry: (entry.note.pitch, entry.part))
