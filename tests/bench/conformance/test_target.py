"""What the words of a user mean."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.conformance.target import Target, load_file, targets
from bench.errors import BenchError, UsageError
from methods.errors import SpecError
from methods.spec import Spec
from methods.strategies import full_batch

TWO = """
@register("strategy", "one_of_two")
class One(FullBatch):
    \"\"\"One.\"\"\"

@register("rescaler", "two_of_two")
class Two(Rescaler):
    \"\"\"Two.\"\"\"
"""


def test_a_file_means_all_that_it_registers(write) -> None:
    found = write(TWO)
    assert {(target.kind, str(target.spec)) for target in found} == {
        ("strategy", "one_of_two"),
        ("rescaler", "two_of_two"),
    }
    assert {target.file.name for target in found} == {"written_for_a_test.py"}


def test_a_file_is_executed_once(write) -> None:
    [first, _] = write(TWO)
    assert first.file is not None
    assert load_file(first.file) is sys.modules["written_for_a_test"]


def test_a_file_of_ours_is_the_module_that_is_there() -> None:
    assert full_batch.__file__ is not None
    assert targets(full_batch.__file__)[0].spec == Spec("full_batch")
    assert load_file(Path(full_batch.__file__)) is full_batch


def test_names_may_have_parameters() -> None:
    assert targets("labor(batch_size=24)") == [Target("strategy", Spec("labor", {"batch_size": 24}))]


def test_an_attribute_of_a_module() -> None:
    [target] = targets("methods.rescaling.dynamic:WeightNormRescaling")
    assert (target.kind, str(target.spec), target.module) == ("rescaler", "dr_w", "methods.rescaling.dynamic")


def test_a_target_survives_json() -> None:
    for target in (
        Target("strategy", Spec("labor", {"batch_size": 24}), file=Path("a.py")),
        Target("rescaler", Spec("dr_w"), "m"),
    ):
        assert Target.of(target.document()) == target


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        ("missing.py", UsageError, "there is no file missing.py; give a .py file"),
        ("methods.spec:Spec", UsageError, "methods.spec:Spec is no registered class; decorate it"),
        ("no_such_module:Spec", BenchError, "no_such_module cannot be imported: ModuleNotFoundError"),
        ("full_bach", SpecError, "did you mean 'full_batch'"),
    ],
)
def test_wrong_words_are_told_what_to_do(words: str, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        targets(words)


def test_files_that_cannot_be_used(write, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="registers nothing; decorate its class"):
        write("")
    broken = tmp_path / "broken.py"
    broken.write_text("x = 1\nx.y\n")
    with pytest.raises(BenchError, match=r"broken.py cannot be executed: AttributeError \(.*\) in broken.py, line 2"):
        targets(str(broken))
    assert "broken" not in sys.modules
