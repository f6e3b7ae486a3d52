"""Takes: the bars that are kept, what is in their files, and that nothing is ever lost."""

import json
import os

import pytest

from composer import shelf
from composer.errors import FileError, UsageError
from composer.live.job import Job, Request, compose
from composer.midi import files
from composer.music import Meter, Note, Part, Score, Tempo

BAR = 1920
FACTS = {"generator": "markov", "seed": 5, "params": {"order": "2"}, "role": "accompany"}
SCALE = Score(
    (
        Part("Player", tuple(Note(n * BAR, 60 + n, 480) for n in range(8))),
        Part("Bass", tuple(Note(n * BAR + 960, 36 + n, 480) for n in range(8)), 1, 33),
    ),
    (Tempo(0, 96.0),),
)


def entry(tick, **what):
    return {"time": tick / 960, "tick": tick, **what}


@pytest.fixture
def journal(tmp_path):
    """Return a journal of eight bars: one note of the player and one of the machine's bass in each."""
    path = tmp_path / "journal"
    entries = [
        entry(0, running=True, tempo=96.0, meter=[4, 4]),
        entry(0, parts=[["Bass", 1, 33]]),
    ]
    for n in range(8):
        at = n * BAR
        entries += [entry(at, **{"in": [0x90, 60 + n, 80]}), entry(at + 480, **{"in": [0x80, 60 + n, 0]})]
        entries += [entry(at + 960, out=[0x91, 36 + n, 80]), entry(at + 1440, out=[0x81, 36 + n, 0])]
    path.write_text("".join(json.dumps(e) + "\n" for e in entries))
    return path


def firsts(score):
    return [note.pitch for note in score.parts[0].notes]


@pytest.mark.parametrize(
    ("now", "kept"),
    [
        (8 * BAR, [64, 65, 66, 67]),
        (8 * BAR + 700, [64, 65, 66, 67]),
        (8 * BAR - 100, [64, 65, 66, 67]),
        (8 * BAR - 700, [63, 64, 65, 66]),
        (2 * BAR, [60, 61]),
        (500, [60]),
    ],
)
def test_the_last_whole_bars_are_kept(now, kept):
    assert kept == firsts(shelf.last_bars(SCALE, now, 4))


def test_when_time_stands_the_bar_it_stands_in_counts():
    assert [62, 63] == firsts(shelf.last_bars(SCALE, 3 * BAR + 900, 2, running=False))


def test_everything_is_kept_up_to_now():
    assert list(range(60, 68)) == firsts(shelf.last_bars(SCALE, 8 * BAR - 900, None))


def test_what_is_kept_begins_at_the_beginning():
    found = shelf.last_bars(SCALE, 8 * BAR, 4)

    assert (Note(0, 64, 480), Note(960, 40, 480)) == (found.parts[0].notes[0], found.parts[1].notes[0])


def test_a_note_that_lasts_beyond_the_bars_ends_with_them():
    drone = Score((Part("Player", (Note(BAR, 60, 8 * BAR),)),))

    assert (Note(BAR, 60, BAR),) == shelf.last_bars(drone, 2 * BAR, 2).parts[0].notes


def test_bars_are_counted_in_the_meter_in_force():
    waltz = Score((Part("Player", tuple(Note(n * 1440, 60 + n, 480) for n in range(6))),), meters=(Meter(0, 3, 4),))

    assert [62, 63, 64, 65] == firsts(shelf.last_bars(waltz, 6 * 1440, 4))


def test_silence_is_not_kept():
    with pytest.raises(UsageError, match="nothing was played in the last 4 bars"):
        shelf.last_bars(SCALE, 20 * BAR, 4)


def test_a_take_has_the_player_and_the_machine_on_tracks_of_their_own(journal):
    take = shelf.keep(journal, 8 * BAR, 4, FACTS)
    written = files.read(take.path)

    assert [("Player", 0, 4), ("Bass", 33, 4)] == [(p.name, p.program, len(p.notes)) for p in written.parts]
    assert 96.0 == written.tempos[0].qpm


def test_a_take_says_who_played_it(journal):
    take = shelf.keep(journal, 8 * BAR, 4, FACTS)
    said = json.loads(files.comment(take.path))

    assert FACTS == {key: said[key] for key in FACTS}
    assert ("markov", 5, {"order": "2"}, ("Player",), 4) == (
        shelf.read(take.path).generator,
        take.seed,
        take.params,
        take.players,
        take.bars,
    )


def test_a_note_that_sounds_now_is_kept_up_to_now(tmp_path):
    path = tmp_path / "journal"
    held = [entry(0, running=True, tempo=120.0, meter=[4, 4]), entry(0, **{"in": [0x90, 60, 80]})]
    path.write_text("".join(json.dumps(e) + "\n" for e in held))

    assert (Note(0, 60, 700),) == shelf.keep(path, 700, None, FACTS).score.parts[0].notes


