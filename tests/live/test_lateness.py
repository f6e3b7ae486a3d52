from composer.live.lateness import Tally, quantiles


def test_quantiles_are_values_that_occurred():
    assert {"n": 100, "p50": 50, "p95": 95, "p99": 99, "max": 100} == quantiles(range(1, 101))


def test_no_values_have_quantiles_of_zero():
    assert {"n": 0, "p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0} == quantiles([])


def test_the_summary_speaks_the_words_of_the_statistics():
    tally = Tally()
    tally.left(0.5)
    tally.clock(0.25)
    summary = tally.summary("clock", 120.00049)

    assert (0.5, {"source": "clock", "tempo": 120.0, "jitter_ms_p99": 0.25}) == (
        summary["late_ms"]["max"],
        summary["clock"],
    )
