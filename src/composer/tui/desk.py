"""The desk: what plays and how it is set, by keys, by the mouse and by MIDI that was learned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.widget import Widget

from composer.errors import ComposerError
from composer.tui import bindings, messages, readout
from composer.tui.actions import ACTIONS
from composer.tui.choose import ERAS, offer
from composer.tui.control_panel import ControlPanel
from composer.tui.controls import Control
from composer.tui.learning import Learning
from composer.tui.midi_screen import MidiScreen
from composer.tui.rooms import Rooms
from composer.tui.session_thread import SessionThread
from composer.tui.settling import Settling
from composer.tui.sides import Side, Sides

if TYPE_CHECKING:
    from composer.live.session import Session
    from composer.live.settings import Settings
    from composer.live.snapshot import Snapshot

_W = TypeVar("_W", bound=Widget)


class Desk(Rooms):
    """Choose and compare generators, move controls, and learn MIDI."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "tell('GeneratorListOpened')", "Era", tooltip="Choose who plays from the next bar"),
        Binding("c", "tell('SidesCompared')", "A/B", tooltip="Compare: play with the other of two settings, A and B"),
        Binding("p", "tell('ControlsToggled')", "Set", tooltip="Set the generator's parameters and the steering"),
        Binding("m", "tell('MidiListOpened')", "MIDI", show=False, tooltip="Bind pedals, pads and knobs"),
        *(Binding(str(n), f"choose({n})", "Era", show=False, tooltip=f"Play with generator {n}") for n in range(1, 10)),
    ]

    def __init__(self, settings: Settings, make: Callable[[Settings], Session]) -> None:
        super().__init__()
        self._make = make
        self._settings = settings
        self.snapshot: Snapshot | None = None
        self.playing = SessionThread(self._make_heard, self._tell_failure)
        self.sides = Sides(Side(settings.generator, settings.params))
        self.learning = Learning(self.post_message)
        self._settling = Settling()

    def _make_heard(self, settings: Settings) -> Session:
        # In the session's thread, where a file may be read.
        try:
            self.learning.bindings = bindings.read()
        except ComposerError as error:
            self.call_later(self.notify, str(error), severity="warning", markup=False)
        session = self._make(settings)
        session.listen(self.learning.hear)
        session.watch(lambda: self.post_message(messages.Told()))
        return session

    def action_tell(self, name: str) -> None:
        """Post the message called `name`, which says what the user wants."""
        self.post_message(getattr(messages, name)())

    # Generators

    def action_choose(self, number: int) -> None:
        """Take a generator by its place in the list, counted from 1."""
        if number <= len(ERAS):
            self._choose(ERAS[number - 1].name)

    @on(messages.GeneratorListOpened)
    async def _open_generators(self) -> None:
        await offer(self.screen, self.sides.current.generator, self._choose)

    def _choose(self, name: str) -> None:
        self.post_message(messages.GeneratorChosen(name))

    @on(messages.GeneratorChosen)
    def _set_generator(self, message: messages.GeneratorChosen) -> None:
        self._play_side(self.sides.chosen(message.name))

    @on(messages.SidesCompared)
    async def _compare(self) -> None:
        if self.sides.other is not None:
            self._play_side(self.sides.turned())
            return
        asked = f"{self.sides.other_letter}: compare with"
        await offer(
            self.screen, self.sides.current.generator, lambda name: self._play_side(self.sides.beside(name)), asked
        )

    def _play_side(self, sides: Sides) -> None:
        self.sides = sides
        self._settling.forget()
        self._command(lambda session: session.set_generator(*sides.current))

    # Controls

    @on(messages.ControlsToggled)
    def _toggle_controls(self) -> None:
        for controls in self._found("#controls", ControlPanel):
            is_over = controls.has_focus
            controls.screen.set_class(not is_over, "-controls")
            controls.screen.set_focus(None if is_over else controls)

    @on(messages.ControlMoved)
    def _move(self, message: messages.ControlMoved) -> None:
        self._settling.want(message.moved, message.text, time.monotonic())
        if self.snapshot is not None:
            self._settle(self.snapshot)

    def _settle(self, snapshot: Snapshot) -> None:
        """Ask the session for what was wished, and show controls as they are or are wished to be."""
        asked = self._settling.due(time.monotonic())
        if params := asked.get("generator"):
            self.sides = self.sides.changed(params)
            self._command(lambda session: session.set_params(params))
        if steering := asked.get("steering"):
            self._command(lambda session: session.set_steering(steering))
        if parts := asked.get("part"):
            self._assign(snapshot, parts)
        for controls in self._found("#controls", ControlPanel):
            if controls.display:
                bound = self.learning.bindings.items()
                learned = {target[4:]: trigger.label for target, trigger in bound if target.startswith("set ")}
                controls.show(readout.controls(snapshot), self._values(snapshot), learned)

    def _assign(self, snapshot: Snapshot, asked: Mapping[str, str]) -> None:
        for part in snapshot.parts:
            channel = int(asked.get(f"{part.name} channel", part.channel + 1)) - 1
            program = int(asked.get(f"{part.name} program", part.program + 1)) - 1
            if (channel, program) != (part.channel, part.program):
                self._command(lambda session, to=(part.name, channel, program): session.set_part(*to))  # type: ignore[misc]

    def _values(self, snapshot: Snapshot) -> dict[str, str]:
        return self._settling.over(readout.values(snapshot), time.monotonic())

    def _controls(self) -> dict[str, Control]:
        groups = readout.controls(self.snapshot) if self.snapshot is not None else []
        return {control.name: control for group in groups for control in group.controls}

    # MIDI that was learned

    @on(messages.MidiListOpened)
    def _open_midi(self) -> None:
        targets = {f"do {name}": action.help for name, action in ACTIONS.items()}
        targets |= {f"set {name}": control.help for name, control in self._controls().items()}
        # What is bound to another generator's control is shown too, because only here it can be forgotten.
        targets |= {name: "of another generator" for name in self.learning.bindings if name not in targets}
        self.push_screen(MidiScreen(targets, self.learning.bindings), lambda _: self._ask_to_learn(None))

    @on(messages.LearnAsked)
    def _learn(self, message: messages.LearnAsked) -> None:
        self._ask_to_learn(message.target)
        if message.target is not None and not isinstance(self.screen, MidiScreen):
            name = message.target.partition(" ")[2].replace("_", " ")
            self.notify(f"Move a knob or press a pad or pedal for {name} (escape: not now).", markup=False)

    def _ask_to_learn(self, target: str | None) -> None:
        self.learning.wanted = target

    @on(messages.MidiLearned)
    def _learned(self, message: messages.MidiLearned) -> None:
        name = message.target.partition(" ")[2].replace("_", " ")
        self.notify(f"{message.trigger.label} is {name} from now on.", markup=False)
        self._keep_bindings()

    @on(messages.BindingDropped)
    def _drop(self, message: messages.BindingDropped) -> None:
        self.learning.forget(message.target)
        self._keep_bindings()

    @work(group="bindings")
    async def _keep_bindings(self) -> None:
        if isinstance(self.screen, MidiScreen):
            self.screen.show(self.learning.bindings)
        try:
            await asyncio.to_thread(bindings.save, self.learning.bindings)
        except ComposerError as error:
            self.notify(str(error), severity="warning", markup=False)

    @on(messages.MidiMoved)
    def _midi_moved(self, message: messages.MidiMoved) -> None:
        verb, _, name = message.target.partition(" ")
        if verb == "do" and name in ACTIONS:
            self.post_message(ACTIONS[name].make())
        elif (control := self._controls().get(name)) is not None and self.snapshot is not None:
            is_press = control.options and message.kind != "control"
            before = self._values(self.snapshot).get(name, control.default)
            text = control.moved(before, 1) if is_press else control.at(message.value / 127)
            if text != before:
                self.post_message(messages.ControlMoved(control, text))

    # What every part of the interface needs

    def _tell_failure(self, error: Exception) -> None:
        self.post_message(messages.SessionFailed(error))

    def _found(self, selector: str, kind: type[_W]) -> Iterator[_W]:
        # The widgets lie under any dialog; none are there any more while the app ends and a last snapshot arrives.
        if self.screen_stack:
            with suppress(NoMatches):
                # Textual remembers where it found one, but not where it found several.
                yield self.screen_stack[0].query_one(selector, kind)

    def _command(self, command: Callable[[Session], None]) -> None:
        if (session := self.playing.session) is None:
            self.notify("There is no session to command.", severity="warning")
            return
        try:
            command(session)
        except (ComposerError, ValueError) as error:
            self.notify(str(error), severity="error", markup=False)
