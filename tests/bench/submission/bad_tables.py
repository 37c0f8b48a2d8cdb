"""CSV files that are no curve and no predictions, or belong to other nodes."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
from cases import part
from good_bundle import predictions_csv


def edit_cell(row: int, column: int, value: str) -> Callable[[bytes], bytes]:
    """Set one cell of a CSV file; row 0 is the header."""

    def edit(content: bytes) -> bytes:
        lines = content.decode().split("\n")
        cells = lines[row].split(",")
        cells[column] = value
        lines[row] = ",".join(cells)
        return "\n".join(lines).encode()

    return edit


CURVE_0, SAID_0 = "curves/000.csv", "predictions/000.csv"
part("curve_not_a_number", "validation_metric is nan in row 2", CURVE_0, edit_cell(2, 4, "nan"))
part("curve_infinite", "train_loss is inf in row 1", CURVE_0, edit_cell(1, 3, "inf"))
part("curve_negative_time", "negative scored_seconds in row 1", CURVE_0, edit_cell(1, 2, "-1.0"))
part("curve_time_goes_back", "scored_seconds goes back in row 5", CURVE_0, edit_cell(5, 2, "0.5"))
part("curve_epoch_twice", "has epoch 4 twice", CURVE_0, edit_cell(5, 0, "4"))
part("curve_above_one", "outside 0 to 1", CURVE_0, edit_cell(3, 4, "1.5"))
part("curve_other_columns", "its first line must be", CURVE_0, edit_cell(0, 3, "test_metric"))
part("curve_is_a_pickle", "holds a pickle, which is never opened", CURVE_0, lambda content: pickle.dumps([1]))
part("curve_without_rows", "no rows|no table of numbers", CURVE_0, lambda content: content.split(b"\n")[0] + b"\n")
part("predictions_of_words", "is no table of numbers", SAID_0, edit_cell(3, 1, "cat"))
part("predictions_not_a_number", "prediction is nan in row 3", SAID_0, edit_cell(3, 1, "nan"))
part("predictions_of_three_columns", "is no table of numbers", SAID_0, edit_cell(3, 1, "1,1"))
part("node_below_zero", "names the node -1", SAID_0, edit_cell(3, 0, "-1"))
part("node_of_another_graph", "predicts node 999999, which is not among", SAID_0, edit_cell(3, 0, "999999"))
part("half_a_class", "predicts 0.5 for node", SAID_0, edit_cell(3, 1, "0.5"))
part("class_that_does_not_exist", r"has the classes 0 to 2", SAID_0, edit_cell(3, 1, "7"))
part("wrong_length", r"has \d+ predictions; the validation and test nodes .* are", SAID_0,
     lambda content: content[: content[:-1].rindex(b"\n") + 1])  # fmt: skip


def node_twice_in(content: bytes) -> bytes:
    first = content.decode().split("\n")[1].split(",")[0]
    return edit_cell(2, 0, first)(content)


part("node_twice", "twice; keep one prediction a node", SAID_0, node_twice_in)


def permuted_nodes(content: bytes) -> bytes:
    lines = content.decode().split("\n")
    rows = sorted((line.split(",") for line in lines[1:-1]), key=lambda row: int(row[0]))
    nodes = np.random.default_rng(1).permutation([row[0] for row in rows])
    return predictions_csv(nodes, [row[1] for row in rows])


part(
    "permuted_nodes",
    "its nodes are permuted: with nodes in ascending order the claim would hold",
    SAID_0,
    permuted_nodes,
)
