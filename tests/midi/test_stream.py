"""The rule by which note-ons and note-offs are paired."""

from hypothesis import given
from hypothesis import strategies as st

from composer.midi.stream import HeldNote, NoteTracker, PlayedNote, messages


def played(*events):
    tracker = NoteTracker()
    return [note for tick, data in events for note in tracker.feed(tick, data)]


def test_an_off_ends_the_note_of_its_pitch_and_channel():
    notes = played((0, (0x90, 60, 90)), (0, (0x91, 60, 91)), (10, (0x81, 60, 0)), (20, (0x80, 60, 0)))

    assert [PlayedNote(0, 10, 60, 91, 1), PlayedNote(0, 20, 60, 90, 0)] == notes


def test_of_equal_pitches_the_first_on_is_ended_first():
    notes = played((0, (0x90, 60, 1)), (5, (0x90, 60, 2)), (8, (0x80, 60, 0)), (20, (0x80, 60, 0)))

    assert [PlayedNote(0, 8, 60, 1, 0), PlayedNote(5, 15, 60, 2, 0)] == notes


def test_a_note_on_of_velocity_0_is_a_note_off():
    assert [PlayedNote(0, 7, 60, 90, 0)] == played((0, (0x90, 60, 90)), (7, (0x90, 60, 0)))


def test_all_notes_off_ends_its_own_channel():
    notes = played((0, (0x90, 60, 90)), (0, (0x91, 62, 90)), (5, (0xB0, 123, 0)))

    assert [PlayedNote(0, 5, 60, 90, 0)] == notes


def test_an_off_without_a_note_and_other_messages_do_nothing():
    assert [] == played((0, (0x80, 60, 0)), (1, (0xC0, 5)), (2, (0xF8,)), (3, (0xE0, 0, 64)), (4, (0xB0, 64, 127)))


def test_held_notes_are_known_and_close_ends_them():
    tracker = NoteTracker()
    tracker.feed(3, (0x90, 64, 80))
    tracker.feed(1.5, (0x90, 60, 70))

    assert (HeldNote(1.5, 60, 70, 0), HeldNote(3, 64, 80, 0)) == tracker.held
    assert [PlayedNote(1.5, 8.5, 60, 70, 0), PlayedNote(3, 7, 64, 80, 0)] == tracker.close(10)
    assert () == tracker.held


def test_offs_come_before_ons_at_one_tick():
    notes = [PlayedNote(0, 10, 60, 90, 0), PlayedNote(10, 10, 60, 91, 0), PlayedNote(10, 5, 48, 92, 2)]

    assert [
        (0, (0x90, 60, 90)),
        (10, (0x80, 60, 0)),
        (10, (0x90, 60, 91)),
        (10, (0x92, 48, 92)),
        (15, (0x82, 48, 0)),
        (20, (0x80, 60, 0)),
    ] == messages(notes)


NOTES = st.lists(
    st.builds(
        PlayedNote,
        st.integers(0, 50),
        st.integers(1, 50),
        st.integers(60, 62),
        st.integers(1, 127),
        st.integers(0, 2),
    )
)


@given(NOTES)
def test_messages_give_back_the_notes_that_do_not_cross(notes):
    """Notes of one pitch end in the order in which they begin; everything else is kept."""
    ends: dict[tuple[int, int], list[float]] = {}
    for note in notes:
        ends.setdefault((note.channel, note.pitch), []).append(note.onset + note.duration)
    expected = []
    for key, moments in ends.items():
        line = sorted(
            (n for n in notes if (n.channel, n.pitch) == key), key=lambda n: (n.onset, n.duration, n.velocity)
        )
        expected += [n._replace(duration=end - n.onset) for n, end in zip(line, sorted(moments), strict=True)]

    assert sorted(expected) == sorted(played(*messages(notes)))


@given(st.lists(st.tuples(st.integers(0, 100), st.lists(st.integers(0, 255), max_size=3))))
def test_every_note_on_is_ended_once(events):
    tracker = NoteTracker()
    ended = [note for tick, data in events for note in tracker.feed(tick, data)] + tracker.close(200)
    begun = [data for _, data in events if len(data) == 3 and data[0] & 0xF0 == 0x90 and data[2] > 0]

    assert len(begun) == len(ended)
    assert min((note.duration for note in ended), default=0) >= 0
