"""`leangnn submit`: every command once, in the order in which people use them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

GRID = "minesweeper-grid(side=12)"
METHOD = "gcn(layers=2,hidden=8)+watches_labels"


@pytest.fixture
def bundle(cli: Any, ran: Any, tmp_path: Path) -> Path:
    path = tmp_path / "own.zip"
    words = ("--submitter", "A. Person", "--authors", "B. Person", "--out", path, "--db", ran.store)
    said = cli("submit", "pack", METHOD, *words)
    assert (said.code, said.error) == (0, "")
    assert f"check it with: leangnn submit check {path}" in said.out
    return path


def test_from_a_bundle_to_a_retraction(cli: Any, bundle: Path, ran: Any) -> None:
    checked = cli("submit", "check", bundle)
    assert checked.code == 0, checked.error
    assert "verdict     accepted for review, 0 errors, 1 warnings" in checked.out
    assert "place 1 of 1 by the mean" in checked.out
    report = cli("submit", "check", bundle, "--json", "--db", ran.store).json
    assert (report["refused"], report["labels"], report["places"][0]["rows"]) == (False, True, 4)
    assert len(report["figures"]) == 4

    added = cli("submit", "add", bundle, "--who", "ada")
    assert (added.code, "self_reported" in added.out) == (0, True), added
    assert "is in the store already" in cli("submit", "add", bundle).out
    [row] = [row for row in cli("board", "--json").json if row["method"] == METHOD]
    assert row["trust"] == "self_reported"

    [item] = cli("submit", "list", "--json").json
    word = item["submission_id"][:12]
    assert word in cli("submit", "list").out
    for step, state in (
        ("approve", "checked"),
        ("dispute", "disputed"),
        ("approve", "checked"),
        ("retract", "retracted"),
    ):
        said = cli("submit", step, word, "--why", f"because {step}", "--who", "rita")
        assert said.out == f"{word}  {METHOD}  {state}  (because {step})\n", said.error
    [item] = cli("submit", "list", "--json").json
    assert [event["state"] for event in item["events"]] == [
        "self_reported", "checked", "disputed", "checked", "retracted"
    ]  # fmt: skip
    assert [event["who"] for event in item["events"]] == ["ada", "rita", "rita", "rita", "rita"]


def test_a_rejected_bundle_leaves_the_board(cli: Any, bundle: Path) -> None:
    cli("submit", "add", bundle)
    word = cli("submit", "list", "--json").json[0]["submission_id"]
    assert cli("submit", "reject", word, "--why", "copied").code == 0
    assert cli("board", "--json").json == []


def with_claim(bundle: Path, metric: float) -> bytes:
    """The bundle with another test metric in its first trial."""
    file = io.BytesIO()
    with zipfile.ZipFile(bundle) as before, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "manifest.json":
                table = json.loads(content)
                table["trials"][0]["test_metric"] = metric
                content = json.dumps(table).encode()
            after.writestr(name, content)
    return file.getvalue()


def test_a_refused_bundle_leaves_the_store_byte_identical(
    cli: Any, sentence: Any, bundle: Path, tmp_path: Path
) -> None:
    cheat, store = tmp_path / "cheat.zip", tmp_path / "store.duckdb"
    cheat.write_bytes(with_claim(bundle, 0.9999))
    said = sentence(1, "submit", "add", cheat, "--db", store)
    assert f"refused: {cheat}: trial 001 claims the test roc_auc 0.9999, but its predictions give" in said
    assert not store.exists()
    assert cli("submit", "add", bundle, "--db", store).code == 0
    before = store.read_bytes()
    assert "claims the test" in sentence(1, "submit", "add", cheat, "--db", store)
    assert store.read_bytes() == before


def test_a_folder_is_packed(cli: Any, tmp_path: Path) -> None:
    example = Path(__file__).parents[3] / "submissions" / "example"
    out = tmp_path / "hand.zip"
    assert cli("submit", "pack", "--from-folder", example, "--out", out).code == 0
    assert cli("submit", "check", out).code == 0


def test_nodes_of_a_split(cli: Any) -> None:
    lines = cli("submit", "nodes", GRID, "--split", 1).out.splitlines()
    assert lines[0] == "node,part"
    parts = [line.split(",") for line in lines[1:]]
    assert len({node for node, _ in parts}) == len(parts)
    assert {part for _, part in parts} == {"train", "valid", "test"}


def test_wrong_words_and_bad_files_are_one_sentence(cli: Any, sentence: Any, bundle: Path, tmp_path: Path) -> None:
    assert "say what to pack: METHOD with --submitter" in sentence(2, "submit", "pack")
    assert "exists; name another file" in sentence(
        1, "submit", "pack", "--from-folder", "submissions/example", "-o", bundle
    )
    assert "'nothing.zip' is not a file" in sentence(1, "submit", "add", "nothing.zip")
    assert "no submission begins with 'abcdef'" in sentence(1, "submit", "approve", "abcdef", "--why", "x")
    assert "needs who took it and why" in sentence(1, "submit", "approve", "abcdef", "--why", "")
    assert "there is no split 99" in sentence(2, "submit", "nodes", GRID, "--split", 99)
    assert "Nothing is submitted yet" in cli("submit", "list").out
    (tmp_path / "bad.zip").write_text("x")
    said = cli("submit", "check", tmp_path / "bad.zip", "--json")
    assert (said.code, json.loads(said.out)["refused"]) == (1, True)
