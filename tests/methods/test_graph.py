"""Views: choosing graphs of a union keeps exactly their nodes, edges and labels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from methods.adjacency import Adjacency
from methods.graph import GraphView, concatenated_ranges


def union(level: str, values: Tensor | None = None) -> GraphView:
    """Three directed graphs: 0 -> 1; 2 alone; 3 -> 4 -> 5 -> 3."""
    adjacency = Adjacency.from_edges(torch.tensor([0, 3, 4, 5]), torch.tensor([1, 4, 5, 3]), nodes=6)
    adjacency.values = values
    labels = torch.arange(6 if level == "node" else 3)
    return GraphView(
        x=torch.arange(6.0).unsqueeze(1),
        adjacency=adjacency,
        y=labels,
        train_mask=labels % 2 == 0,
        level=level,  # type: ignore[arg-type]
        graph_ptr=torch.tensor([0, 2, 3, 6]),
    )


def edges_of(view: GraphView) -> set[tuple[int, int]]:
    """Edges source -> target."""
    return set(zip(view.adjacency.indices.tolist(), view.adjacency.row_of_entry().tolist(), strict=True))


def test_counts() -> None:
    view = union("graph")
    assert (view.num_nodes, view.num_edges, view.num_graphs) == (6, 4, 3)
    single = GraphView(view.x, view.adjacency, view.y, view.train_mask)
    assert single.num_graphs == 1


def test_chosen_graphs_in_the_order_of_the_choice() -> None:
    chosen = union("graph").graphs(torch.tensor([2, 0]))
    assert chosen.nodes is not None and chosen.graph_ptr is not None
    assert chosen.nodes.tolist() == [3, 4, 5, 0, 1]
    assert chosen.x.flatten().tolist() == [3, 4, 5, 0, 1]
    assert chosen.graph_ptr.tolist() == [0, 3, 5]
    assert edges_of(chosen) == {(0, 1), (1, 2), (2, 0), (3, 4)}
    assert chosen.y.tolist() == [2, 0] and chosen.train_mask.tolist() == [True, True]
    assert chosen.level == "graph"


def test_labels_of_nodes_move_with_their_nodes() -> None:
    chosen = union("node").graphs(torch.tensor([1, 2]))
    assert chosen.y.tolist() == [2, 3, 4, 5]
    assert chosen.train_mask.tolist() == [True, False, True, False]
    assert edges_of(chosen) == {(1, 2), (2, 3), (3, 1)}


def test_weights_of_edges_move_with_their_edges() -> None:
    # entries by row: 1 <- 0, 3 <- 5, 4 <- 3, 5 <- 4
    view = union("graph", values=torch.tensor([1.0, 2.0, 3.0, 4.0]))
    chosen = view.graphs(torch.tensor([2]))
    assert chosen.adjacency.indices.tolist() == [2, 0, 1]
    assert chosen.adjacency.values is not None and chosen.adjacency.values.tolist() == [2, 3, 4]


def test_a_graph_without_edges_alone() -> None:
    chosen = union("graph").graphs(torch.tensor([1]))
    assert (chosen.num_nodes, chosen.num_edges, chosen.num_graphs) == (1, 0, 1)


def test_all_graphs_in_order_are_the_whole() -> None:
    view = union("graph")
    whole = view.graphs(torch.arange(3))
    assert edges_of(whole) == edges_of(view) and torch.equal(whole.x, view.x)


def test_one_graph_has_no_graphs_to_choose_from() -> None:
    view = union("node")
    with pytest.raises(ValueError, match="no graphs to choose from"):
        GraphView(view.x, view.adjacency, view.y, view.train_mask).graphs(torch.tensor([0]))


def test_a_view_on_a_device_keeps_everything() -> None:
    view = union("graph")
    copy = view.to("cpu")
    assert copy.graph_ptr is not None and copy.graph_ptr.tolist() == [0, 2, 3, 6]
    assert edges_of(copy) == edges_of(view) and copy.level == "graph"


def test_concatenated_ranges() -> None:
    assert concatenated_ranges(torch.tensor([5, 0, 7]), torch.tensor([2, 0, 3])).tolist() == [5, 6, 7, 8, 9]
    assert concatenated_ranges(torch.tensor([], dtype=torch.int64), torch.tensor([], dtype=torch.int64)).tolist() == []


def test_an_induced_view_keeps_rows_labels_and_edges_between_its_nodes() -> None:
    view = union("node")
    single = GraphView(view.x, view.adjacency, view.y, view.train_mask, label_weights=torch.arange(6.0))
    drawn = single.induced(torch.tensor([5, 3, 0]))
    assert drawn.nodes is not None and drawn.nodes.tolist() == [5, 3, 0]
    assert drawn.x.flatten().tolist() == [5, 3, 0] and drawn.y.tolist() == [5, 3, 0]
    assert drawn.train_mask.tolist() == [False, False, True]
    assert edges_of(drawn) == {(0, 1)}  # 5 -> 3
    assert drawn.label_weights is not None and drawn.label_weights.tolist() == [5, 3, 0]
    again = drawn.induced(torch.tensor([2, 0]))
    assert again.nodes is not None and again.nodes.tolist() == [0, 5]


def test_an_induced_union_keeps_its_graphs_and_their_labels() -> None:
    drawn = union("graph").induced(torch.tensor([1, 4, 5]))
    assert drawn.graph_ptr is not None and drawn.graph_ptr.tolist() == [0, 1, 1, 3]
    assert drawn.y.tolist() == [0, 1, 2] and drawn.num_graphs == 3
    assert edges_of(drawn) == {(1, 2)}  # 4 -> 5


def test_the_graph_of_each_node() -> None:
    view = union("node")
    assert view.graph_of_node().tolist() == [0, 0, 1, 2, 2, 2]
    assert GraphView(view.x, view.adjacency, view.y, view.train_mask).graph_of_node().tolist() == [0] * 6


def test_nodes_of_a_choice_are_positions_in_the_first_graph() -> None:
    first = union("node").graphs(torch.tensor([2, 0]))
    second = first.graphs(torch.tensor([1]))
    assert second.nodes is not None and second.nodes.tolist() == [0, 1]
    third = first.graphs(torch.tensor([0]))
    assert third.nodes is not None and third.nodes.tolist() == [3, 4, 5]
