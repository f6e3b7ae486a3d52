"""The terminal interface: one screen with the roll, what plays, and the keys that command the session."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.driver import Driver
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from composer.errors import PortError
from composer.generators import GENERATORS
from composer.live.demo import Demo
from composer.tui import messages, readout
from composer.tui.choose import GeneratorList
from composer.tui.control_panel import ControlPanel
from composer.tui.fitting import LEAST_HEIGHT, LEAST_WIDTH, TOO_LOW, TOO_NARROW, Fitting
from composer.tui.keys import Keys
from composer.tui.panel import Panel
from composer.tui.roll import Roll
from composer.tui.terminal import enduring
from composer.tui.transport import Transport

if TYPE_CHECKING:
    from composer.live.session import Session
    from composer.live.settings import Settings
    from composer.live.snapshot import Snapshot

_W = TypeVar("_W", bound=Widget)
FRAMES_PER_SECOND = 16
PANELS = ("transport", "generator", "engine", "ports")


class _Play(Fitting, Screen[None]):
    """The screen one plays at: nothing has the focus, so that every key is a command, until one asks for controls."""

    AUTO_FOCUS = ""

    # Textual paints a screen anew whenever the focus moves; widgets that look otherwise with it paint themselves.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)


class ComposerApp(Transport):
    """Show a session and command it; the session runs in the session thread and ends when the app does."""

    TITLE = "Composer"
    CSS_PATH = "composer.tcss"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it a variable of the instance
        (0, TOO_NARROW),
        (LEAST_WIDTH, "-narrow"),
        (140, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, TOO_LOW), (LEAST_HEIGHT, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "tell('DemoToggled')", "Demo", tooltip="Let the built-in player play a melody"),
        Binding("q,ctrl+c", "quit", "Quit", tooltip="End every note and leave"),
    ]

    def __init__(self, settings: Settings, make: Callable[[Settings], Session], demo: bool = False) -> None:
        super().__init__(settings, make)
        self.failure: Exception | None = None
        self._demo_wanted = demo
        self._demo: Demo | None = None

    def get_driver_class(self) -> type[Driver]:
        """Return what draws here."""
        return enduring(super().get_driver_class())

    def get_default_screen(self) -> Screen[None]:
        """Return the screen one plays at."""
        return _Play(id="_default")

    def compose(self) -> ComposeResult:
        """Lay out panels, roll, the last message and the keys."""
        # First: Textual paints everything anew that comes before a widget when it appears.
        yield GeneratorList()
        with Container(id="panels"):
            yield Panel(readout.transport, messages.TransportToggled, id="transport")
            yield Panel(
                lambda snapshot: readout.generator(snapshot, self.sides), messages.GeneratorListOpened, id="generator"
            )
            yield Panel(readout.engine, id="engine")
            yield Panel(readout.ports, id="ports")
        with Container(id="middle"):
            yield Roll(id="roll")
            yield ControlPanel(id="controls")
        yield Static(id="offer")
        yield Static(id="message", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Begin the session and look at it from now on."""
        self.playing.open(self._settings)
        if self._demo_wanted:
            self._begin_demo()
        self.set_interval(1 / FRAMES_PER_SECOND, self.look)
        loop = asyncio.get_running_loop()
        for name in ("SIGHUP", "SIGTERM"):
            # Windows has neither, and only the main thread may heed signals.
            with suppress(AttributeError, ValueError, NotImplementedError, RuntimeError):
                loop.add_signal_handler(getattr(signal, name), self.hang_up)

    async def on_unmount(self) -> None:
        """Close the session before the terminal is given back."""
        self._end_demo()
        await asyncio.to_thread(self.playing.close)

    @on(messages.Told)
    def _look_at_answer(self) -> None:
        # What a command does to the music the next frame shows; to draw the roll now would only delay the words.
        self.look(roll=False)

    def look(self, roll: bool = True) -> None:
        """Take a snapshot of the session and show it, with or without the roll."""
        if (session := self.playing.session) is None:
            return
        snapshot = session.snapshot()
        if snapshot.running:
            # A snapshot may be a twentieth of a second old, which the eye would see as a stumble.
            snapshot = replace(snapshot, tick=snapshot.timeline.ticks(time.monotonic()))
        self.show(snapshot, roll)

    def show(self, snapshot: Snapshot, roll: bool = True) -> None:
        """Show `snapshot` in every widget, or in every one but the roll."""
        if self.snapshot is None or self.snapshot.timeline.tempo != snapshot.timeline.tempo:
            self._tempo = None
        if snapshot.messages and (self.snapshot is None or self.snapshot.messages != snapshot.messages):
            self._say(snapshot.messages[-1])
        if self.snapshot is not None and self.snapshot.pending not in (None, snapshot.pending, snapshot.generator):
            self.sides = self.sides.refused(self.snapshot.pending)
        has_turned = self.snapshot is not None and self.snapshot.running != snapshot.running
        self.snapshot = snapshot
        if has_turned and self._demo is not None:
            self._tell_demo()
        self._settle(snapshot)
        for name in PANELS:
            for panel in self._found(f"#{name}", Panel):
                panel.show(snapshot)
        for drawn in self._found("#roll", Roll) if roll else ():
            drawn.show(snapshot)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Add the generators to the command palette."""
        yield from super().get_system_commands(screen)
        for info in GENERATORS.values():
            yield SystemCommand(f"Play with {info.name}", info.summary, lambda name=info.name: self._choose(name))

    @on(messages.DemoToggled)
    def _toggle_demo(self) -> None:
        if self._demo is not None:
            self._end_demo()
        elif isinstance(self.failure, PortError):
            self.failure = None
            self.playing.open(replace(self._settings, internal_ports=True))
            self._offer("")
            self._begin_demo()
        else:
            self._begin_demo()

    @on(messages.SessionFailed)
    def _failed(self, message: messages.SessionFailed) -> None:
        self.failure = message.error
        self._end_demo()
        said = str(message.error) or type(message.error).__name__
        if isinstance(message.error, PortError):
            self._offer(f"{said}\n\nPress d to hear the built-in player through ports inside the program.")
        else:
            self._offer(f"The session has ended: {said}\n\nPress q to leave.")

    def _offer(self, text: str) -> None:
        for offer in self._found("#offer", Static):
            offer.update(text)
            offer.screen.set_class(bool(text), "-offer")

    def _begin_demo(self) -> None:
        self._demo = Demo(lambda: self.playing.session)
        self._tell_demo()

    def _tell_demo(self) -> None:
        is_running = self.snapshot is not None and self.snapshot.running
        self._say(f"The built-in player plays; press {'' if is_running else 'space to start, '}d to end it.")

    def _end_demo(self) -> None:
        if self._demo is not None:
            self._demo.stop()
            self._demo = None
            self._say("")

    def _say(self, text: str) -> None:
        for line in self._found("#message", Static):
            line.update(text)


def run(
    settings: Settings,
    demo: bool = False,
    first_time: bool = False,
    make: Callable[[Settings], Session] | None = None,
) -> int:
    """Show the interface until the user leaves, and return the exit status.

    With `demo` the built-in player plays; who is here for the first time is told what there is. `make` makes the
    session, where it is to be another than the usual one.
    """
    from composer.live.session import Session

    app = ComposerApp(settings, lambda settings: _prompt((make or Session)(settings)), demo)
    app.first_time = first_time
    try:
        app.run()
    finally:
        app.playing.close()
    return app.return_code or 0


def _prompt(session: Session) -> Session:
    """Return the session, after having made the process fit to answer keys at once while it draws."""
    # A key passes through three threads before it is seen, and each may wait this long for the interpreter.
    sys.setswitchinterval(0.001)
    # What has been imported and composed until now stays; to go through it again and again would stop every thread.
    gc.freeze()
    return session
