"""Three minutes that show the instrument: one step after the other, each done by doing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

if TYPE_CHECKING:
    from composer.live.snapshot import Snapshot
    from composer.tui.rooms import Rooms

_LOOKS_PER_SECOND = 4


@dataclass(frozen=True, slots=True)
class Lesson:
    """Hold what a step is judged by: how things were when it began, how they are, and what the user did meanwhile."""

    before: Snapshot
    now: Snapshot
    done: frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """Hold what the user reads, and when it has been done."""

    text: str
    is_done: Callable[[Lesson], bool]


STEPS = (
    Step(
        "Somebody has to play: your keyboard into composer's port, or the built-in player. Press d for its melody.",
        lambda lesson: lesson.now.counters.notes_in > 0 or "DemoToggled" in lesson.done,
    ),
    Step(
        "Press space: time begins. Dotted notes are played, solid ones answer, hollow ones may still change.",
        lambda lesson: lesson.now.running and lesson.now.tick - lesson.before.tick > 2 * lesson.now.meter.bar,
    ),
    Step(
        "No sound? L sounds it here through FluidSynth. Then press g and choose another generator: it takes over at "
        "the next bar line.",
        lambda lesson: lesson.now.generator != lesson.before.generator,
    ),
    Step(
        "Press r until the role is trade: four bars are yours, four the machine's.",
        lambda lesson: lesson.now.role == "trade",
    ),
    Step(
        "Press p, then the arrow keys: what can be set of this generator. p again takes you back to playing.",
        lambda lesson: lesson.now.params != lesson.before.params or "ControlMoved" in lesson.done,
    ),
    Step(
        "Was that good? Press k: the last 8 bars are kept. Nothing had to be armed before.",
        lambda lesson: "Kept" in lesson.done,
    ),
    Step(
        "Press S: the shelf. Space hears a take, v varies it, c continues it, e exports it; escape comes back.",
        lambda lesson: "ShelfLeft" in lesson.done,
    ),
    Step(
        "Press escape, or !: panic, silence at once. Time goes on, and so does the next answer.",
        lambda lesson: "Panicked" in lesson.done,
    ),
    Step(
        "That is all. H shows every key, ctrl+p every command by name, F opens a MIDI file, q leaves.", lambda _: False
    ),
)


class Tutorial(Static):
    """Show the step at hand; ended by the key that began it."""

    step: reactive[int] = reactive(0)

    def on_mount(self) -> None:
        """Look whether the step is done now and then."""
        self._before = self._rooms.snapshot
        self._rooms.done.clear()
        self.set_interval(1 / _LOOKS_PER_SECOND, self.look)

    @property
    def _rooms(self) -> Rooms:
        return cast("Rooms", self.app)

    def render(self) -> Content:
        """Return the step's number and text."""
        return Content.from_markup(
            "[b $text-accent]$number/$count[/]  $text  [dim]N: next · T: end[/]",
            number=self.step + 1,
            count=len(STEPS),
            text=STEPS[self.step].text,
        )

    def look(self) -> None:
        """Go on when the step is done."""
        now = self._rooms.snapshot
        if now is None:
            return
        self._before = self._before or now
        if STEPS[self.step].is_done(Lesson(self._before, now, frozenset(self._rooms.done))):
            self.next()

    def next(self) -> None:
        """Go on to the next step; the last one stays."""
        self.step = min(self.step + 1, len(STEPS) - 1)
        self._before = self._rooms.snapshot
        self._rooms.done.clear()
