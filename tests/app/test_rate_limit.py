"""How often something may be asked for."""

from __future__ import annotations

from app.rate_limit import RateLimit


def test_uses_are_counted_over_a_window_that_moves() -> None:
    limit = RateLimit(2, 60.0)
    assert [limit.wait(now) for now in (0.0, 10.0)] == [0.0, 0.0]
    assert limit.wait(20.0) == 40.0
    assert limit.wait(59.0) == 1.0
    assert limit.wait(60.0) == 0.0  # the first use has left the window
    assert limit.wait(61.0) == 9.0


def test_what_was_refused_does_not_count() -> None:
    limit = RateLimit(1, 60.0)
    assert limit.wait(0.0) == 0.0
    for now in range(1, 60):
        assert limit.wait(float(now)) > 0
    assert limit.wait(60.0) == 0.0
