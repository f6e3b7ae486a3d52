"""Bar lines that a score does not tell: pickups are heard by long notes, the bass, and where the harmony changes."""

from composer.music import Meter, Note, Part, Score
from composer.training.bars import barred, pickup_of

WALTZ = [
    note
    for bar, (bass, chord) in enumerate(((48, (64, 67)), (43, (65, 71)), (43, (62, 71)), (48, (64, 72))) * 3)
    for note in (
        Note(1440 * bar, bass, 1440),
        *(Note(1440 * bar + 480 * beat, pitch, 240) for beat in (1, 2) for pitch in chord),
    )
]
END = 1440 * 12


def after(pickup):
    return sorted([Note(0, 67, pickup), *(note.shift(pickup) for note in WALTZ)])


def test_the_bass_tells_where_the_bars_begin():
    assert 480 == pickup_of(after(480), 1440, END + 480, False)
    assert 240 == pickup_of(after(240), 1440, END + 240, False)


def test_music_on_the_bar_line_has_no_pickup():
    assert 0 == pickup_of(sorted(WALTZ), 1440, END, False)


def test_a_rest_at_the_beginning_is_no_pickup():
    assert 0 == pickup_of(after(480)[1:], 1440, END + 480, False)


def test_a_few_bars_are_too_short_to_tell():
    assert 0 == pickup_of(after(480)[:8], 1440, 4000, False)


def test_the_pickup_is_put_before_tick_0_plus_a_bar():
    score = barred(Score((Part("a", tuple(after(480))),), meters=(Meter(0, 3),)))

    assert [960, 1440] == [note.onset for note in score.parts[0].notes[:2]]
    assert (Meter(0, 3),) == score.meters


def test_a_later_movement_has_a_pickup_of_its_own():
    second = [note.shift(END) for note in after(480)]
    score = barred(Score((Part("a", tuple(sorted([*WALTZ, *second]))),), meters=(Meter(0, 3), Meter(END, 3))))

    assert (Meter(0, 3), Meter(END + 480, 3)) == score.meters
