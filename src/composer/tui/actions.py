"""What a footswitch, a pad or a program change can do, and what the user says by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from textual.message import Message

from composer.tui import messages


class Action(NamedTuple):
    """Hold what an action does, for people, and what makes its message."""

    help: str
    make: Callable[[], Message]


ACTIONS: dict[str, Action] = {
    "lead": Action("it goes on by itself, without hearing you", partial(messages.RoleChosen, "continue", "lead")),
    "accompany": Action("it plays along with you", partial(messages.RoleChosen, "accompany")),
    "trade": Action("you trade fours", partial(messages.RoleChosen, "trade")),
    "fill": Action("it fills your rests", partial(messages.RoleChosen, "fill")),
    "play": Action("start or stop the transport", messages.TransportToggled),
    "stop": Action("stop the transport", messages.Stopped),
    "panic": Action("end every note now", messages.Panicked),
    "keep": Action("keep the last 8 bars", partial(messages.KeepAsked, 8)),
    "compare": Action("the other of A and B", messages.SidesCompared),
    "tap": Action("tap quarters to set the tempo", lambda: messages.TempoTapped(time.monotonic())),
}
