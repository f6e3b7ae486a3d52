"""Messages that wait in rtmidi's queue."""

import threading

import pytest

from composer.midi import collect


class Queue:
    """An rtmidi input with messages in its queue: (bytes, seconds since the one before)."""

    def __init__(self, *events):
        self._events = list(events)

    def get_message(self):
        return self._events.pop(0) if self._events else None


def collected(queue, moments, monkeypatch):
    """Return what a collector passes on that fetches the messages at these moments."""
    heard, done = [], threading.Event()

    def hear(data, at):
        heard.append((data, at))
        if len(heard) == 3:
            done.set()

    monkeypatch.setattr(collect.time, "monotonic", lambda: moments[len(heard)])
    collector = collect.Collector(queue, hear)
    assert done.wait(5)
    collector.close()
    return heard


@pytest.mark.parametrize("moments", [(10.0, 11.0, 13.0), (10.0, 13.0, 13.0), (10.0, 14.0, 15.0)])
def test_messages_keep_their_distances_however_late_they_are_fetched(moments, monkeypatch):
    heard = collected(Queue(([1], 0.0), ([2], 1.0), ([3], 2.0)), moments, monkeypatch)

    assert [[1], [2], [3]] == [data for data, _ in heard]
    assert [10.0, 11.0, 13.0] == pytest.approx([at for _, at in heard], abs=0.001)


def test_a_beginning_that_was_fetched_late_is_made_good(monkeypatch):
    heard = collected(Queue(([1], 0.0), ([2], 1.0), ([3], 2.0)), (10.5, 11.0, 13.25), monkeypatch)

    assert [10.5, 11.0, 13.0] == pytest.approx([at for _, at in heard], abs=0.001)


def test_a_clock_that_runs_slower_than_ours_is_caught_up_with(monkeypatch):
    hours = 3600.0
    heard = collected(Queue(([1], 0.0), ([2], hours), ([3], hours)), (0.0, hours + 0.1, 2 * hours + 0.2), monkeypatch)

    assert [0.0, hours + 0.1, 2 * hours + 0.2] == [at for _, at in heard]
