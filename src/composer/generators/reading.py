"""Events of the block vocabulary in a decoder: what `blockstream` and `hearing` both do with one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.tokenizers import blocks as B
from composer.tokenizers.blocks import Ints


def read(decoder: Any, events: Ints) -> None:
    """Append events; they round together, so the same events read in other pieces are not quite the same."""
    decoder.append(B.input_rows(events), B.next_rows(events), events[:, B.TIME])


def look(decoder: Any, event: Ints) -> NDArray[np.float32]:
    """Return what is known of an event whose place alone counts, as if it came next."""
    known: NDArray[np.float32] = decoder.look(int(B.next_rows(event[None])[0]))
    return known


def slide(decoder: Any, starts: Sequence[int]) -> int:
    """Forget the oldest quarter of the window or a little more, up to one of `starts`; return the place of that one.

    `starts` rise, and count the steps ever read.
    """
    wanted = decoder.forgotten + decoder.context // 4
    keep = next((i for i, start in enumerate(starts) if start >= wanted), len(starts) - 1)
    decoder.forget(starts[keep] - decoder.forgotten)
    return keep
