import pytest

from composer.live.ledger import Ledger, note_off, note_on


def test_bytes_of_a_note():
    assert (bytes((0x91, 60, 80)), bytes((0x81, 60, 64))) == (note_on(1, 60, 80), note_off(1, 60))


def test_a_note_sounds_from_its_beginning_to_its_end():
    ledger = Ledger()
    ledger.begin(0, 60, 7)
    ledger.begin(1, 60, 8)
    ledger.end(0, 60)

    assert [(1, 60)] == ledger.sounding()


def test_a_key_that_sounds_cannot_begin():
    ledger = Ledger()
    ledger.begin(0, 60, 7)

    with pytest.raises(ValueError, match="already sounds"):
        ledger.begin(0, 60, 8)


def test_a_note_is_known_by_its_id():
    ledger = Ledger()
    ledger.begin(0, 60, 8)

    assert (False, True) == (ledger.is_sounding(0, 60, 7), ledger.is_sounding(0, 60, 8))


def test_ending_what_does_not_sound_changes_nothing():
    ledger = Ledger()
    ledger.end(0, 60)

    assert 0 == len(ledger)
