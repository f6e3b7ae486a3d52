"""Proposing one bar is measured for every playing, as a share of the bar that was asked for."""

import json

import pytest

from composer.cli import main
from composer.live import proposing


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(proposing, "BARS", 2)


def test_every_playing_is_measured(capsys):
    assert 0 == main(["bench", "propose", "--generator", "markov", "--json"])
    measured = json.loads(capsys.readouterr().out)
    figures = [measured[title] for title in proposing.PLAYINGS]

    assert "markov" == measured["generator"]
    assert all(0 < found["p50_ms"] <= found["max_ms"] for found in figures)
    assert measured["greatest_share"] == max(found["share"] for found in figures) > 0


def test_a_shorter_bar_leaves_less_time(monkeypatch):
    """The same notes in 7/8 and 4/4, and a clock in which every bar takes 35 ms."""
    clock = iter(range(10**6))
    monkeypatch.setattr(proposing.time, "perf_counter", lambda: next(clock) * 0.035)
    measured = proposing.measure("markov", {}, 0)

    assert 0.02 == measured["seven eight"]["share"]
    assert 0.0175 == pytest.approx(measured["eighths"]["share"], abs=0.0006)
