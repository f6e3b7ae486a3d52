"""A piano roll shows every note where it sounds."""

from xml.etree import ElementTree

from composer.midi import files
from composer.midi.picture import ROW, draw, main
from composer.music import Meter, Note, Part, Score

SVG = "{http://www.w3.org/2000/svg}"
DUET = Score(
    (Part("Right <hand>", (Note(0, 72, 480), Note(480, 74, 480, 30))), Part("Left", (Note(1920, 48, 960),), 1))
)


def drawn(score, **how):
    """Return the note rectangles of each part's name, as (x, y, width, opacity)."""
    root = ElementTree.fromstring(draw(score, **how))
    return {
        group.find(f"{SVG}title").text: [
            tuple(float(rect.get(name)) for name in ("x", "y", "width", "opacity")) for rect in group.iter(f"{SVG}rect")
        ]
        for group in root.iter(f"{SVG}g")
    }


def test_a_later_note_stands_further_right_and_a_higher_one_further_up():
    (first, second), (low,) = drawn(DUET).values()

    assert first[0] < second[0] < low[0]
    assert 2 * ROW == first[1] - second[1]
    assert 24 * ROW == low[1] - first[1]


def test_a_longer_note_is_wider_and_a_louder_one_darker():
    (first, second), (low,) = drawn(DUET).values()

    assert low[2] > first[2]
    assert first[3] > second[3]


def test_parts_keep_their_names():
    assert ["Right <hand>", "Left"] == list(drawn(DUET))


def test_only_the_first_bars_are_drawn_when_asked():
    assert ["Right <hand>"] == list(drawn(DUET, last_bar=1))


def test_a_score_without_notes_has_a_picture():
    assert {} == drawn(Score(meters=(Meter(0, 7, 8),)))


def test_the_command_writes_the_picture_of_a_file(tmp_path, capsys):
    files.write(DUET, tmp_path / "in.mid")

    assert 0 == main([str(tmp_path / "in.mid"), "-o", str(tmp_path / "out.svg")])
    assert draw(DUET) == (tmp_path / "out.svg").read_text()
    assert 1 == main([str(tmp_path / "none.mid"), "-o", str(tmp_path / "other.svg")])
    assert "none.mid" in capsys.readouterr().err
