"""Submit results: upload a bundle, see what is found and where it would stand, send it to review.

Reviewing is not done here: the steps of the trust ladder are commands of `leangnn submit`, wherever the dashboard runs.
"""

from __future__ import annotations

import hashlib
import os
import time
from typing import Any

import pandas as pd
import streamlit as st

from app import format, notices, source
from app.rate_limit import RateLimit
from app.submission import examine
from db.bundle.errors import BundleError
from db.bundle.limits import UPLOAD_LIMITS
from db.bundle.queue import ReviewQueue
from db.bundle.report import Report
from db.read import Overview, Reader

TITLE, ICON, ORDER = "Submit", ":material/upload_file:", 10
HEADING = "Submit results"

QUEUE = "LEANGNN_REVIEW_QUEUE"
"""The folder that sent bundles are put into; without it nothing can be sent from the page."""

_MIB = UPLOAD_LIMITS.file // 2**20
_SHOWN = 50
_A_MINUTE = 60.0
_FOR_ONE, _FOR_ALL = 6, 30
"""Bundles that are read in a minute, for one browser session and for all."""


def render(reader: Reader) -> None:
    """Draw the page under its heading."""
    overview = source.overview(reader)
    if overview.stale:
        notices.stale(overview)
    st.markdown(
        "A submission is one file of data: curves, predictions and settings of each seed. Nothing in it is run. "
        "`leangnn submit pack` makes it from your store or from a folder that you wrote by hand."
    )
    uploaded = st.file_uploader("Bundle", type="zip", max_upload_size=_MIB, key="bundle")
    if uploaded is None:
        _how()
        return
    content = uploaded.getvalue()
    report = _report(content, reader, overview)
    if report is not None:
        _show(report)
        _send(content, report)


def _how() -> None:
    with st.container(border=True):
        st.subheader("How to make one", anchor=False)
        st.markdown(
            "From your own store:\n\n"
            + format.code('leangnn submit pack "gcn+sgc" --submitter "Your Name" --authors "Your Name"')
            + "\n\nFrom results of other code, by hand after `docs/submitting.md` and `submissions/template`:\n\n"
            + format.code("leangnn submit pack --from-folder my-results")
        )
        st.markdown("Then add it in a pull request under `submissions/`, or upload it here.")


def _report(content: bytes, reader: Reader, overview: Overview) -> Report | None:
    """The report, made once for each file; None when too many were asked for."""
    digest = hashlib.sha256(content).hexdigest()
    kept: tuple[str, Report] | None = st.session_state.get("submitted_report")
    if kept is not None and kept[0] == digest:
        return kept[1]
    if (wait := _wait()) > 0:
        st.warning(f"Too many bundles at once. Try again in {format.seconds(wait)}.", icon=":material/hourglass:")
        return None
    with st.spinner("Reading the bundle ..."):
        report = examine(content, overview.datasets, lambda names: source.board(reader, dataset=tuple(names)))
    st.session_state["submitted_report"] = (digest, report)
    return report


def _wait() -> float:
    own: RateLimit = st.session_state.setdefault("submit_limit", RateLimit(_FOR_ONE, _A_MINUTE))
    now = time.monotonic()
    return own.wait(now) or _limit_for_all().wait(now)


@st.cache_resource(show_spinner=False)
def _limit_for_all() -> RateLimit:
    return RateLimit(_FOR_ALL, _A_MINUTE)


def _show(report: Report) -> None:
    warnings = len(report.warnings)
    if report.refused:
        st.error(f"Refused: {format.count(len(report.errors), 'error')}, {format.count(warnings, 'warning')}.")
    else:
        st.success(f"Nothing speaks against it here; {format.count(warnings, 'warning')}.")
    if report.submission_id is not None:
        st.caption(format.plain(f"{report.method} · {report.submission_id[:12]}"))
    if report.findings:
        found = [(finding.level, finding.rule, finding.sentence) for finding in report.findings[:_SHOWN]]
        st.dataframe(pd.DataFrame(found, columns=["level", "rule", "what was found"]), hide_index=True,
                     alt="What was found in the bundle")  # fmt: skip
    if report.rows:
        st.subheader("On the board", anchor=False)
        st.dataframe(pd.DataFrame(_rows(report)), hide_index=True, alt="The rows that the bundle would make")
    st.info(
        "Metrics are as the bundle claims them: this page has no labels. Before anything is added, a reviewer's "
        "`leangnn submit check` computes every metric again from the predictions, and refuses what does not agree.",
        icon=":material/fact_check:",
    )


def _rows(report: Report) -> list[dict[str, Any]]:
    places = {place.dataset: f"{place.rank} of {place.rows}" for place in report.places}
    return [
        {
            "dataset": row["dataset"],
            "claimed test metric": format.percent_interval(row["mean"], row["ci_low"], row["ci_high"]),
            "n": row["n"],
            "place by the mean": places.get(row["dataset"], format.NOTHING),
            "time ratio": format.ratio_interval(row["time_ratio"], row["time_ratio_low"], row["time_ratio_high"]),
            "memory ratio": format.ratio_interval(
                row["memory_ratio"], row["memory_ratio_low"], row["memory_ratio_high"]
            ),
            "status": row["status"],
        }
        for row in report.rows
    ]


def _send(content: bytes, report: Report) -> None:
    if report.refused:
        st.markdown("A refused bundle cannot be sent. Correct what was found and upload it again.")
        return
    folder = os.environ.get(QUEUE)
    if not folder:
        st.markdown("To send it to review, add the file under `submissions/` in a pull request.")
        return
    if not st.button("Send to review", icon=":material/send:", type="primary", key="send"):
        return
    if (wait := _wait()) > 0:
        st.warning(f"Too many bundles at once. Try again in {format.seconds(wait)}.", icon=":material/hourglass:")
        return
    try:
        ReviewQueue(folder).send(content)
    except BundleError as error:
        st.error(format.plain(str(error)))
        return
    st.success("Sent. A reviewer will look at it; it is on the board after that.")
