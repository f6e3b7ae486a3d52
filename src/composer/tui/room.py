"""A screen beside the play screen: it does things with files, says what cannot be done, and goes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from textual.screen import Screen

from composer.errors import ComposerError
from composer.tui.fitting import Fitting

if TYPE_CHECKING:
    from composer.tui.rooms import Rooms

T = TypeVar("T")


class Room(Fitting, Screen[None]):
    """Be a screen of an app that is `Rooms`."""

    @property
    def _rooms(self) -> Rooms:
        return cast("Rooms", self.app)

    def action_leave(self) -> None:
        """Go back to where the user came from; what is being heard here ends."""
        self._rooms.hush()
        self.dismiss(None)

    async def _done(self, what: Callable[[], T]) -> T | None:
        """Do what touches files beside the interface; None when it cannot be done, which the user reads."""
        try:
            return await asyncio.to_thread(what)
        except ComposerError as error:
            self._tell(error)
            return None

    def _tell(self, error: Exception) -> None:
        self.notify(str(error), severity="error", markup=False)
