"""The pages: every block says what it is, every command line is one, every link and path leads somewhere."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from bench import clock
from bench.cli.main import app
from bench.meters import calibration, energy
from db.records import Trust
from db.scoring import board_columns, censoring, comparison, equivalence, paired, pareto

ROOT = Path(__file__).parents[2]
SHOWN = ("text", "nginx", "ini", "dockerfile")
"""Languages of blocks that are for reading; commands and code have a language of their own."""
REASONS = (
    "installs packages",
    "needs a cluster",
    "needs a database server",
    "needs a GPU",
    "needs published data",
    "needs the checkout",
    "takes minutes",
    "the names stand for yours",
)
"""Why commands may be left out."""

_OURS = re.compile(r"(app|bench|db|docs|methods|results|submissions|tests)/[\w./-]*")


def command_line() -> Any:
    """The real command line, whose commands read their words and do nothing."""

    def still(command: Any) -> Any:
        for each in getattr(command, "commands", {}).values():
            still(each)
        if not hasattr(command, "commands"):
            command.callback = lambda **_: None
        return command

    return still(typer.main.get_command(app))


def ours(command: Sequence[str]) -> list[str] | None:
    """The words after `leangnn`; None where the command is another one."""
    places = [place for place, word in enumerate(command) if word.rpartition("/")[2] == "leangnn"]
    return list(command[places[0] + 1 :]) if places else None


def make_targets() -> set[str]:
    found = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return set(found[1].split())


def test_every_block_says_what_it_is(page: Path, page_blocks: list[Any]) -> None:
    for block in page_blocks:
        known = block.is_run or block.file or block.language in SHOWN or block.language == "bash"
        assert known, f"{block} is of the language '{block.language}'; use bash, python, sql, {SHOWN} or name a file"
        assert block.reason is None or block.language == "bash", f"{block}: only commands may be left out"
    assert len(re.findall(r"^\s*```", page.read_text(), re.MULTILINE)) == 2 * len(page_blocks), "a block has no end"


def test_what_is_not_run_says_why(not_run: Any) -> None:
    assert not_run.reason in REASONS


def test_command_lines_are_understood(commands: Any) -> None:
    for command in commands.commands:
        words = ours(command)
        if words is not None:
            command_line().main(words or ["--help"], prog_name="leangnn", standalone_mode=False)
        elif command[:1] == ["make"]:
            assert {word for word in command[1:] if "=" not in word} <= make_targets()
        elif "-m" in command and command[0].rpartition("/")[2] == "python":
            assert importlib.util.find_spec(command[command.index("-m") + 1]) is not None, command


def test_commands_in_sentences_are_understood(prose: str) -> None:
    for words in re.findall(r"`leangnn ([^`]+)`", prose):
        command = command_line()
        for word in words.split():
            if hasattr(command, "commands"):
                assert word in command.commands, f"leangnn {words}"
                command = command.commands[word]
            elif word.startswith("--"):
                options = {option for parameter in command.params for option in parameter.opts}
                assert word.partition("=")[0] in options, f"leangnn {words}"


def test_links_and_paths_lead_somewhere(page: Path, prose: str) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", prose):
        assert "://" in target or (page.parent / target).exists(), f"there is no {target} to link to"
    for path in re.findall(r"`([^`\s]+)`", prose):
        named = _OURS.fullmatch(path) and not re.search(r"[A-Z]{2}", Path(path).stem)
        assert not named or (ROOT / path).exists(), f"there is no {path}"


def test_the_index_has_every_page() -> None:
    index = (ROOT / "docs/index.md").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert [page for page in sorted(pages) if f"({page})" not in index] == []
    assert "(docs/index.md)" in (ROOT / "README.md").read_text()


def test_the_page_on_numbers_has_the_constants_of_the_code() -> None:
    text = " ".join((ROOT / "docs/reading-numbers.md").read_text().split())
    resamples = pareto.front_probability.__defaults__
    assert resamples is not None
    for sentence in (
        f"margin is {100 * equivalence.MARGIN:g} percentage points",
        f"below {equivalence.SIGNIFICANCE:g}",
        f"fewer than {board_columns.RANKED_FROM} (split, seed)",
        f"{100 * censoring.TARGET_SHARE:.0f} % of the median",
        f"{comparison._RESAMPLES:,} resamples",
        f"{resamples[0]:,} times",
        f"up to {paired._EXACT_UP_TO} differences",
        f"{paired._DRAWS:,} random",
        f"more than {100 * calibration.DRIFT_LIMIT:.0f} %",
        f"under {energy.MINIMUM_WINDOW_SECONDS:g} s",
        f"within {100 * clock.TOLERANCE:.0f} %",
        " + ".join(clock.SCORED),
    ):
        assert sentence in text
    assert [state.value for state in Trust if f"`{state.value}`" not in text] == []


def test_the_container_gets_packages_that_the_project_names() -> None:
    page = (ROOT / "docs/deploying.md").read_text()
    [named] = re.findall(r"--constraint \S+\s+(.*?) &&", page.replace("\\\n", " "))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    known = {re.split(r"[<>=;]", each)[0] for each in declared}
    assert named.split() and {each.strip("'") for each in named.split()} <= known
