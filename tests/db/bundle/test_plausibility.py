"""What is only looked at: findings that warn and do not refuse. Those that refuse are in the corpus of bad bundles."""

from __future__ import annotations

from typing import Any

from db.bundle.plausibility import implausible, read_contents
from db.bundle.read import Bundle
from db.bundle.report import Finding


def found(zipped: Any, manifest: dict[str, Any], parts: dict[str, bytes]) -> list[Finding]:
    with Bundle(zipped(manifest, parts)) as bundle:
        return implausible(bundle.manifest, read_contents(bundle))


def test_few_seeds_make_a_provisional_row(small, zipped) -> None:
    [finding] = found(zipped, *small())
    assert (finding.level, finding.rule) == ("warning", "seeds")
    assert "cora under p has 2 splits or seeds; a ranked row needs 10" in finding.sentence
    assert found(zipped, *small(trials=10)) == []


def test_without_a_ledger_there_is_no_cost_and_no_word_about_memory(small, zipped) -> None:
    manifest, parts = small(trials=10)
    manifest["trials"][0]["ledger"] = manifest["trials"][0]["peak_memory_bytes"] = None
    [finding] = found(zipped, manifest, parts)
    assert (finding.level, finding.rule, finding.trials) == ("warning", "times", ("000",))


def test_a_quantized_method_may_need_less_than_32_bits_a_parameter(small, zipped) -> None:
    manifest, parts = small(trials=10, method={"backbone": "gcn", "quantizer": "qlr"})
    for trial in manifest["trials"]:
        trial.update(parameters=1_000_000, model_bytes=500_000)
    wrong = {finding.trials[0] for finding in found(zipped, manifest, parts) if finding.rule == "memory"}
    assert wrong == {f"{position:03d}" for position in range(10, 20)}  # those of the reference


def test_the_same_class_everywhere_may_be_predicted_twice(small, zipped) -> None:
    manifest, parts = small(trials=10)
    for name in ("000", "001"):
        parts[f"predictions/{name}.csv"] = b"node,prediction\n1,3\n2,3\n"
    [finding] = found(zipped, manifest, parts)
    assert (finding.level, finding.rule, finding.trials) == ("warning", "identical", ("000", "001"))


def test_a_selection_that_the_curve_does_not_hold_cannot_be_verified(small, zipped) -> None:
    manifest, parts = small(trials=10, protocols={"p": {"select_by": "balanced_accuracy"}})
    assert {(finding.level, finding.rule) for finding in found(zipped, manifest, parts)} == {("warning", "selection")}


def test_a_method_that_is_done_long_before_its_reference_is_looked_at(small, zipped) -> None:
    manifest, parts = small(trials=10)
    header = parts["curves/010.csv"].split(b"\n")[0].decode()
    slow = [f"{e},{e},{e / 20},{1 / e},{0.2 if e < 50 else 0.79},{e},{e}" for e in range(1, 51)]
    parts["curves/010.csv"] = "\n".join([header, *slow, ""]).encode()
    manifest["trials"][10].update(selected_epoch=50, validation_metric=0.79)
    [finding] = found(zipped, manifest, parts)
    assert (finding.level, finding.rule, finding.trials) == ("warning", "convergence", ("000",))
    assert "in epoch 2, the reference in epoch 50" in finding.sentence


def test_two_jobs_do_twice_the_work_of_a_session(small, zipped) -> None:
    manifest, parts = small(trials=10)  # 10 * 3 s + 10 * 5 s of wall time
    manifest["sessions"][0]["finished_at"] = "2026-01-02T12:00:50Z"
    assert [finding.rule for finding in found(zipped, manifest, parts) if finding.level == "error"] == ["times"]
    manifest["protocols"]["p"]["jobs"] = 2
    assert found(zipped, manifest, parts) == []
