"""Presets: what is published, with what a dataset changes and what the user writes."""

from __future__ import annotations

import pytest

from bench import presets, tables
from bench.errors import UsageError
from bench.presets import Preset
from bench.protocol import Protocol
from methods.method import Method

MADE = Preset.model_validate(
    {
        "description": "for the test",
        "source": "nowhere",
        "protocol": {"epochs": 100, "learning_rate": 0.01},
        "backbone": {"gcn": {"layers": 2, "hidden": 64}, "mlp": {}},
        "dataset": {
            "cora": {"protocol": {"epochs": 50}, "backbone": {"gcn": {"hidden": 32}}},
            "cora(split=full)": {"protocol": {"learning_rate": 0.5}},
        },
    }
)


def test_a_dataset_changes_single_settings() -> None:
    assert MADE.settings("pubmed", "gcn") == ({"epochs": 100, "learning_rate": 0.01}, {"layers": 2, "hidden": 64})
    assert MADE.settings("cora", "gcn") == ({"epochs": 50, "learning_rate": 0.01}, {"layers": 2, "hidden": 32})
    assert MADE.settings("cora", "mlp") == ({"epochs": 50, "learning_rate": 0.01}, {})


def test_the_exact_spec_goes_before_the_bare_name() -> None:
    assert MADE.settings("cora(split=full)", "gcn")[0] == {"epochs": 100, "learning_rate": 0.5}
    assert MADE.settings("cora(split=random)", "gcn")[0] == {"epochs": 50, "learning_rate": 0.01}
    assert MADE.settings("my/cora.toml", "gcn")[0] == {"epochs": 100, "learning_rate": 0.01}


def test_a_backbone_that_is_not_covered_is_said() -> None:
    with pytest.raises(UsageError, match="covers no backbone 'gat'; known are: gcn, mlp"):
        MADE.settings("cora", "gat")


@pytest.mark.parametrize("name", sorted(tables.shipped("presets")))
def test_every_shipped_preset_makes_methods_and_protocols(name: str) -> None:
    preset = presets.load(name)
    for dataset in preset.datasets or ["cora", "minesweeper"]:
        for backbone in preset.backbone:
            protocol, parameters = preset.settings(dataset, backbone)
            made = Method.parse(backbone, parameters)
            assert Method.parse(made.name) == made
            assert Protocol.from_settings(protocol).epochs is not None


def test_a_dataset_that_is_not_covered_is_said() -> None:
    with pytest.raises(UsageError, match="does not cover 'cora'; it covers: minesweeper, amazon-ratings"):
        presets.load("tuned").settings("cora", "gcn")


def test_what_is_written_out_wins_over_a_preset_even_where_it_is_the_default() -> None:
    _, gat = presets.load("tuned").settings("minesweeper", "gat")
    assert "heads=1" in Method.parse("gat", gat).name
    assert "heads" not in Method.parse("gat(heads=8)", gat).name  # 8 is the plug-in's own default


def test_published_settings_of_tuned_gcn_on_minesweeper() -> None:
    # tunedGNN, medium_graph/run_gnn.sh: 12 layers of 64, dropout 0.2, batch norm, residual, lr 0.01, 2000 epochs
    protocol, gcn = presets.load("tuned").settings("minesweeper", "gcn")
    assert (protocol["learning_rate"], protocol["epochs"]) == (0.01, 2000)
    wanted = {"layers": 12, "hidden": 64, "dropout": 0.2, "norm": "batch", "residual": True, "head": "linear"}
    assert gcn == wanted


def test_settings_of_dynamic_rescaling() -> None:
    # Mustafa and Burkholz 2024: Adam, no weight decay, clip 3, 10000 epochs, 5 layers of 64, no dropout, no norm
    settings, backbone = presets.load("dynamic_rescaling").settings("cora", "gatv2")
    protocol = Protocol.from_settings(settings)
    assert (protocol.clip, protocol.epochs, protocol.weight_decay, protocol.select_by) == (3.0, 10_000, 0.0, "metric")
    assert (backbone["share_weights"], backbone["bias"], backbone["initialization"]) == (True, False, "looks_linear")
    assert all(
        (each["layers"], each["hidden"]) == (5, 64) for each in presets.load("dynamic_rescaling").backbone.values()
    )


def test_the_release_of_dynamic_rescaling_differs_in_how_epochs_of_binary_tasks_are_selected() -> None:
    paper, release = presets.load("dynamic_rescaling"), presets.load("dynamic_rescaling_release")
    assert paper.backbone == release.backbone
    for dataset, selected in {"tolokers(direction=stored)": "balanced_accuracy", "amazon-ratings": "metric"}.items():
        ours, theirs = (preset.settings(dataset, "gatv2")[0] for preset in (paper, release))
        assert Protocol.from_settings(theirs).select_by == selected
        assert {**theirs, "select_by": "metric"} == {**ours, "select_by": "metric"}
