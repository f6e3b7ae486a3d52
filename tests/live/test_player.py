import pytest

from composer.live.player import PlannedNote, Player


def note(onset, duration, pitch, id=None):
    return PlannedNote(onset, duration, pitch, 80, 0, pitch if id is None else id)


def played(player, tick):
    """Return what is due up to `tick` as (tick, kind, pitch); every note begins."""
    out = []
    for due in player.due(tick):
        if due.begins:
            player.begin(due.note)
        out.append((due.tick, "on" if due.begins else "off", due.note.pitch))
    return out


def test_notes_come_in_order_of_time_and_ends_before_beginnings():
    player = Player()
    player.replace_from(0, [note(480, 240, 62), note(0, 480, 60)])

    assert [(0, "on", 60), (480, "off", 60), (480, "on", 62), (720, "off", 62)] == played(player, 720)


def test_nothing_comes_before_it_is_due():
    player = Player()
    player.replace_from(0, [note(480, 240, 62)])

    assert ([], 480) == (played(player, 479), player.next_tick())


def test_a_note_ends_within_one_asking_even_when_it_was_late():
    player = Player()
    player.replace_from(0, [note(0, 10, 60)])

    assert [(0, "on", 60), (10, "off", 60)] == played(player, 1000)


def test_a_revision_forgets_what_has_not_begun_from_its_tick_on():
    player = Player()
    player.replace_from(0, [note(0, 480, 60), note(480, 480, 62), note(960, 480, 64)])
    player.replace_from(960, [note(960, 480, 67)])
    ons = [pitch for _, kind, pitch in played(player, 2000) if kind == "on"]

    assert [60, 62, 67] == ons


def test_a_revision_leaves_a_sounding_note_alone():
    player = Player()
    player.replace_from(0, [note(0, 960, 60)])
    played(player, 0)
    player.replace_from(0, [])

    assert [(960, "off", 60)] == played(player, 960)


def test_a_note_that_has_begun_is_not_begun_again_by_a_revision_that_did_not_know():
    player = Player()
    player.replace_from(0, [note(0, 960, 60, id=1)])
    played(player, 10)
    player.replace_from(0, [note(0, 960, 60, id=1), note(480, 10, 62, id=2)])

    assert [(480, "on", 62), (490, "off", 62), (960, "off", 60)] == played(player, 960)


def test_a_note_that_was_not_sent_has_no_end():
    player = Player()
    player.replace_from(0, [note(0, 10, 60)])
    list(player.due(5))

    assert None is player.next_tick()


def test_forgetting_leaves_nothing():
    player = Player()
    player.replace_from(0, [note(0, 480, 60), note(480, 480, 62)])
    played(player, 0)
    player.forget()

    assert (None, 0) == (player.next_tick(), len(player))


@pytest.mark.parametrize(
    "fields",
    [
        (0, 0, 60, 80, 0),
        (0, float("nan"), 60, 80, 0),
        (float("inf"), 1, 60, 80, 0),
        (0, 1, 128, 80, 0),
        (0, 1, 60, 0, 0),
        (0, 1, 60, 80, 16),
    ],
)
def test_a_note_that_midi_cannot_say_is_refused(fields):
    with pytest.raises(ValueError, match="note 1"):
        PlannedNote(*fields, 1)
