"""MIDI learn: the next message is bound to what was asked for, and a bound message does what it is bound to."""

from __future__ import annotations

from collections.abc import Callable

from textual.message import Message

from composer.live.listening import Heard
from composer.tui.bindings import Bindings, bound, trigger_of, unbound
from composer.tui.messages import MidiLearned, MidiMoved

_PRESSED = 64
"""A switch that sends a controller is pressed from this value on."""


class Learning:
    """Hear the player's messages in the session's thread, and `post` what they mean; the rest is the interface's.

    Bindings are replaced, never changed, so that both threads see a whole mapping.
    """

    def __init__(self, post: Callable[[Message], object]) -> None:
        self.bindings: Bindings = {}
        self.wanted: str | None = None
        """What the next message is bound to, None while nothing is being learned."""
        self._post = post
        self._pressed: set[tuple[int, int]] = set()

    def hear(self, heard: Heard) -> bool:
        """Take a message; return whether it was a command and no music."""
        trigger = trigger_of(heard)
        if trigger is None:
            return False
        wanted, self.wanted = self.wanted, None
        if wanted is not None:
            self.bindings = bound(self.bindings, wanted, trigger)
            self._is_press(heard)
            self._post(MidiLearned(wanted, trigger))
            return True
        target = next((name for name, other in self.bindings.items() if other == trigger), None)
        if target is None:
            return False
        if target.startswith("set ") or self._is_press(heard):
            self._post(MidiMoved(target, heard.kind, heard.value))
        return True

    def forget(self, target: str) -> None:
        """Take a binding away."""
        self.bindings = unbound(self.bindings, target)

    def _is_press(self, heard: Heard) -> bool:
        """Return whether a switch goes down now; a controller may say many times that it is down."""
        if heard.kind != "control":
            return True
        key, is_down = (heard.channel, heard.number), heard.value >= _PRESSED
        was_down = key in self._pressed
        (self._pressed.add if is_down else self._pressed.discard)(key)
        return is_down and not was_down
