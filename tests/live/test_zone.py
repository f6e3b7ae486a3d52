import pytest

from composer.live.zone import Zone, name


@pytest.mark.parametrize(
    ("pitches", "symbol"),
    [
        ((48, 52, 55), "C"),
        ((45, 48, 52), "Am"),
        ((45, 48, 52, 55), "Am7"),
        ((43, 47, 50, 53), "G7"),
        ((48, 52), "C"),
        ((48, 55), "C"),
        ((45, 48), "Am"),
        ((52, 55, 60), "C"),
        ((48, 53, 55), "Csus4"),
        ((53, 55, 60), "Fsus2"),
        ((47, 50, 53), "Bdim"),
    ],
)
def test_the_left_hand_names_a_chord(pitches, symbol):
    assert symbol == name(pitches).symbol


@pytest.mark.parametrize("pitches", [(), (48,), (48, 60)])
def test_one_pitch_class_names_none(pitches):
    assert name(pitches) is None


def test_a_chord_holds_until_the_next_one_is_named():
    zone = Zone()
    for pitch in (48, 52, 55):
        zone.on(0, pitch)
    for pitch in (48, 52, 55):
        zone.off(0, pitch)
    assert "C" == zone.chord.symbol
    assert not zone.on(0, 50)

    assert zone.on(0, 53)
    assert "Dm" == zone.chord.symbol
