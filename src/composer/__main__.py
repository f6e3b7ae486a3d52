"""Run the command line as `python -m composer`, and so under torchrun."""

from __future__ import annotations

import sys

from composer.cli import main

sys.exit(main())
