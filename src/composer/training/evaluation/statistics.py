"""How sure a figure is: standard errors over songs, and differences paired by song."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = Sequence[float] | NDArray[np.float64]


def standard_error(values: Floats) -> float:
    """Return the standard error of the mean over songs, 0.0 of fewer than two."""
    return round(float(np.std(values, ddof=1) / np.sqrt(len(values))), 4) if len(values) > 1 else 0.0


def paired(ours: Floats, theirs: Floats) -> float:
    """Return how likely so great a difference is by chance: Wilcoxon's signed-rank test over the same songs (1945)."""
    from scipy.stats import wilcoxon

    if len(ours) < 2 or np.allclose(ours, theirs):
        return 1.0
    return round(float(wilcoxon(ours, theirs).pvalue), 4)
