"""An answer that comes after its block has begun: what sounds then is on time, and of one plan."""

from scripted import MACHINE, Echo, Stage

from composer.live.worker import InlineWorker


class LateWorker:
    """Answer at once, or hold the answers back until they are let go."""

    def __init__(self, on_message, make) -> None:
        self._on_message = on_message
        self._inner = InlineWorker(self._take, make)
        self.holds = False
        self.held = []
        self.asked = []
        self.close = self._inner.close

    def send(self, message) -> None:
        if message["op"] == "propose":
            self.asked.append(message["span"][0])
        self._inner.send(message)

    def _take(self, message) -> None:
        if self.holds and message["op"] == "proposed":
            self.held.append(message)
        else:
            self._on_message(message)

    def let_go(self) -> None:
        self.holds = False
        for message in self.held:
            self._on_message(message)


def stage_with_late_worker():
    generator = Echo()
    workers = []

    def open_worker(on_message):
        workers.append(LateWorker(on_message, lambda name, params, seed: (generator, MACHINE)))
        return workers[-1]

    return Stage(generator, worker=open_worker), workers


def test_a_block_that_has_begun_keeps_its_plan():
    """The answer for the block at tick 960 comes 30 ms into it; its first note has left by the plan before."""
    stage, workers = stage_with_late_worker()
    stage.session.start()
    stage.run_to(0.95)
    intended = [entry.note for entry in stage.session.snapshot().intended if 960 <= entry.note.onset < 1200]
    workers[-1].holds = True
    stage.play(0x95, 61, 90)  # what the late answer knows, and the plan before did not
    stage.run_to(1.03)
    workers[-1].let_go()
    stage.run_to(1.4)
    block = [note for note in stage.machine_notes() if 960 <= note[0] < 1200]
    later = [note for note in stage.machine_notes() if 1200 <= note[0] < 1300]

    assert [(note.onset, note.pitch) for note in intended] == block
    assert later


def test_a_late_answer_is_a_miss_and_never_late():
    stage, workers = stage_with_late_worker()
    stage.session.start()
    stage.run_to(0.9)
    workers[-1].holds = True
    stage.play(0x95, 61, 90)
    stage.run_to(1.03)
    workers[-1].let_go()
    stage.run_to(1.4)
    stats = stage.session.finish()

    assert {"echo": 1} == stats.misses
    assert stats.late_ms["max"] < 1


def test_what_was_asked_early_holds_when_nothing_more_is_played():
    """The answer for the block at tick 960 takes 75 ms, of which 42 are left when the block before has been heard."""
    stage, workers = stage_with_late_worker()
    stage.session.start()
    stage.run_to(0.85)
    workers[-1].holds = True
    stage.run_to(0.97)
    workers[-1].let_go()
    stage.run_to(1.4)
    stats = stage.session.finish()

    assert 1 == workers[-1].asked.count(960)
    assert {} == stats.misses


def test_it_is_asked_again_when_the_player_plays_in_between():
    stage, workers = stage_with_late_worker()
    stage.session.start()
    stage.run_to(0.92)
    stage.play(0x95, 61, 90)
    stage.run_to(1.4)
    stats = stage.session.finish()

    assert 2 == workers[-1].asked.count(960)
    assert {} == stats.misses


def test_what_was_asked_early_does_not_know_what_came_after():
    stage, workers = stage_with_late_worker()
    stage.session.start()
    stage.run_to(0.92)
    stage.play(0x95, 61, 90)
    workers[-1].holds = True
    stage.run_to(1.2)
    stats = stage.session.finish()

    assert {"echo": 1} == stats.misses


def late_for(blocks):
    """Return the sentences of a session whose generator answers 30 ms into each of so many blocks."""
    stage, workers = stage_with_late_worker()
    stage.session.start()
    stage.run_to(0.9)
    for block in range(4, 4 + blocks):
        workers[-1].holds = True
        stage.run_to(0.25 * block + 0.03)
        workers[-1].let_go()
        workers[-1].held.clear()
        stage.run_to(0.25 * block + 0.1)
    stage.run_to(25)
    return [message for message in stage.session.snapshot().messages if "was late" in message]


def test_a_generator_that_is_often_late_is_told_of_once():
    [told] = late_for(80)

    assert "greater lead than 1" in told


def test_a_few_late_answers_are_not_worth_a_sentence():
    assert [] == late_for(12)
