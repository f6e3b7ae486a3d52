"""What the user did, and one thing that befell us. The app alone turns them into commands of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from composer.shelf import Take
    from composer.tui.controls import Control


class TransportToggled(Message):
    """The user wants the transport to start, or to stop when it runs."""


class Panicked(Message):
    """The user wants silence now."""


class GeneratorListOpened(Message):
    """The user wants to see the generators and choose one."""


class GeneratorChosen(Message):
    """The user chose the generator called `name`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class SidesCompared(Message):
    """The user wants to hear the other of two settings, or to choose one to compare with."""


class ControlsToggled(Message):
    """The user wants to change controls, or to be done with it."""


class ControlMoved(Message):
    """The user wants the control `moved` to have the value `text`."""

    def __init__(self, moved: Control, text: str) -> None:
        super().__init__()
        self.moved = moved
        self.text = text


class ControlLearned(Message):
    """The user wants to bind the control called `name` to what he moves next."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class RoleAdvanced(Message):
    """The user wants the next role of the generator."""


class TempoNudged(Message):
    """The user wants the tempo faster by `qpm` quarters a minute (slower when negative)."""

    def __init__(self, qpm: float) -> None:
        super().__init__()
        self.qpm = qpm


class TempoTapped(Message):
    """The user tapped a quarter at `seconds` of the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class SyncToggled(Message):
    """The user wants the other source of time: the internal clock or MIDI clock."""


class DemoToggled(Message):
    """The user wants the built-in player to begin or to end."""


class SessionFailed(Message):
    """The session could not begin, or ended by an error that the user must read. Posted by the session thread."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class KeepAsked(Message):
    """The user wants to keep the last `bars` bars, or everything."""

    def __init__(self, bars: int | None) -> None:
        super().__init__()
        self.bars = bars


class Kept(Message):
    """A take lies on the shelf."""

    def __init__(self, take: Take) -> None:
        super().__init__()
        self.take = take
