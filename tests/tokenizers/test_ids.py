"""Ids: streaming equals whole, and back again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.errors import FileError
from composer.music import Meter, Note, Part, Score, Tempo
from composer.tokenizers import blocks as B
from composer.tokenizers import ids as I
from composer.tokenizers.blocks import Conditions

notes = st.lists(
    st.builds(Note, st.integers(0, 3000), st.integers(0, 127), st.integers(1, 2000), st.integers(1, 127)), max_size=20
)


class TestStreaming:
    @given(notes, notes, st.integers(-4, 4), st.integers(-5, 6))
    def test_streaming_equals_the_whole(self, player, machine, lead, shift):
        """What is pushed block by block, with keys still down, is what the finished piece gives."""
        count = 14
        encoder = I.StreamingEncoder(Conditions(lead), shift)
        streamed = []
        for block in range(count):
            known = B.heard_at(block - lead)
            sofar = [
                n if n.end <= known else Note(n.onset, n.pitch, max(1, known - n.onset), n.velocity) for n in player
            ]
            streamed.append(encoder.push([n for n in sofar if n.onset < known], {0: machine}))
        n = np.arange(count)
        whole = B.assemble(
            B.player_events(I.note_array(player), shift),
            B.block_events(n, n % 8, np.full(count, 8), np.zeros(count, np.int64), Conditions(lead)),
            B.machine_events(I.note_array(machine), 0, shift),
            lead,
        )

        assert whole.tolist() == np.concatenate(streamed).tolist()

    @given(notes)
    def test_ids_and_events_are_one_to_one(self, machine):
        encoded = I.encode(Score((Part("Piano", tuple(machine)),)))

        assert encoded == I.to_ids(I.from_ids(encoded))

    def test_every_id_is_in_the_vocabulary(self):
        encoded = I.encode(Score((Part("a", (Note(0, 127, 9999, 127),)), Part("d", (Note(230, 0, 1, 1),), 9))))

        assert 0 <= min(encoded) <= max(encoded) < I.VOCABULARY


class TestScore:
    def test_a_tune_comes_back(self):
        tune = (Note(0, 60, 240, 84), Note(480, 64, 480, 92), Note(1920, 67, 100, 20))

        assert tune == I.decode(I.encode(Score((Part("Piano", tune),)))).parts[0].notes

    def test_a_waltz_stays_a_waltz(self):
        score = Score((Part("Piano", (Note(1440, 60, 240),)),), (Tempo(0, 80),), (Meter(0, 3, 4),))
        decoded = I.decode(I.encode(score))

        assert ((Meter(0, 3, 4),), (Tempo(0, 80.0),)) == (decoded.meters, decoded.tempos)

    def test_drums_stay_on_their_channel(self):
        decoded = I.decode(I.encode(Score((Part("Kit", (Note(0, 36, 20),), 9),))))

        assert [(9, 36)] == [(p.channel, n.pitch) for p in decoded.parts for n in p.notes]

    @pytest.mark.parametrize("ids", [[0], [5000], [-1], [431]])
    def test_a_broken_text_is_refused(self, ids):
        with pytest.raises(FileError, match="another tokenizer"):
            I.decode(ids)
