import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.music import Meter, Note
from composer.tui.layout import Fit, Kind, View, bar_lines, fit, labels, layout, position, ruler, view

FOUR = (Meter(0),)
CHANGING = (Meter(0), Meter(1920, 2, 4))
NARROW = View(width=12, height=3, now=6, ticks=60, origin=0, fit=Fit(60))
HALVED = View(width=12, height=3, now=6, ticks=60, origin=0, fit=Fit(60, per_row=2))


def drawn(view, *kinds, meters=FOUR):
    return [row.text for row in layout(view, meters, *kinds)]


def test_a_quarter_of_the_player_is_four_dense_cells_that_end_a_little_early():
    assert ["│     ┃     ", "│   ⣿⣿⣿⡇    ", "│   · ┃ ·   "] == drawn(NARROW, [Note(480, 61, 480)], [], [])


def test_a_committed_note_is_solid():
    assert ["│     ┃     ", "│   ███▌    ", "│   · ┃ ·   "] == drawn(NARROW, [], [Note(480, 61, 480)], [])


def test_an_intended_note_is_an_outline():
    assert ["│     ┃     ", "│   ⣏⣉⣉⡇    ", "│   · ┃ ·   "] == drawn(NARROW, [], [], [Note(480, 61, 480)])


def test_two_pitches_share_a_row_as_its_halves():
    low, high = Note(480, 60, 240), Note(480, 63, 240)

    assert ["│     ┃     ", "│   ▀▘┃     ", "│   ▄▖┃ ·   "] == drawn(HALVED, [], [low, high], [])


def test_the_player_is_drawn_over_the_machine():
    assert drawn(NARROW, [Note(0, 60, 480)], [], []) == drawn(NARROW, [Note(0, 60, 480)], [Note(0, 60, 480)], [])


@pytest.mark.parametrize(("kind", "shared"), [(0, "⣿"), (1, "█"), (2, "⣿")])
def test_two_notes_that_share_a_cell_are_both_seen(kind, shared):
    notes = [[], [], []]
    notes[kind] = [Note(120, 61, 60), Note(180, 61, 60)]

    assert f"│{shared}    ┃     " == drawn(NARROW, *notes)[1]


@pytest.mark.parametrize(("kind", "shared"), [(0, "⣿⡇"), (1, "█▌"), (2, "⣏⡇")])
def test_two_pitches_that_share_a_row_are_both_seen(kind, shared):
    notes = [[], [], []]
    notes[kind] = [Note(120, 62, 240), Note(120, 63, 240)]

    assert f"│{shared}   ┃     " == drawn(HALVED, *notes)[1]


def test_a_repeated_note_is_seen_to_begin_again():
    assert "█▌█▌· ┃ ·   " == drawn(NARROW, [], [Note(0, 60, 240), Note(240, 60, 240)], [])[2]


def test_a_note_under_the_now_line_is_marked_as_sounding():
    row = layout(NARROW, FOUR, [], [Note(480, 61, 480)], [])[1]

    assert [Kind.COMMITTED, Kind.COMMITTED, Kind.SOUNDING, Kind.COMMITTED] == list(row.kinds[4:8])


def test_notes_beyond_the_edges_are_cut():
    wide = Note(0, 60, 48000)
    later = View(width=4, height=1, now=2, ticks=60, origin=100, fit=Fit(60))

    assert ["████"] == drawn(later, [], [wide], [])


def test_notes_above_and_below_the_register_are_not_drawn():
    assert drawn(NARROW, [], [], []) == drawn(NARROW, [Note(0, 59, 480), Note(0, 63, 480)], [], [])


@pytest.mark.parametrize(
    ("meters", "expected"),
    [
        (FOUR, [(1, 0), (2, 16)]),
        ((Meter(0, 3, 4),), [(1, 0), (2, 12), (3, 24)]),
        ((Meter(0, 6, 8),), [(1, 0), (2, 12), (3, 24)]),
        (CHANGING, [(1, 0), (2, 16), (3, 24)]),
    ],
)
def test_bar_lines_stand_where_the_meters_say(meters, expected):
    assert expected == bar_lines(View(width=28, height=1, now=6, ticks=60, origin=0, fit=Fit(60)), meters)


def test_no_bar_line_is_drawn_before_the_beginning():
    assert [(1, 12)] == bar_lines(view(0, 20, 1, Fit(60)), FOUR)


def test_the_now_line_stays_where_it_is_while_ticks_pass():
    assert {48} == {view(tick, 80, 20, Fit(60)).column(tick) for tick in (0, 1, 59, 60, 12345.6)}


def test_a_page_stands_still_until_the_line_has_wandered_to_its_place():
    pages = {tick: view(tick, 80, 20, Fit(60), first=0) for tick in (0, 480, 5760, 5880)}

    assert {0: (0, 0), 480: (0, 4), 5760: (0, 48), 5880: (120, 48)} == {
        tick: (page.start, page.now) for tick, page in pages.items()
    }
    assert all(page.now == page.column(tick) for tick, page in pages.items())


@pytest.mark.parametrize(
    ("tick", "meters", "expected"),
    [
        (0, FOUR, (1, 1)),
        (1919.9, FOUR, (1, 4)),
        (1920, FOUR, (2, 1)),
        (-1, FOUR, (0, 4)),
        (720, (Meter(0, 6, 8),), (1, 4)),
        (1919, CHANGING, (1, 4)),
        (3840, CHANGING, (4, 1)),
    ],
)
def test_position_counts_bars_and_beats_from_one(tick, meters, expected):
    assert expected == position(tick, meters)


def test_every_c_has_a_label():
    assert ["    ", " C4 ", "    "] == labels(View(12, 3, 6, 60, 0, Fit(59)))


def test_the_ruler_leaves_out_what_does_not_fit():
    assert "Am  F       " == ruler(NARROW, [(-3, "Am"), (4, "F"), (5, "G"), (30, "C")])


def test_the_register_shows_a_few_notes_one_pitch_a_row():
    assert 1 == fit(None, [60, 64, 67], 20).per_row


def test_the_register_stays_while_it_will_do():
    before = fit(None, [48, 60, 72], 20)

    assert before is fit(before, [50, 62, 70], 20)


def test_the_register_closes_in_when_there_is_room_to_spare():
    assert 1 == fit(Fit(36, 2), [60, 64, 67], 20).per_row


pitches = st.lists(st.integers(0, 127), min_size=1, max_size=6)


@given(pitches, pitches, st.integers(11, 60))
def test_every_pitch_has_a_row(earlier, later, rows):
    register = fit(fit(None, earlier, rows), later, rows)

    assert all(0 <= View(20, rows, 12, 60, 0, register).row(pitch) < rows for pitch in later)


notes = st.lists(
    st.builds(Note, onset=st.integers(0, 4000), pitch=st.integers(30, 90), duration=st.integers(1, 2000)), max_size=8
)


@given(notes, notes, notes, st.floats(-2000, 6000), st.integers(1, 200), st.integers(1, 60))
def test_every_row_is_as_wide_as_the_grid(player, committed, intended, tick, width, height):
    rows = layout(view(tick, width, height, fit(None, [60], height)), FOUR, player, committed, intended)

    assert [width] * height == [len(row.text) for row in rows] == [len(row.kinds) for row in rows]
