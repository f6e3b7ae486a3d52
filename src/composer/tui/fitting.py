"""A screen that is too small for what is on it hides it, and says what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.widget import Widget as _Base
else:
    # Style sheets know a screen by its first base that is a widget, which has to be Textual's.
    _Base = object

LEAST_WIDTH, LEAST_HEIGHT = 60, 14
TOO_NARROW, TOO_LOW = "-slim", "-flat"
"""The classes of a screen with too few columns or rows; composer.tcss hides what is on it then."""


class Fitting(_Base):
    """Be mixed into a screen, before its base."""

    def render(self) -> RenderableType:
        """Draw nothing, or the size that is needed."""
        if self.has_class(TOO_NARROW) or self.has_class(TOO_LOW):
            return (
                f"Composer needs {LEAST_WIDTH} x {LEAST_HEIGHT} cells; this is {self.size.width} x {self.size.height}."
            )
        return cast("RenderableType", super().render())
