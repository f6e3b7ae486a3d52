"""What the user asked of the controls and the session has not confirmed: shown at once, asked for now and then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from composer.tui.controls import Control, Owner

PATIENCE_SECONDS = 1.0
"""What the session has not confirmed after this long it has refused."""
PAUSE_SECONDS = 0.12
"""A generator is told of changes at most this often: a knob sends a hundred a second."""


class Settling:
    """Collect wishes, newest first, and say what to ask for when. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._wanted: dict[str, tuple[Control, str, float]] = {}
        self._unasked: dict[str, tuple[Control, str]] = {}
        self._asked_at = float("-inf")

    def want(self, control: Control, text: str, now: float) -> None:
        """Take a wish; it replaces the one before for the same control."""
        self._wanted[control.name] = (control, text, now)
        self._unasked[control.name] = (control, text)

    def due(self, now: float) -> dict[Owner, dict[str, str]]:
        """Return what to ask for now, by owner; each wish is returned once."""
        if not self._unasked or now - self._asked_at < PAUSE_SECONDS:
            return {}
        asked: dict[Owner, dict[str, str]] = defaultdict(dict)
        for control, text in self._unasked.values():
            asked[control.owner][control.name] = text
        self._unasked, self._asked_at = {}, now
        return dict(asked)

    def over(self, values: Mapping[str, str], now: float) -> dict[str, str]:
        """Return `values` with the wishes above them that are neither confirmed nor refused."""
        self._wanted = {
            name: (control, text, since)
            for name, (control, text, since) in self._wanted.items()
            if name in self._unasked or (now - since < PATIENCE_SECONDS and values.get(name, control.default) != text)
        }
        return {**values, **{name: text for name, (_, text, _) in self._wanted.items()}}

    def forget(self) -> None:
        """Forget every wish: they were of another generator."""
        self._wanted, self._unasked = {}, {}
