"""Names of methods that fit into a cell."""

from __future__ import annotations

import json

from app.names import legend_labels, short_names


def test_parameters_that_all_share_are_left_out() -> None:
    two, three, other = (
        f"gcn(layers=2,hidden=64)+{strategy}" for strategy in ("c2f(levels=2)", "c2f(levels=3)", "sgc")
    )
    assert short_names([two, three, other, "appnp+full_batch", two]) == {
        two: "gcn+c2f(levels=2)",
        three: "gcn+c2f(levels=3)",
        other: "gcn+sgc",
        "appnp+full_batch": "appnp+full_batch",
    }


def test_a_sign_within_parameters_parts_nothing() -> None:
    names = ["gcn(activation=a+b)+sgc", "gcn(activation=a)+sgc", "gcn+sgc"]
    assert short_names(names) == {name: name for name in names}


def test_a_legend_finds_each_name_by_the_whole() -> None:
    quoted = 'gcn(a="b")+sgc'
    expression = legend_labels([quoted])
    table, _, index = expression.rpartition("[")
    assert (json.loads(table.strip("()")), index) == ({quoted: "gcn+sgc"}, "datum.label]")
