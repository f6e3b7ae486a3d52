"""What the user did, and one thing that befell us. The app alone turns them into commands of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from composer.generators.base import Role
    from composer.live.listening import Kind
    from composer.shelf import Take
    from composer.tui.bindings import Trigger
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


class Told(Message):
    """What a command did can be seen. Posted by the session thread."""

    def can_replace(self, message: Message) -> bool:
        """Return whether `message`, which waits, is of no interest any more."""
        return isinstance(message, Told)


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


class RoleChosen(Message):
    """The user wants the machine to take `role`, and to follow, lead or ignore him."""

    def __init__(self, role: Role, follow: str = "follow") -> None:
        super().__init__()
        self.role = role
        self.follow = follow


class Stopped(Message):
    """The user wants the transport to stop."""


class MidiListOpened(Message):
    """The user wants to see what MIDI messages do, and to bind some."""


class LearnAsked(Message):
    """The user wants the next MIDI message bound to `target`; None when he thought better of it."""

    def __init__(self, target: str | None) -> None:
        super().__init__()
        self.target = target


class BindingDropped(Message):
    """The user wants no MIDI message to do `target` any more."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target


class MidiLearned(Message):
    """A MIDI message was bound to `target`. Posted by the session thread."""

    def __init__(self, target: str, trigger: Trigger) -> None:
        super().__init__()
        self.target = target
        self.trigger = trigger


class MidiMoved(Message):
    """A bound MIDI message of some `kind` came with `value` (0..127). Posted by the session thread."""

    def __init__(self, target: str, kind: Kind, value: int) -> None:
        super().__init__()
        self.target = target
        self.kind = kind
        self.value = value

    def can_replace(self, message: Message) -> bool:
        """Return whether `message`, which waits, is of no interest any more: of a knob only the newest counts."""
        return isinstance(message, MidiMoved) and message.target == self.target and self.target.startswith("set ")
