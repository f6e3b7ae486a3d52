"""What the player's messages are to somebody who listens for controls, pads and switches rather than for music."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from composer.live.wire import Message

Kind = Literal["note", "control", "program"]


class Heard(NamedTuple):
    """Hold a key going down, a controller or a program change; `value` is 0..127, of a program always 127."""

    kind: Kind
    channel: int
    number: int
    value: int


Listener = Callable[[Heard], bool]
"""Takes what was heard and returns whether it claims it: the music then does not hear it."""


def heard(event: Message) -> Heard | None:
    """Return what an event of the io process is to a listener, None when it is nothing to him."""
    match event["op"]:
        case "on":
            return Heard("note", event["channel"], event["pitch"], event["velocity"])
        case "control":
            return Heard("control", event["channel"], event["control"], event["value"])
        case "program":
            return Heard("program", event["channel"], event["program"], 127)
    return None
