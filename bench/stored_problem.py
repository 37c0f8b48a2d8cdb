"""The training problem of a dataset whose graph stays in the files of its prepared copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.block_prediction import BlockPredictor, stages_of
from bench.datasets.graph_data import GraphData
from bench.errors import BenchError
from bench.evaluation import Evaluator
from methods.adjacency import Adjacency
from methods.disk_array import DiskArray
from methods.errors import MethodError
from methods.graph import GraphView
from methods.method import Method
from methods.problem import Problem
from methods.stored_graph import StoredAdjacency, StoredGraph

_ROWS_AT_ONCE = 2**18


def pose_on_disk(data: GraphData, seed: int, device: torch.device) -> tuple[Problem, Evaluator]:
    """As `bench.trial.pose`, with the whole graph in `Problem.stored`; `Problem.graph` has none of its nodes.

    Features and edges stay in the files of the prepared copy; labels of training nodes, and lists of nodes, go to
    scratch files beside them. Afterwards nothing refers to the sealed data, whose labels are an array of all nodes.

    Raises:
        BenchError: the data is a set of graphs, or is not read from a prepared copy.
        MethodError: scratch files cannot be written beside the prepared copy.
    """
    if data.graph_ptr is not None:
        raise BenchError(f"{data.name} is a set of graphs, which cannot stay on disk; leave out graph=disk")
    if not isinstance(data.x, np.memmap) or data.x.filename is None:
        raise BenchError(f"{data.name} is not read from a prepared copy; load it by its name")
    split, folder = data.splits[0], Path(data.x.filename).parent
    labels, train = _training_labels(data, folder)
    stored = StoredGraph(
        x=DiskArray.of(data.x),
        adjacency=StoredAdjacency(DiskArray.of(data.indptr), DiskArray.of(data.indices)),
        labels=labels,
        train=train,
        device=device,
    )
    none = torch.zeros(0, dtype=torch.int64)
    nothing = GraphView(torch.zeros(0, data.features), Adjacency(torch.zeros(1), none, 0), none, none.bool())
    binary = data.metric == "roc_auc"
    problem = Problem(
        graph=nothing.to(device),
        task="binary" if binary else "multiclass",
        out_features=1 if binary else data.classes,
        generator=torch.Generator().manual_seed(seed),
        categories=data.categories,
        stored=stored,
    )
    parts = {"valid": _copied(split.valid, folder), "test": _copied(split.test, folder)}
    nowhere, valid_labels = none.numpy(), data.y[split.valid].astype(np.int64)
    return problem, Evaluator(data.metric, nowhere, nowhere, valid_labels, BlockPredictor(stored, parts, folder))


def check_on_disk(method: Method, model: nn.Module) -> None:
    """Refuse what needs the whole graph at once.

    Raises:
        MethodError: there is a quantizer or a rescaler, or the network cannot be cut into layers.
    """
    for part in (method.quantizer, method.rescaler):
        if part is not None:
            raise MethodError(f"{part} looks at the whole graph, which stays on disk; leave it out, or graph=disk")
    stages_of(model)


def _training_labels(data: GraphData, folder: Path) -> tuple[DiskArray, DiskArray]:
    """Labels of the training nodes, -1 elsewhere, [nodes] int32; and the training nodes, ascending."""
    nodes = data.splits[0].train
    labels = DiskArray.scratch(folder, np.int32, (data.nodes,))
    train = DiskArray.scratch(folder, np.int64, (len(nodes),))
    for rows in labels.places(_ROWS_AT_ONCE):
        labels[rows] = -1
    for rows in train.places(_ROWS_AT_ONCE):
        part = nodes[rows.numpy()]
        labels[torch.from_numpy(part)] = torch.from_numpy(data.y[part].astype(np.int32))
    known = 0
    for rows in labels.places(_ROWS_AT_ONCE):
        inside = rows[labels[rows] >= 0]
        train[torch.arange(known, known + inside.numel())] = inside
        known += inside.numel()
    labels.freeze()
    train.freeze()
    return labels, train


def _copied(nodes: NDArray[np.int64], folder: Path) -> DiskArray:
    """Nodes in a file of their own, because reading them from the map of all splits would keep its pages."""
    copy = DiskArray.scratch(folder, np.int64, (len(nodes),))
    for rows in copy.places(_ROWS_AT_ONCE):
        copy[rows] = torch.from_numpy(nodes[rows.numpy()])
    return copy
