from composer.live.demo import LENGTH, MELODY, Melody
from composer.music import Note

TWO = (Note(0, 60, 100, 90), Note(240, 62, 100, 90))
ON_60, OFF_60 = bytes((0x90, 60, 90)), bytes((0x80, 60, 0))
ON_62, OFF_62 = bytes((0x90, 62, 90)), bytes((0x80, 62, 0))


def test_notes_begin_and_end_when_time_has_passed_them():
    melody = Melody(TWO, 480)

    assert [[ON_60], [], [OFF_60], [ON_62], [OFF_62]] == [melody.advance(tick) for tick in (3, 90, 110, 241, 400)]


def test_the_melody_begins_again_after_its_length():
    melody = Melody(TWO, 480)
    melody.advance(400)

    assert [ON_60] == melody.advance(481)


def test_a_jump_ends_what_sounds():
    melody = Melody(TWO, 480)
    melody.advance(241)

    assert [OFF_62, ON_60] == melody.advance(3)


def test_silence_ends_what_sounds_once():
    melody = Melody(TWO, 480)
    melody.advance(3)

    assert ([OFF_60], []) == (melody.silence(), melody.silence())


def test_the_ode_is_sixteen_bars_that_end_before_they_repeat():
    assert LENGTH - 40 == MELODY[-1].end
