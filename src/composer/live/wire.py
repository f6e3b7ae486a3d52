"""Questions as JSON objects: a part travels as what is new since the last question."""

from __future__ import annotations

from typing import Any

from composer.generators.base import Context, PartNote
from composer.music import Meter, Note, Part, Score, Span, Tempo

Message = dict[str, Any]
_Row = list[int]


class QuestionWriter:
    """Write questions for one worker, remembering what it was sent."""

    def __init__(self) -> None:
        self._sent: dict[str, list[_Row]] = {}

    def write(self, id: int, context: Context, span: Span) -> Message:
        """Return the message that asks for `span` under the number `id`."""
        score = context.score
        message = {
            "op": "propose",
            "id": id,
            "span": [span.start, span.end],
            "known_until": context.known_until,
            "role": context.role,
            "machine": list(context.machine),
            "tempos": [[t.tick, t.qpm] for t in score.tempos],
            "meters": [[m.tick, m.numerator, m.denominator] for m in score.meters],
            "parts": [self._part(part) for part in score.parts],
        }
        self._sent = {name: rows for name, rows in self._sent.items() if any(p.name == name for p in score.parts)}
        return message

    def _part(self, part: Part) -> Message:
        rows = [[n.onset, n.pitch, n.duration, n.velocity] for n in part.notes]
        sent = self._sent.get(part.name, [])
        keep = next((i for i, (old, new) in enumerate(zip(sent, rows, strict=False)) if old != new), None)
        keep = min(len(sent), len(rows)) if keep is None else keep
        self._sent[part.name] = rows
        return {
            "name": part.name,
            "channel": part.channel,
            "program": part.program,
            "keep": keep,
            "notes": rows[keep:],
        }


class QuestionReader:
    """Read the questions of one session, in the order in which they were written."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[Note, ...]] = {}

    def read(self, message: Message) -> tuple[int, Context, Span]:
        """Return the number, the context and the span of a question; ValueError or KeyError when it is malformed."""
        kept: dict[str, tuple[Note, ...]] = {}
        parts = []
        for part in message["parts"]:
            name = part["name"]
            kept[name] = (*self._parts.get(name, ())[: part["keep"]], *(Note(*row) for row in part["notes"]))
            parts.append(Part(name, kept[name], part["channel"], part["program"]))
        self._parts = kept
        score = Score(
            tuple(parts),
            tuple(Tempo(*row) for row in message["tempos"]),
            tuple(Meter(*row) for row in message["meters"]),
        )
        context = Context(score, tuple(message["machine"]), message["known_until"], message["role"])
        return message["id"], context, Span(*message["span"])


def write_notes(notes: list[PartNote]) -> list[list[Any]]:
    """Return `notes` as rows of part, onset, pitch, duration, velocity."""
    return [[name, n.onset, n.pitch, n.duration, n.velocity] for name, n in notes]


def read_notes(rows: list[list[Any]]) -> list[PartNote]:
    """Return the notes of rows; ValueError when a row is no note."""
    return [PartNote(name, Note(*numbers)) for name, *numbers in rows]


def write_parts(parts: tuple[Part, ...]) -> list[list[Any]]:
    """Return the machine's parts as rows of name, channel, program."""
    return [[part.name, part.channel, part.program] for part in parts]


def read_parts(rows: list[list[Any]]) -> tuple[Part, ...]:
    """Return the machine's parts of rows, without notes."""
    return tuple(Part(name, (), channel, program) for name, channel, program in rows)
