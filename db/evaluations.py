"""Questions about curves that the database answers, so that ten million evaluations stay where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Double, Integer, text

from db.arrays import read_arrays
from db.scoring.censoring import Reach

# one question a line: the number of the trial in the question, and what is asked
_BEST = text(
    "SELECT asked.number, max(points.validation_metric) AS best "
    "FROM (SELECT unnest(CAST(:trial_ids AS VARCHAR[])) AS trial_id, unnest(CAST(:numbers AS INTEGER[])) AS number) "
    "AS asked JOIN curve_points AS points ON points.trial_id = asked.trial_id "
    "GROUP BY asked.number"
).columns(number=Integer, best=Double)
_REACH = text(
    "SELECT asked.number, max(points.scored_seconds) AS last, "
    "min(CASE WHEN points.validation_metric >= asked.target THEN points.scored_seconds END) AS seconds "
    "FROM (SELECT unnest(CAST(:trial_ids AS VARCHAR[])) AS trial_id, unnest(CAST(:numbers AS INTEGER[])) AS number, "
    "unnest(CAST(:targets AS DOUBLE PRECISION[])) AS target) "
    "AS asked JOIN curve_points AS points ON points.trial_id = asked.trial_id "
    "GROUP BY asked.number"
).columns(number=Integer, last=Double, seconds=Double)


class StoredEvaluations:
    """See `db.scoring.censoring.Evaluations`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def best_metrics(self, trial_ids: Sequence[str]) -> NDArray[np.float64]:
        best = np.full(len(trial_ids), np.nan)
        if len(trial_ids):
            found = read_arrays(self._connection, _BEST, trial_ids=list(trial_ids), numbers=list(range(len(best))))
            best[found["number"]] = found["best"]
        return best

    def reach(self, trial_ids: Sequence[str], targets: NDArray[np.float64]) -> Reach:
        seconds, last = np.full(len(trial_ids), np.nan), np.zeros(len(trial_ids))
        if len(trial_ids):
            found = read_arrays(
                self._connection,
                _REACH,
                trial_ids=list(trial_ids),
                numbers=list(range(len(last))),
                # NaN compares differently in each database, and NULL in none
                targets=[None if np.isnan(target) else target for target in targets.tolist()],
            )
            seconds[found["number"]], last[found["number"]] = found["seconds"], found["last"]
        return Reach(seconds, last)
