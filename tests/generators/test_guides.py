"""Charts and loops go round, bar by bar, and are known ahead."""

import pytest

from composer.errors import FileError, UsageError
from composer.generators.guides import Guides
from composer.midi import files
from composer.music import DRUM_CHANNEL, Meter, Note, Part, Score, Span

BAR = 1920


def bars(part):
    """Return the onset and the pitch classes of what begins together."""
    found = {}
    for note in part.notes:
        found.setdefault(note.onset, set()).add(note.pitch % 12)
    return found


def test_a_chart_has_a_chord_a_bar_over_and_over():
    (chart,) = Guides.parse("C Am7", "").parts(Score(), Span(0, 3 * BAR))

    assert {0: {0, 4, 7}, BAR: {9, 0, 4, 7}, 2 * BAR: {0, 4, 7}} == bars(chart)
    assert {BAR} == {note.duration for note in chart.notes}


def test_the_root_of_a_chart_is_its_lowest_note():
    (chart,) = Guides.parse("G F#dim", "").parts(Score(), Span(0, 2 * BAR))

    assert [7, 6] == [min(n.pitch for n in chart.notes if n.onset == onset) % 12 for onset in (0, BAR)]


def test_a_chart_follows_the_meter_and_begins_anew_with_it():
    (chart,) = Guides.parse("C F G", "").parts(Score(meters=(Meter(0, 3, 4), Meter(2880, 7, 8))), Span(0, 6000))

    assert {0: {0, 4, 7}, 1440: {5, 9, 0}, 2880: {0, 4, 7}, 4560: {5, 9, 0}} == bars(chart)


def test_no_chord_is_a_rest():
    (chart,) = Guides.parse("N.C. C", "").parts(Score(), Span(0, 2 * BAR))

    assert {BAR: {0, 4, 7}} == bars(chart)


@pytest.fixture
def loop(tmp_path):
    """Return a loop of two bars of three quarters: a bass note and a kick."""
    path = tmp_path / "loop.mid"
    parts = (Part("Bass", (Note(0, 36, 480),), 1, 33), Part("Drums", (Note(1440, 36, 60),), DRUM_CHANNEL))
    files.write(Score(parts, meters=(Meter(0, 3, 4),)), path)
    return str(path)


def test_a_loop_lasts_whole_bars_of_its_own_and_goes_round(loop):
    bass, drums = Guides.parse("", loop).parts(Score(), Span(0, 6000))

    assert ("Loop Bass", 33, [0, 2880, 5760]) == (bass.name, bass.program, [n.onset for n in bass.notes])
    assert (True, [1440, 4320]) == (drums.is_drums, [n.onset for n in drums.notes])


def test_only_what_is_asked_for_is_made(loop):
    """An evening is long: its beginning is not made again for each question."""
    chart, bass, drums = Guides.parse("C F", loop).parts(Score(), Span(100 * 2880, 101 * 2880))

    assert [288_000, 289_920] == sorted({n.onset for n in chart.notes})
    assert ([288_000], [289_440]) == ([n.onset for n in bass.notes], [n.onset for n in drums.notes])


def test_what_cannot_guide_is_said_in_one_sentence(tmp_path):
    empty = tmp_path / "empty.mid"
    files.write(Score((Part("Nobody"),)), empty)
    with pytest.raises(UsageError, match="chords cannot be 'H7'"):
        Guides.parse("H7", "")
    with pytest.raises(UsageError, match="no notes"):
        Guides.parse("", str(empty))
    with pytest.raises(FileError, match="missing"):
        Guides.parse("", str(tmp_path / "missing.mid"))
