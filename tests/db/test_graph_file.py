"""Edge lists measured by hand, and what is no edge list."""

from __future__ import annotations

import re

import numpy as np
import pytest

from db.errors import StoreError
from db.graph_file import LARGEST, MeasuredGraph, measure

PATH = b"0,1\n1,2\n2,3\n"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 4


def test_a_path_with_labels_by_hand() -> None:
    # labels a a b b: 2 of 3 edges agree; three ends in each class, so 1/2 is expected
    graph = measure(PATH, b"a\na\nb\nb\n")
    assert (graph.nodes, graph.edges, graph.classes, graph.labelled) == (4, 3, 2, 4)
    assert graph.edge_homophily == pytest.approx(2 / 3)
    assert graph.adjusted_homophily == pytest.approx(1 / 3)
    assert graph.average_degree == pytest.approx(1.5)


def test_without_labels_only_the_size_is_known() -> None:
    assert measure(PATH) == MeasuredGraph(4, 3, None, None, None, None)


@pytest.mark.parametrize(
    "text",
    [
        b"source,target\n0,1\n1,2\n2,3\n",
        b"# from SNAP\n%\n\n0\t1\n1\t2\n2\t3\n",
        b"0 1 0.5\n1 2 0.25\n2 3 9\n",
        b'"0";"1"\r\n"1";"2"\r\n"2";"3"\r\n',
        b"\xef\xbb\xbf0,1\n1,2\n2,3",
        b"0,1\n1,0\n1,2\n2,1\n2,3\n3,3\n0,1\n",
    ],
    ids=["titles", "comments and tabs", "weights", "quotes", "byte order mark", "both directions, loops, repeats"],
)
def test_one_graph_in_many_spellings(text: bytes) -> None:
    assert measure(text) == measure(PATH)


def test_node_numbers_with_gaps_and_labels_by_node() -> None:
    graph = measure(b"10,4294967295\n10,7\n", b"id,label\n7,x\n10,x\n4294967295,y\n99,\n98,-1\n")
    assert (graph.nodes, graph.edges, graph.classes, graph.labelled) == (5, 2, 2, 3)
    assert graph.edge_homophily == pytest.approx(1 / 2)


def test_an_edge_without_labels_at_both_ends_does_not_count() -> None:
    graph = measure(PATH, b"0,a\n1,a\n2,b\n")
    assert graph.edge_homophily == pytest.approx(1 / 2)
    assert measure(PATH, b"7,a\n").edge_homophily is None


def test_a_random_graph_against_a_set_of_pairs() -> None:
    edges = np.random.default_rng(0).integers(0, 40, (500, 2)).tolist()
    labels = [node % 3 for node in range(40)]
    pairs = {(min(edge), max(edge)) for edge in edges if edge[0] != edge[1]}
    text = "".join(f"{source},{target}\n" for source, target in edges)
    graph = measure(text.encode(), "".join(f"{label}\n" for label in labels).encode())
    assert graph.edges == len(pairs)
    assert graph.edge_homophily == pytest.approx(np.mean([labels[low] == labels[high] for low, high in pairs]))


@pytest.mark.parametrize(
    ("edges", "labels", "words"),
    [
        (b"", None, "edge list is empty"),
        (b"#\n\n", None, "edge list is empty"),
        (b"source,target\n", None, "joins no two different nodes"),
        (b"source,target", None, "cannot be read as a table"),
        (b"5,5\n", None, "joins no two different nodes"),
        (b"0\n1\n", None, "has one column"),
        (PICTURE, None, "not UTF-8 text"),
        (b"0,1\n" * 20_000 + b"\xff,1\n", None, "Line 20001 of the edge list"),
        (b"0,1\x00\n", None, "not a text file"),
        (b"0,1\n-1,2\n", None, "Line 2 of the edge list has '-1'"),
        (b"a,b\n0,1\n2.5,3\n", None, "Line 3 of the edge list has '2.5'"),
        (b"0,1\n=1+1,2\n", None, "Line 2 of the edge list has '=1+1'"),
        (b"=HYPERLINK(x),2\n", None, "Line 1 of the edge list has '=HYPERLINK(x)'"),
        (b"0,1\n2\n", None, "Line 2 of the edge list does not have the 2 columns"),
        (b"0,1\n,2\n", None, "Line 2 of the edge list has ''"),
        (b"1" * 40 + b",2\n", None, "11 ...' where a node number"),
        (b"0," + b"1" * 3_000_000, None, "cannot be read as a table"),
        (b"x" * (LARGEST + 1), None, "has 20 MB and may have 20"),
        (PATH, b"", "label file is empty"),
        (PATH, b"a\nb\n", "has 2 lines, but an edge names node 3"),
        (PATH, b"0,a\n0,b\n", "two lines for node 0"),
        (PATH, b"-1,a\n", "no node number, or a negative one"),
        (PATH, b"0,a\n1,\xff\n", "not UTF-8 text"),
        (PATH, PICTURE, "label file is not UTF-8 text"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(edges: bytes, labels: bytes | None, words: str) -> None:
    with pytest.raises(StoreError, match=re.escape(words)) as raised:
        measure(edges, labels)
    assert str(raised.value).endswith(".") and "\n" not in str(raised.value)
