"""MIDI learn: the next message is bound to what was asked for, and a bound message does what it is bound to."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.message import Message

from composer.live.listening import Heard
from composer.tui.bindings import Bindings, bound, trigger_of, unbound
from composer.tui.messages import MidiLearned, MidiMoved

_QUIET_SECONDS = 1.0
"""A key is learned only after this long without keys: who plays on while he moves a knob means the knob."""
_PRESSED = 64
"""A switch that sends a controller is pressed from this value on."""


class Learning:
    """Hear the player's messages in the session's thread, and `post` what they mean; the rest is the interface's.

    Bindings are replaced, never changed, so that both threads see a whole mapping.
    """

    def __init__(self, post: Callable[[Message], object], clock: Callable[[], float] = time.monotonic) -> None:
        self.bindings: Bindings = {}
        self.wanted: str | None = None
        """What the next message is bound to, None while nothing is being learned."""
        self._post = post
        self._clock = clock
        self._last_key = float("-inf")
        self._pressed: set[tuple[int, int]] = set()

    def hear(self, heard: Heard) -> bool:
        """Take a message; return whether it was a command and no music."""
        trigger = trigger_of(heard)
        if trigger is None:
            return False
        wanted, is_played = self.wanted, heard.kind == "note" and self._is_played()
        if wanted is not None and not is_played:
            self.wanted = None
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

    def _is_played(self) -> bool:
        """Return whether a key that goes down now is one of many."""
        before, self._last_key = self._last_key, self._clock()
        return self._last_key - before < _QUIET_SECONDS

    def _is_press(self, heard: Heard) -> bool:
        """Return whether a switch goes down now; a controller may say many times that it is down."""
        if heard.kind != "control":
            return True
        key, is_down = (heard.channel, heard.number), heard.value >= _PRESSED
        was_down = key in self._pressed
        (self._pressed.add if is_down else self._pressed.discard)(key)
        return is_down and not was_down
