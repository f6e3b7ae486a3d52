"""When the music runs, how fast, by whose clock, and in which role."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from composer.generators.base import ROLES
from composer.tui import messages
from composer.tui.desk import Desk
from composer.tui.tap import TapTempo

if TYPE_CHECKING:
    from composer.live.session import Session
    from composer.live.settings import Settings, Sync

SLOWEST, FASTEST = 10.0, 600.0
"""The tempos that a session takes, in quarters a minute."""


class Transport(Desk):
    """Start, stop, and set tempo, sync and role."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tell('TransportToggled')", "Play", tooltip="Start or stop the transport"),
        Binding(
            "escape,exclamation_mark",
            "tell('Panicked')",
            "Panic",
            key_display="esc",
            tooltip="Silence: end every note now",
        ),
        Binding("r", "tell('RoleAdvanced')", "Role", tooltip="Accompany, continue, trade or fill"),
        Binding(
            "plus,equals_sign",
            "nudge_tempo(1)",
            "Faster",
            show=False,
            key_display="+",
            tooltip="A quarter a minute more",
        ),
        Binding("minus", "nudge_tempo(-1)", "Slower", show=False, key_display="-", tooltip="A quarter a minute less"),
        Binding("t", "tap_tempo", "Tap", show=False, tooltip="Tap quarters to set the tempo"),
        Binding(
            "s", "tell('SyncToggled')", "Sync", show=False, tooltip="Follow the internal clock or the host's MIDI clock"
        ),
    ]

    def __init__(self, settings: Settings, make: Callable[[Settings], Session]) -> None:
        super().__init__(settings, make)
        self._taps = TapTempo()
        self._tempo: float | None = None
        """The tempo that was asked for and is not in force yet."""

    def action_nudge_tempo(self, qpm: float) -> None:
        """Play faster or slower."""
        self.post_message(messages.TempoNudged(qpm))

    def action_tap_tempo(self) -> None:
        """Take the moment of the key as a quarter."""
        self.post_message(messages.TempoTapped(time.monotonic()))

    @on(messages.TransportToggled)
    def _toggle_transport(self) -> None:
        running = self.snapshot is not None and self.snapshot.running
        self._command(lambda session: session.stop() if running else session.start())

    @on(messages.Panicked)
    def _panic(self) -> None:
        self.learning.wanted = None
        self._command(lambda session: session.panic())

    @on(messages.Stopped)
    def _stop(self) -> None:
        self._command(lambda session: session.stop())

    @on(messages.RoleChosen)
    def _set_role(self, message: messages.RoleChosen) -> None:
        self._command(lambda session: session.set_role(message.role))
        if self.snapshot is not None and self.snapshot.steering.follow != message.follow:
            self._command(lambda session: session.set_steering({"follow": message.follow}))

    @on(messages.RoleAdvanced)
    def _next_role(self) -> None:
        role = self.snapshot.role if self.snapshot else self._settings.role
        following = ROLES[(ROLES.index(role) + 1) % len(ROLES)]
        self._command(lambda session: session.set_role(following))

    @on(messages.TempoNudged)
    def _nudge(self, message: messages.TempoNudged) -> None:
        if self.snapshot is not None:
            # Keys come faster than snapshots; the second press counts from what the first one asked for.
            self._set_tempo(round((self._tempo or self.snapshot.timeline.tempo) + message.qpm))

    @on(messages.TempoTapped)
    def _tap(self, message: messages.TempoTapped) -> None:
        if (tempo := self._taps.tap(message.seconds)) is not None:
            self._set_tempo(round(tempo, 1))

    def _set_tempo(self, qpm: float) -> None:
        if self.snapshot is not None and self.snapshot.source == "clock":
            self.notify("The tempo follows the MIDI clock; press s to set it here.", severity="warning")
            return
        tempo = self._tempo = max(SLOWEST, min(float(qpm), FASTEST))
        self._command(lambda session: session.set_tempo(tempo))

    @on(messages.SyncToggled)
    def _toggle_sync(self) -> None:
        source: Sync = "internal" if self.snapshot is not None and self.snapshot.source == "clock" else "clock"
        self._command(lambda session: session.set_sync(source))
