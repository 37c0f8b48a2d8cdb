"""Series by session, from trials made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import exp, log

import pytest

from db.errors import StoreError
from db.records import Status, Trust
from db.scoring.history import AGAIN, Point, Series, change_points, histories, session_figures

CANDIDATE = "gcn+cluster_gcn"


class Nights:
    """Trials of a candidate and its reference, session by session."""

    def __init__(self, samples) -> None:
        self.samples, self.trials, self.sessions = samples, [], []

    def add(self, seconds: list[float], reference: float = 2.0, *, suite: str = "nightly", **changes) -> str:
        """A session with one split a number of seconds, its reference taking `reference` seconds."""
        session = f"s{len(self.sessions)}"
        at = self.samples.noon + timedelta(days=len(self.sessions))
        self.sessions.append(
            self.samples.session(session_id=session, started_at=at, suite=suite, code_version=f"commit {session}")
        )
        for split, own in enumerate(seconds):
            for method, time in ((CANDIDATE, own), (self.samples.reference, reference)):
                more = changes if method == CANDIDATE else {}
                identity = {"trial_id": f"{session}/{method}/{split}", "fingerprint": f"{session}/{method}/{split}"}
                self.trials.append(
                    self.samples.trial(
                        method, split, time, **{"session_id": session, "started_at": at, **identity, **more}
                    )
                )
        return session

    def read(self, quantity: str = "time_ratio") -> list[Series]:
        return histories(self.trials, self.sessions, self.methods, quantity)

    @property
    def methods(self):
        return [self.samples.method(name) for name in (CANDIDATE, self.samples.reference)]


@pytest.fixture
def nights(samples) -> Nights:
    return Nights(samples)


def test_a_point_is_the_geometric_mean_of_the_pairs_of_one_session(nights, samples) -> None:
    nights.add([1.0, 4.0])
    nights.add([3.0], reference=3.0)
    [series] = nights.read()
    assert (series.dataset, series.method, series.machine_id) == ("cora", CANDIDATE, "laptop")
    half = 12.7062047 * log(2)
    assert series.points == (
        # sqrt(1/2 * 4/2) and 3/3: a session's own reference only
        # and 12.706 (t of one degree of freedom) standard errors of the two logarithms around it
        Point("s0", samples.noon, "commit s0", pytest.approx(1.0), 2, *map(pytest.approx, (exp(-half), exp(half)))),
        Point("s1", samples.noon + timedelta(days=1), "commit s1", pytest.approx(1.0), 1),
    )


def test_a_reference_of_another_session_is_no_partner(nights) -> None:
    nights.add([1.0])
    nights.add([1.0])
    nights.trials = [trial for trial in nights.trials if (trial.session_id, trial.method) != ("s1", "gcn+full_batch")]
    [series] = nights.read()
    assert [point.session_id for point in series.points] == ["s0"]


def test_points_are_in_the_order_of_their_dates_whatever_order_they_were_stored_in(nights) -> None:
    for _ in range(3):
        nights.add([1.0])
    nights.trials.reverse()
    assert [point.session_id for point in nights.read()[0].points] == ["s0", "s1", "s2"]


def test_repeats_of_a_cell_count_once(nights, samples) -> None:
    session = nights.add([1.0, 4.0])
    for method, seconds in ((CANDIDATE, 4.0), (samples.reference, 2.0)):
        nights.trials.append(samples.trial(method, 0, seconds, session_id=session, repeat=1))
    [point] = nights.read()[0].points
    # split 0: sqrt(1/2 * 4/2) = 1; split 1: 2
    assert point.value == pytest.approx(2**0.5)
    assert point.n == 2


def test_memory_and_difference_have_series_of_their_own(nights) -> None:
    nights.add([1.0], peak_memory_bytes=250, test_metric=0.85)
    assert nights.read("memory_ratio")[0].points[0].value == pytest.approx(0.25)
    assert nights.read("difference")[0].points[0].value == pytest.approx(0.05)
    # never measured, so no series, and no zero
    assert nights.read("energy_ratio") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"status": Status.CRASHED, "test_metric": None},
        {"trust": Trust.RETRACTED},
        {"trust": Trust.DISPUTED},
        {"ledger": None},
    ],
)
def test_what_has_no_figure_or_no_trust_gives_no_point(nights, changes) -> None:
    nights.add([1.0], **changes)
    assert nights.read() == []


def test_what_was_measured_again_on_suspicion_is_no_point(nights) -> None:
    nights.add([1.0])
    nights.add([1.0], suite=f"nightly{AGAIN}")
    assert [point.session_id for point in nights.read()[0].points] == ["s0"]


@pytest.mark.parametrize("field", ["machine_id", "device", "protocol", "dataset_version"])
def test_other_hardware_or_settings_are_another_series(nights, field) -> None:
    nights.add([1.0])
    nights.add([1.0])
    nights.trials = [
        replace(trial, **{field: "other"}) if trial.session_id == "s1" else trial for trial in nights.trials
    ]
    assert [len(series.points) for series in nights.read()] == [1, 1]


def test_one_session_by_itself(nights, samples) -> None:
    nights.add([1.0, 1.0])
    figures = session_figures(
        nights.trials, {CANDIDATE: samples.reference, samples.reference: samples.reference}, "time_ratio"
    )
    [(place, figure)] = figures.items()
    # two equal pairs have no spread
    assert (place.method, figure) == (CANDIDATE, tuple(map(pytest.approx, (0.5, 2, 0.5, 0.5))))


def test_what_is_unknown_is_named(nights) -> None:
    nights.add([1.0])
    with pytest.raises(StoreError, match="no history of 'joy'; choose one of: time_ratio"):
        nights.read("joy")
    with pytest.raises(StoreError, match="session 's0'"):
        histories(nights.trials, [], nights.methods, "time_ratio")
    with pytest.raises(StoreError, match="the method"):
        histories(nights.trials, nights.sessions, [], "time_ratio")


def test_change_points_are_where_a_level_begins(nights) -> None:
    for seconds in [1.0, 1.02, 0.99, 1.01, 1.0, 1.5, 1.52, 1.49, 1.5]:
        nights.add([seconds])
    [series] = nights.read()
    assert change_points(series) == [5]
    # the difference of the metric never moved
    assert change_points(nights.read("difference")[0]) == []
    assert change_points(Series("d", "1", "m", "m", "cpu", "p", "time_ratio", ())) == []
