"""What the interface costs is measured on a pseudo terminal; nothing is asserted of how much it is."""

import sys

import pytest

from composer.live.settings import Settings
from composer.tui import bench

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")


@pytest.mark.slow
def test_keys_are_seen_on_the_screen_and_the_work_is_counted(tmp_path):
    settings = Settings(generator="markov", internal_ports=True, duration=6.0, stats=tmp_path / "stats.json")
    stats, costs = bench.play(settings)

    assert stats.notes_out > 0
    assert 0 == stats.sounding_at_exit
    assert costs["key_ms"]["n"] >= len(bench.KEYS)
    assert 0 < costs["key_ms"]["p50"] < bench.PATIENCE_SECONDS * 1000
    assert costs["list_ms"]["n"] >= 1
    assert costs["core_share"] > 0


def test_a_share_is_what_was_worked_inside_the_time():
    samples = [(0.0, 5.0), (1.0, 6.0), (2.0, 6.25), (3.0, 6.5), (4.0, 9.0)]

    assert 0.25 == bench._share(samples, 1.0, 3.5)
