"""A graph measured from an uploaded edge list. Nothing of the file is kept, and nothing in it is executed."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from db.errors import StoreError
from db.homophily import homophily_of_ends

LARGEST = 20 * 10**6
"""Bytes of a file at most: five million of the shortest edges, which take some 200 MB while they are measured."""

Ids = NDArray[np.uint32]

_HEAD = 65_536
_DELIMITERS = "\t,; "
_COMMENTS = ("#", "%")
_LINE_END = re.compile(r"\r\n|\r|\n")
_TITLE = re.compile(r"[A-Za-z_][\w .:-]*")
_LABEL_TITLES = ("label", "labels", "class", "y")
_WRONG_CELL = re.compile(r"Row #(\d+): CSV conversion error to \w+: invalid value '(.*)'", re.DOTALL)
_WRONG_ROW = re.compile(r"Row #(\d+): Expected (\d+) columns")


@dataclass(frozen=True)
class MeasuredGraph:
    """What an edge list says of its graph, taken as undirected."""

    nodes: int
    """Those that an edge or a label names."""
    edges: int
    """Each pair of different nodes once, in whichever direction and however often it is listed."""
    classes: int | None
    """Different labels; None without labels, as for the next three."""
    labelled: int | None
    """Nodes with a label."""
    edge_homophily: float | None
    adjusted_homophily: float | None

    @property
    def average_degree(self) -> float:
        """Neighbours of a node, on average."""
        return 2 * self.edges / self.nodes


def measure(edges: bytes, labels: bytes | None = None) -> MeasuredGraph:
    """Measure an edge list, with or without labels.

    Args:
        edges: text of two or more columns (tab, comma, semicolon or space), of which the first two are the node
            numbers of an edge. Lines that begin with # or % may stand above, and one line of titles.
        labels: text of one column (line i is the label of node i) or two (node number, label). Labels are any words;
            an empty one and -1 mean unlabelled. A first line is titles if its last word is `label` or `class`.

    Raises:
        StoreError: a file is too large, is no such text, or names a node that cannot be; one sentence with the line.
    """
    sources, targets = _read_edges(edges)
    pairs = _distinct_pairs(sources, targets)
    named = np.unique(np.concatenate([sources, targets]))
    del sources, targets
    if labels is None:
        return MeasuredGraph(len(named), len(pairs), None, None, None, None)
    nodes, classes, labelled_nodes = _read_labels(labels, int(named[-1]))
    ends = (pairs >> np.uint64(32)).astype(np.uint32), pairs.astype(np.uint32)
    edge, adjusted = homophily_of_ends(*(_label_of(end, nodes, classes) for end in ends))
    return MeasuredGraph(
        nodes=len(np.union1d(named, nodes)),
        edges=len(pairs),
        classes=len(np.unique(classes[classes >= 0])),
        labelled=labelled_nodes,
        edge_homophily=edge,
        adjusted_homophily=adjusted,
    )


def _read_edges(data: bytes) -> tuple[Ids, Ids]:
    head = _head(data, "edge list")
    if len(head.first) < 2:
        raise StoreError("The edge list has one column; an edge needs two node numbers a line, such as 0,1.")
    has_titles = all(_TITLE.fullmatch(cell) for cell in head.first[:2])
    table = _parsed(data, head, head.skipped + has_titles, "edge list", {"0": pa.uint32(), "1": pa.uint32()})
    return table.column("0").to_numpy(), table.column("1").to_numpy()


def _distinct_pairs(sources: Ids, targets: Ids) -> NDArray[np.uint64]:
    different = sources != targets
    low, high = np.minimum(sources, targets)[different], np.maximum(sources, targets)[different]
    if not len(low):
        raise StoreError("The edge list joins no two different nodes, so there is no graph to measure.")
    pairs = low.astype(np.uint64) << np.uint64(32)
    pairs |= high
    pairs.sort()
    return pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])]


def _read_labels(data: bytes, largest: int) -> tuple[Ids, NDArray[np.int64], int]:
    """Node numbers, ascending, their classes with -1 for none, and how many have one."""
    head = _head(data, "label file")
    columns: dict[str, Any] = {str(index): pa.uint32() for index in range(min(len(head.first), 2) - 1)}
    words = str(len(columns))
    columns[words] = pa.dictionary(pa.int32(), pa.string())
    has_titles = head.first[len(columns) - 1].lower() in _LABEL_TITLES
    table = _parsed(data, head, head.skipped + has_titles, "label file", columns).unify_dictionaries()
    codes = pc.fill_null(table.column(words).combine_chunks().indices, -1).to_numpy(zero_copy_only=False)
    classes = codes.astype(np.int64)
    if words == "0":
        if largest >= len(classes):
            raise StoreError(
                f"The label file has {len(classes):,} lines, but an edge names node {largest}; give one label a node, "
                "or two columns, node number and label."
            )
        return np.arange(len(classes), dtype=np.uint32), classes, int((classes >= 0).sum())
    if table.column("0").null_count:
        raise StoreError("A line of the label file has no node number, or a negative one; number the nodes from 0.")
    nodes = table.column("0").to_numpy()
    order = np.argsort(nodes, kind="stable")
    nodes, classes = nodes[order], classes[order]
    if (twice := nodes[1:][nodes[1:] == nodes[:-1]]).size:
        raise StoreError(f"The label file has two lines for node {twice[0]}; a node has one label.")
    return nodes, classes, int((classes >= 0).sum())


def _label_of(ends: Ids, nodes: Ids, classes: NDArray[np.int64]) -> NDArray[np.int64]:
    at = np.minimum(np.searchsorted(nodes, ends), len(nodes) - 1)
    return np.where(nodes[at] == ends, classes[at], -1)


class _Head(NamedTuple):
    first: list[str]
    """Cells of the first line that is neither empty nor a comment."""
    skipped: int
    """Lines above it."""
    delimiter: str


def _head(data: bytes, what: str) -> _Head:
    if len(data) > LARGEST:
        raise StoreError(
            f"The {what} has {len(data) / 1e6:,.0f} MB and may have {LARGEST // 10**6}; type the numbers in instead."
        )
    try:
        # the last character may be cut in two
        text = data[:_HEAD].decode("utf-8-sig", errors="strict" if len(data) <= _HEAD else "surrogateescape")
    except UnicodeDecodeError as error:
        raise StoreError(f"The {what} is not UTF-8 text (byte {error.start}); save it as plain CSV.") from error
    if "\0" in text:
        raise StoreError(f"The {what} is not a text file; save it as plain CSV.")
    for skipped, line in enumerate(_LINE_END.split(text)):
        if line.strip() and not line.startswith(_COMMENTS):
            delimiter = next((each for each in _DELIMITERS if each in line.strip()), ",")
            return _Head([cell.strip(' "') for cell in line.split(delimiter)], skipped, delimiter)
    raise StoreError(f"The {what} is empty.")


def _parsed(data: bytes, head: _Head, skipped: int, what: str, columns: dict[str, Any]) -> pa.Table:
    try:
        return csv.read_csv(
            io.BytesIO(data),
            # one thread, because only then an error has its line
            csv.ReadOptions(
                use_threads=False, skip_rows=skipped, column_names=[str(index) for index in range(len(head.first))]
            ),
            csv.ParseOptions(delimiter=head.delimiter),
            csv.ConvertOptions(
                column_types=columns,
                include_columns=list(columns),
                null_values=["", "-1"] if what == "label file" else [],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise StoreError(_sentence(str(error), what)) from error


def _sentence(message: str, what: str) -> str:
    if found := _WRONG_CELL.search(message):
        line, cell = found.groups()
        shown = cell if len(cell) <= 24 else f"{cell[:24]} ..."
        return f"Line {line} of the {what} has '{shown}' where a node number from 0 to {2**32 - 1} belongs."
    if found := _WRONG_ROW.search(message):
        return f"Line {found[1]} of the {what} does not have the {found[2]} columns of the first line."
    if "UTF8" in message:
        return f"The {what} is not UTF-8 text; save it as plain CSV."
    return f"The {what} cannot be read as a table; save it as plain CSV with one edge or label a line."