def test_takes_of_one_second_have_names_of_their_own(journal):
    names = {shelf.keep(journal, 8 * BAR, 4, FACTS).name for _ in range(3)}

    assert names == {take.name for take in shelf.takes()}
    assert 3 == len(names)


def test_a_file_that_is_no_music_is_left_out():
    (shelf.folder() / "broken.mid").write_bytes(b"no music")

    assert [] == shelf.takes()


def test_facts_of_other_programs_are_no_facts(tmp_path):
    path = tmp_path / "other.mid"
    files.write(SCALE, path, comment='{"seed": "x", "generator": 4, "params": [1], "role": "boss"}')
    take = shelf.read(path)

    assert ("markov", 0, {}, "accompany") == (take.generator, take.seed, take.params, take.role)


def test_what_was_deleted_comes_back():
    take = shelf.put(SCALE, FACTS)
    aside = shelf.delete(take)

    assert [] == shelf.takes()
    assert SCALE.parts == shelf.restore(aside).score.parts
    assert [take.name] == [take.name for take in shelf.takes()]


def test_two_deleted_takes_of_one_name_both_come_back():
    for _ in range(2):
        take = shelf.put(SCALE, FACTS)
        take.path.rename(shelf.folder() / "same.mid")
        shelf.delete(shelf.read(shelf.folder() / "same.mid"))

    assert 2 == len(list((shelf.folder() / "deleted").iterdir()))


def test_an_export_is_the_same_file(tmp_path):
    take = shelf.put(SCALE, FACTS)

    assert take.path.read_bytes() == shelf.export(take, tmp_path / "song").read_bytes()


def test_an_export_replaces_nothing(tmp_path):
    take = shelf.put(SCALE, FACTS)
    shelf.export(take, tmp_path)

    with pytest.raises(FileError, match="exists already"):
        shelf.export(take, tmp_path)


def test_a_variation_has_the_same_prompt_and_the_next_seed():
    take = shelf.put(SCALE, FACTS)
    request = shelf.variation(take)
    varied = compose(request)

    assert (6, "markov", {"order": "2"}) == (request.seed, request.generator, request.params)
    assert take.score.part("Player").notes == varied.part("Player").notes
    assert take.score.part("Bass").notes != varied.parts[1].notes


def test_a_second_variation_has_the_seed_after():
    take = shelf.put(SCALE, FACTS)
    shelf.put(SCALE, {**FACTS, "seed": 6, "of": take.name})

    assert 7 == shelf.variation(take).seed


def test_a_continuation_goes_on_in_the_same_parts():
    take = shelf.put(SCALE, FACTS)
    longer = compose(shelf.continuation(take, 2))

    assert take.bars * BAR <= longer.end <= (take.bars + 2) * BAR
    assert {"Player", "Bass"} <= {part.name for part in longer.parts}
    assert not any(part.name.endswith("'") for part in longer.parts)
    assert SCALE.part("Bass").notes == longer.part("Bass").notes[:8]


def test_a_session_that_never_ended_is_recovered(journal):
    journal.rename(shelf.folder() / ".999999999.journal")
    (shelf.folder() / f".{os.getpid()}.journal").touch()

    assert [("Player", "Bass")] == [tuple(p.name for p in take.score.parts) for take in shelf.recover()]
    assert [] == list(shelf.recover())
    assert [f".{os.getpid()}.journal"] == [path.name for path in shelf.folder().glob(".*")]


def test_a_job_writes_its_file_and_tells_how_far_it_is(tmp_path):
    shares, ends = [], []
    job = Job(Request("generate", tmp_path / "new.mid", "markov", bars=2), shares.append, lambda *end: ends.append(end))
    job.wait(60)

    assert [(tmp_path / "new.mid", "")] == ends
    assert 1.0 == shares[-1]
    assert sorted(shares) == shares
    assert 2 * BAR >= files.read(tmp_path / "new.mid").end > BAR


def test_a_job_that_cannot_be_done_says_why(tmp_path):
    ends = []
    Job(Request("generate", tmp_path / "new.mid", "xenakis"), lambda share: None, lambda *end: ends.append(end)).wait(
        60
    )

    assert ends[0][0] is None
    assert "there is no generator 'xenakis'" in ends[0][1]


def test_a_job_that_was_cancelled_leaves_nothing(tmp_path):
    ends = []
    request = Request("generate", tmp_path / "new.mid", "markov", bars=5000)
    job = Job(request, lambda share: None, lambda *end: ends.append(end))
    job.cancel()

    assert ([], []) == (ends, list(tmp_path.iterdir()))


def test_a_request_crosses_the_pipe_unchanged(tmp_path):
    request = Request("infill", tmp_path / "o.mid", "markov", tmp_path / "i.mid", {"order": "2"}, 3, 4, (1, 2), ("A",))

    assert request == Request.from_json(json.loads(json.dumps(request.to_json())))
