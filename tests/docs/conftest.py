"""Pages and their blocks. What a block says after its language decides what becomes of it:

`bash` is run, line by line, in the empty folder of its page; `bash not-run: REASON` is only parsed; a block that names
a file is written there; `python` and `sql` are executed; all other languages are for reading.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "results/README.md", "submissions/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OPERATOR = re.compile(r"[|&;<>]+")


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    file: str | None
    """The file that it is the content of."""
    reason: str | None
    """Why it is not run; None where nothing is said."""
    content: str

    def __str__(self) -> str:
        return f"{name(self.page)}:{self.line}"

    @property
    def is_run(self) -> bool:
        """Whether it is executed, and not only written, parsed or shown."""
        return self.language in ("bash", "python", "sql") and self.file is None and self.reason is None

    @property
    def lines(self) -> list[str]:
        """The command lines, those that go on after a backslash as one."""
        joined = self.content.replace("\\\n", " ").splitlines()
        return [line.strip() for line in joined if line.strip() and not line.strip().startswith("#")]

    @property
    def commands(self) -> Iterator[list[str]]:
        """The words of each command, without what its output is sent to."""
        for line in self.lines:
            command: list[str] = []
            words = iter(shell_words(line))
            for word in words:
                if word.startswith(">"):
                    next(words)
                elif _OPERATOR.fullmatch(word):
                    yield command
                    command = []
                else:
                    command.append(word)
            yield command


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in their order."""
    text, found = page.read_text(), []
    for match in FENCE.finditer(text):
        language, _, rest = match[1].strip().partition(" ")
        reason = rest.removeprefix("not-run:").strip() if rest.startswith("not-run:") else None
        file = rest if rest and reason is None else None
        found.append(Block(page, text.count("\n", 0, match.start()) + 1, language, file, reason, match[2]))
    return found


def shell_words(line: str) -> list[str]:
    """The words of a line as a shell takes them, operators apart, comments left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


EVERY = [block for each in PAGES for block in blocks(each)]
COMMANDS = [block for block in EVERY if block.language == "bash"]


@pytest.fixture(params=PAGES, ids=name)
def page(request: pytest.FixtureRequest) -> Path:
    """Every page."""
    return request.param


@pytest.fixture
def page_blocks(page: Path) -> list[Block]:
    """The blocks of the page."""
    return blocks(page)


@pytest.fixture
def prose(page: Path) -> str:
    """The page without its blocks."""
    return FENCE.sub("", page.read_text())


@pytest.fixture(params=COMMANDS, ids=str)
def commands(request: pytest.FixtureRequest) -> Block:
    """Every block of commands, run or not."""
    return request.param


@pytest.fixture(params=[block for block in COMMANDS if block.reason is not None], ids=str)
def not_run(request: pytest.FixtureRequest) -> Block:
    """Every block of commands that is not run."""
    return request.param


def _to_run() -> Iterator[Any]:
    """The pages that have something to run; slow are those with commands that start processes of their own."""
    for each in PAGES:
        run = "".join(block.content for block in blocks(each) if block.is_run)
        is_slow = any(words in run for words in ("leangnn check", "leangnn serve", "--processes"))
        if run:
            yield pytest.param(blocks(each), id=name(each), marks=[pytest.mark.slow] if is_slow else [])


@pytest.fixture(params=_to_run())
def run_page(request: pytest.FixtureRequest) -> list[Block]:
    """The blocks of every page that has something to run."""
    return request.param
