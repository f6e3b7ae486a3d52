import pytest

from composer.live.clock import ManualClock, SystemClock


def test_manual_clock_moves_only_when_asked():
    clock = ManualClock(2.0)
    clock.advance(0.5)

    assert 2.5 == clock.now()


def test_manual_clock_never_goes_back():
    with pytest.raises(ValueError, match="cannot go back by 1"):
        ManualClock().advance(-1)


def test_system_clock_never_goes_back():
    clock = SystemClock()
    first = clock.now()

    assert first <= clock.now()
