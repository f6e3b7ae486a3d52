from composer.tui.tap import TapTempo


def tempo(*seconds):
    taps = TapTempo()
    return [taps.tap(at) for at in seconds][-1]


def test_one_tap_is_no_tempo():
    assert None is tempo(3.0)


def test_taps_half_a_second_apart_are_120_quarters_a_minute():
    assert 120.0 == tempo(1.0, 1.5, 2.0)


def test_one_tap_gone_astray_is_forgiven():
    assert 120.0 == tempo(1.0, 1.5, 2.0, 2.25, 2.75, 3.25)


def test_a_pause_begins_anew():
    assert 60.0 == tempo(1.0, 1.5, 9.0, 10.0)
