"""The worker and the seat that keeps it alive."""

import json
import os
import queue
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import MACHINE, Echo

from composer.generators.base import Context
from composer.live.seat import Seat, WorkerProcess
from composer.live.steps import Pace
from composer.live.wire import QuestionReader, QuestionWriter
from composer.live.worker import Desk, InlineWorker
from composer.music import Note, Part, Score, Span

NOTES = st.lists(st.builds(Note, st.integers(0, 50), st.integers(60, 62), st.integers(1, 9)), max_size=8)


def asked(notes=(), until=960):
    return Context(Score((Part("Player", tuple(notes)), *MACHINE)), ("Machine",), until)


@given(st.lists(NOTES, max_size=6))
def test_questions_survive_the_pipe_whatever_came_before(parts):
    writer, reader = QuestionWriter(), QuestionReader()
    for number, notes in enumerate(parts):
        context = asked(notes)
        line = json.dumps(writer.write(number, context, Span(0, 240)))

        assert (number, context, Span(0, 240)) == reader.read(json.loads(line))


def test_a_question_carries_only_what_is_new():
    writer = QuestionWriter()
    writer.write(1, asked([Note(0, 60, 100), Note(240, 62, 240)]), Span(0, 240))
    message = writer.write(2, asked([Note(0, 60, 100), Note(240, 62, 300), Note(480, 64, 9)]), Span(0, 240))

    assert (1, [[240, 62, 300, 80], [480, 64, 9, 80]]) == (message["parts"][0]["keep"], message["parts"][0]["notes"])


def test_one_answer_for_each_step_and_each_knows_the_one_before():
    said = []
    inline = InlineWorker(said.append, lambda name, params, seed: (Echo(), MACHINE))
    inline.send({"op": "open", "name": "echo", "params": {}, "seed": 0})
    inline.send(QuestionWriter().write(7, asked(), Span(960, 1440)))

    assert {"op": "opened", "name": "echo", "grid": 240, "margin": 40, "lead": 1, "parts": [["Machine", 1, 5]]} == said[
        0
    ]
    assert [(7, [960, 1200]), (7, [1200, 1440])] == [(m["id"], m["span"]) for m in said[1:]]
    assert [960, 1080] == [row[1] for row in said[1]["notes"]]
    assert said[1]["notes"][1][2] != said[2]["notes"][1][2]


def test_a_generator_that_cannot_be_made_is_told_and_the_old_one_stays():
    def make(name, params, seed):
        if name == "none":
            raise RuntimeError("no weights")
        return Echo(), MACHINE

    said = []
    desk = Desk(said.append, make)
    desk.open({"name": "echo"})
    desk.open({"name": "none"})
    desk.answer((1, asked(), Span(0, 240)))

    assert ["opened", "failed", "proposed"] == [m["op"] for m in said]
    assert "RuntimeError: no weights" == said[1]["message"]


def test_a_newer_question_is_answered_instead():
    said = []
    desk = Desk(said.append, lambda name, params, seed: (Echo(), MACHINE))
    desk.open({"name": "echo"})

    assert not desk.answer((1, asked(), Span(0, 960)), lambda done: True)
    assert desk.answer((2, asked(), Span(0, 960)), lambda done: done)
    assert [2] == [m["id"] for m in said if m["op"] == "proposed"]


class Prepared(Echo):
    """Do three things ahead after each step, and say before it plays that it is slow."""

    def __init__(self):
        super().__init__()
        self.done = []

    def propose(self, context, span):
        self.done.append(span.start)
        return super().propose(context, span)

    def prepare(self):
        for thing in "abc":
            yield self.done.append(thing)

    def notice(self):
        return "slow here"


class TestAhead:
    def desk(self, said):
        generator = Prepared()
        desk = Desk(said.append, lambda name, params, seed: (generator, MACHINE))
        desk.open({"name": "prepared"})
        return generator, desk

    def test_a_generator_prepares_between_the_steps_while_nothing_waits(self):
        generator, desk = self.desk([])
        desk.answer((1, asked(), Span(960, 1440)))

        assert [960, "a", "b", "c", 1200, "a", "b", "c"] == generator.done

    def test_a_question_that_comes_ends_the_preparing(self):
        generator, desk = self.desk([])
        desk.answer((1, asked(), Span(960, 1440)), lambda done: "b" in generator.done)

        assert [960, "a", "b"] == generator.done

    def test_what_the_player_should_know_is_told_when_it_opens(self):
        said = []
        self.desk(said)

        assert "slow here" == said[0]["notice"]


class FakeLink:
    def __init__(self, on_message):
        self.on_message, self.sent, self.closed = on_message, [], False

    def send(self, message):
        self.sent.append(message)

    def close(self):
        self.closed = True


def seated():
    links, messages = [], []

    def make(on_message):
        links.append(FakeLink(on_message))
        return links[-1]

    seat = Seat(1, make, lambda seat, life, message: messages.append((life, message)), Pace(), 0)
    seat.open("echo", {}, 0.0)
    links[0].on_message({"op": "opened", "grid": 240, "margin": 40, "lead": 1, "parts": [["Machine", 0, 0]]})
    seat.take(*messages.pop(), 0.0)
    return seat, links, messages


def test_a_worker_that_dies_is_replaced_and_asked_anew_for_everything():
    seat, links, messages = seated()
    seat.ask(1, asked([Note(0, 60, 9)]), Span(0, 240), 1.0)
    links[0].on_message({"op": "gone"})
    seat.take(*messages.pop(), 1.0)
    assert "starting" == seat.state
    seat.check(1.1)
    links[1].on_message({"op": "opened", "grid": 240, "margin": 40, "lead": 1, "parts": [["Machine", 0, 0]]})
    seat.take(*messages.pop(), 1.2)
    seat.ask(2, asked([Note(0, 60, 9)]), Span(0, 240), 1.3)

    assert (1, "ready") == (seat.restarts, seat.state)
    assert 0 == links[1].sent[-1]["parts"][0]["keep"]


def test_a_worker_that_hangs_is_replaced():
    seat, links, _ = seated()
    seat.ask(1, asked(), Span(0, 240), 1.0)
    seat.check(5.9)
    assert 0 == seat.restarts
    seat.check(6.1)

    assert (1, True, 2) == (seat.restarts, links[0].closed, len(links))


def test_words_of_a_dead_worker_are_not_heard():
    seat, links, messages = seated()
    links[0].on_message({"op": "proposed", "id": 1, "span": [0, 240], "notes": []})
    life, message = messages.pop()
    seat.take(life, {"op": "gone"}, 1.0)
    seat.check(1.0)

    assert seat.take(life, message, 1.0) is None


def test_a_real_worker_process_tells_that_it_cannot_open_and_that_it_is_gone():
    said = queue.Queue()
    process = WorkerProcess(said.put)
    try:
        process.send({"op": "open", "name": "nobody", "params": {}, "seed": 0})
        assert "there is no generator 'nobody'" in said.get(timeout=30)["message"]
        os.kill(process.pid, signal.SIGTERM)

        assert {"op": "gone"} == said.get(timeout=30)
    finally:
        process.close()


@pytest.mark.parametrize("lead", [1, 3])
def test_the_lead_of_a_generator_is_what_it_says_of_itself(lead):
    generator = Echo()
    generator.params = type("Params", (), {"lead": lead})
    said = []
    Desk(said.append, lambda name, params, seed: (generator, MACHINE)).open({"name": "echo"})

    assert lead == said[0]["lead"]
