"""The dialog over long work: how far it is, and one key that gives it up."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import ProgressBar, Static

from composer.live.job import Job, Request
from composer.tui.fitting import Fitting


class Working(Fitting, ModalScreen[Path | None]):
    """Run one request; dismissed with the file that was written, or None when it failed or the user gave it up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Cancel", tooltip="Give it up; nothing is written")
    ]

    class Moved(Message):
        """The work has come to `share` of its whole."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    class Ended(Message):
        """The work has written `path`, or failed with a sentence."""

        def __init__(self, path: Path | None, said: str) -> None:
            super().__init__()
            self.path, self.said = path, said

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._request = request
        self._job: Job | None = None
        self._is_over = False

    def compose(self) -> ComposeResult:
        """Say who does what, and how far it is."""
        with Vertical(id="working") as box:
            box.border_title = f"{self._request.generator}: {self._request.verb}"
            box.border_subtitle = "escape: give it up"
            yield ProgressBar(total=1.0, show_eta=False, id="share")
            yield Static("The music goes on meanwhile.", id="said")

    def on_mount(self) -> None:
        """Begin."""
        self.run_worker(self._begin, thread=True)

    def on_unmount(self) -> None:
        """Leave no process behind."""
        self._is_over = True
        if self._job is not None:
            self._job.cancel()

    def _begin(self) -> None:
        job = Job(self._request, lambda share: self._post(self.Moved(share)), lambda *end: self._post(self.Ended(*end)))
        self._job = job
        if self._is_over:
            job.cancel()

    def _post(self, message: Message) -> None:
        self.post_message(message)

    @on(Moved)
    def _moved(self, message: Moved) -> None:
        self.query_one(ProgressBar).update(progress=message.share)

    @on(Ended)
    def _ended(self, message: Ended) -> None:
        if self._is_over:
            return
        self._is_over = True
        if message.path is None:
            self.app.notify(message.said, severity="error", markup=False)
        self.dismiss(message.path)

    def action_cancel(self) -> None:
        """Give it up."""
        if not self._is_over:
            self._is_over = True
            self.dismiss(None)
