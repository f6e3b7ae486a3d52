"""The rooms beside the play screen: takes, files, presets, help; and the key that keeps what was played."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.events import Mount, Unmount
from textual.message import Message
from textual.screen import Screen

from composer import preferences, shelf
from composer.errors import ComposerError, UsageError
from composer.live.audition import Audition
from composer.live.settings import Settings
from composer.live.steering import Steering
from composer.music import Score
from composer.tui import here, messages
from composer.tui.file_screen import FileScreen
from composer.tui.help import Help
from composer.tui.presets import Presets
from composer.tui.sides import Side, Sides
from composer.tui.takes import Shelf
from composer.tui.tutorial import Tutorial

if TYPE_CHECKING:
    from composer.live.settings import Sync
    from composer.live.snapshot import Snapshot
    from composer.tui.session_thread import SessionThread

_STOP_SECONDS = 1.0


class Rooms(App[int]):
    """Open the rooms, keep takes, and let a score be heard through the session's port."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k,f8", "keep(8)", "Keep", key_display="k", tooltip="Keep the last 8 bars"),
        Binding("f4", "keep(4)", "Keep 4", show=False, tooltip="Keep the last 4 bars"),
        Binding("f6", "keep(16)", "Keep 16", show=False, tooltip="Keep the last 16 bars"),
        Binding("f9", "keep(0)", "Keep all", show=False, tooltip="Keep everything since the beginning"),
        Binding("S,f2", "shelf", "Takes", show=False, key_display="S", tooltip="The shelf of kept takes"),
        Binding("F,f3", "files", "Files", show=False, key_display="F", tooltip="Open a MIDI file and work on it"),
        Binding("H,f1,question_mark", "help", "Help", key_display="H", tooltip="Every key, and what there is here"),
        Binding("T", "tutorial", "Tutorial", show=False, tooltip="Three minutes that show the instrument"),
        Binding("N", "next_step", "Next step", show=False, tooltip="Go on to the next step of the tutorial"),
        Binding("L", "sound", "Sound", show=False, tooltip="Listen here: sound through FluidSynth, without a DAW"),
        Binding("ctrl+z", "suspend", "Suspend", show=False, tooltip="Stop, and go to the shell; fg comes back"),
        Binding("P,f5", "presets", "Presets", show=False, key_display="P", tooltip="Save and recall settings by name"),
    ]
    playing: SessionThread
    snapshot: Snapshot | None
    sides: Sides
    _settings: Settings
    _audition: Audition | None = None
    first_time = False
    """Whether the user has never been here."""

    def __init__(self) -> None:
        super().__init__()
        self.done: set[str] = set()
        """What the user did since the tutorial's step began, by the names of the messages."""

    # Keeping, and ways out of the terminal

    def action_keep(self, bars: int) -> None:
        """Keep the last `bars` bars, everything when 0."""
        self.post_message(messages.KeepAsked(bars or None))

    @on(messages.KeepAsked)
    @work(group="keep")
    async def _keep(self, message: messages.KeepAsked) -> None:
        try:
            take = await self._kept(message.bars)
        except ComposerError as error:
            self.notify(str(error), severity="warning", markup=False)
            return
        bars_, s = take.bars, "s" * (take.bars != 1)
        self.notify(f"Kept {bars_} bar{s}, {take.notes} notes: {take.name}. Press S to see the takes.", markup=False)
        self.post_message(messages.Kept(take))

    async def _kept(self, bars: int | None) -> shelf.Take:
        session, snapshot, path = self.playing.session, self.snapshot, self._settings.journal
        if session is None or snapshot is None or path is None:
            raise UsageError("Nothing is being recorded here.")
        facts = session.facts()
        return await asyncio.to_thread(shelf.keep, path, snapshot.tick, bars, facts, running=snapshot.running)

    @work
    async def hang_up(self) -> None:
        """Keep everything and leave: whoever closes the terminal has not said that nothing is worth keeping."""
        with suppress(ComposerError):
            await self._kept(None)
        self.exit(0)

    async def action_suspend(self) -> None:
        """Stop what plays, since nothing could answer while the process sleeps, and let the shell have the terminal."""
        session, patience = self.playing.session, time.monotonic() + _STOP_SECONDS
        if session is not None and session.snapshot().running:
            session.stop()
            # A host's clock is not ours to stop; what is planned ends by itself.
            while session.snapshot().running and time.monotonic() < patience:
                await asyncio.sleep(0.01)
        self.action_suspend_process()

    @on(Mount)
    def _redraw_when_resumed(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def on_paste(self) -> None:
        """Take pasted text for nothing: its letters are no keys."""
        self.notify("What is pasted is no command here.", severity="warning")

    # Help

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Add every key that is bound here to the command palette."""
        yield from super().get_system_commands(screen)
        for binding in Rooms.BINDINGS:
            if isinstance(binding, Binding):
                yield SystemCommand(
                    binding.description,
                    f"{binding.tooltip} ({binding.key.split(',')[0]})",
                    self._runner(binding.action),
                )

    def _runner(self, action: str) -> Callable[[], None]:
        def run() -> None:
            self.call_later(self.run_action, action)

        return run

    @on(Mount)
    def _welcome(self) -> None:
        if self.first_time:
            self._greet()

    @work
    async def _greet(self) -> None:
        """Say what is here, what is missing and what still works, once."""
        found = await asyncio.to_thread(here.findings)
        for is_there, text in found:
            if not is_there:
                self.notify(text, severity="warning", timeout=12, markup=False)
        self.notify("First time here? T: a tutorial of three minutes. H: every key.", timeout=12)
        with suppress(ComposerError):
            await asyncio.to_thread(preferences.save, preferences.read())

    def action_help(self) -> None:
        """Show every key, and what there is on this machine."""
        if not isinstance(self.screen, Help):
            rooms: dict[str, type] = {
                "While playing": type(self),
                "Takes (S)": Shelf,
                "Files (F)": FileScreen,
                "Presets (P)": Presets,
            }
            self.push_screen(Help(rooms))

    def action_tutorial(self) -> None:
        """Begin or end the tutorial."""
        stage = self.screen_stack[0]
        if found := stage.query(Tutorial):
            found.remove()
        else:
            # Not at the foot, where what is said about each step would cover it.
            stage.mount(Tutorial(id="tutorial"), before="#middle")

    def action_next_step(self) -> None:
        """Go on in the tutorial."""
        for tutorial in self.screen_stack[0].query(Tutorial):
            tutorial.next()

    @on(messages.Kept)
    @on(messages.Panicked)
    @on(messages.DemoToggled)
    @on(messages.ControlMoved)
    def _note(self, message: Message) -> None:
        self.done.add(type(message).__name__)

    # Rooms

    def action_shelf(self) -> None:
        """Open the shelf."""
        if not isinstance(self.screen, Shelf):
            self.push_screen(Shelf(), lambda _: self.done.add("ShelfLeft"))

    def action_files(self) -> None:
        """Ask for a MIDI file and open it."""
        if not isinstance(self.screen, FileScreen):
            self.open_file()

    def open_file(self, path: Path | None = None) -> None:
        """Open a MIDI file as a roll, to be worked on by the generator that plays."""
        playing = self.snapshot.generator if self.snapshot is not None else ""
        self.push_screen(FileScreen(playing or self._settings.generator, path))

    def action_presets(self) -> None:
        """Open the presets."""
        if not isinstance(self.screen, Presets):
            self.push_screen(Presets(self._present()), self._recall)

    def _present(self) -> dict[str, Any]:
        """Return the settings in force, as a preset holds them."""
        settings, snapshot = self._settings, self.snapshot
        if snapshot is None:
            return preferences.of(settings)
        meter = (snapshot.meter.numerator, snapshot.meter.denominator)
        # The tempo of a host's clock is the host's.
        tempo = snapshot.timeline.tempo if snapshot.source == "internal" else settings.tempo
        side = self.sides.current
        settings = replace(settings, generator=side.generator, params=side.params, role=snapshot.role)
        settings = replace(settings, steering=snapshot.steering.set)
        settings = replace(settings, tempo=round(tempo, 2), meter=meter, sync=cast("Sync", snapshot.source))
        return preferences.of(settings)

    def _recall(self, values: dict[str, Any] | None) -> None:
        """Play with the settings of a preset; what a running session cannot change is told."""
        if values is None or (session := self.playing.session) is None:
            return
        settings = preferences.apply(Settings(), values)
        self._play_side(replace(self.sides, current=Side(settings.generator, settings.params)))
        session.set_role(settings.role)
        session.set_steering({**Steering.neutral(), **settings.steering})
        session.set_sync(settings.sync)
        if settings.sync == "internal":
            session.set_tempo(settings.tempo)
        session.set_meter(*settings.meter)
        later = sorted(values.keys() - {"generator", "params", "steering", "role", "sync", "tempo", "meter"})
        if later:
            self.notify(f"{', '.join(later)}: from the next start on, with --preset", markup=False)

    def _play_side(self, sides: Sides) -> None:
        """Play with the current one of `sides`."""
        self.sides = sides
        if (session := self.playing.session) is not None:
            session.set_generator(*sides.current)

    # Hearing

    def action_sound(self) -> None:
        """Begin or end the built-in preview."""
        if (session := self.playing.session) is None:
            self.notify("There is nothing to hear yet.", severity="warning")
        else:
            session.toggle_sound()

    @property
    def heard_at(self) -> float | None:
        """Return the tick that is heard, None when nothing is."""
        return self._audition.tick if self._audition is not None and self._audition.playing else None

    def hear(self, score: Score, start: int = 0) -> None:
        """Play a score from `start` through the session's port; the machine stops for it."""
        self.hush()
        if (session := self.playing.session) is None:
            self.notify("There is no port to hear it through.", severity="warning")
            return
        if self.snapshot is not None and self.snapshot.running:
            session.stop()
        self._audition = Audition(session, score, start)

    @on(messages.Panicked)
    @on(messages.Stopped)
    @on(messages.TransportToggled)
    def hush(self) -> None:
        """End what is heard."""
        audition, self._audition = self._audition, None
        if audition is not None:
            audition.stop()

    @on(Unmount)
    def _leave(self) -> None:
        self.hush()
