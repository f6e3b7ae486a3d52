"""The dialog that asks for a MIDI file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DirectoryTree, Input

from composer.tui.fitting import Fitting


class _MidiTree(DirectoryTree):
    """Show folders and MIDI files, and nothing hidden."""

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Return the paths worth showing."""
        shown = (path for path in paths if not path.name.startswith("."))
        return [path for path in shown if path.suffix.lower() in (".mid", ".midi") or path.is_dir()]


class OpenFile(Fitting, ModalScreen[Path | None]):
    """Let the user name or find a MIDI file; dismissed with its path, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", tooltip="Open nothing")]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def compose(self) -> ComposeResult:
        """Lay a line for the name over a tree to look in."""
        with Vertical(id="open") as box:
            box.border_title = "Open a MIDI file"
            box.border_subtitle = "enter: open · tab: to the folders and back · escape: back"
            yield Input(placeholder="song.mid", id="name")
            yield _MidiTree(self._folder, id="tree")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open the file that was named; the name of a folder shows that folder."""
        if event.value.strip():
            self._take(self._folder / Path(event.value.strip()).expanduser())

    def on_directory_tree_file_selected(self, event: DirectoryTree.FileSelected) -> None:
        """Open the file that was found."""
        self.dismiss(event.path)

    def _take(self, path: Path) -> None:
        if path.is_dir():
            self._folder = path
            self.query_one(DirectoryTree).path = path
        else:
            self.dismiss(path)
