"""What every backbone promises: nodes have no order, any graph will do, and what it declares is true."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from bench.conformance.case import Case, Promise, difference, outputs, shaken, sized
from bench.conformance.check import FailedError, NotApplicableError
from methods.adjacency import Adjacency
from methods.graph import GraphView
from methods.invariance import Invariance
from methods.method import Method
from methods.parameters import parameters_of
from methods.plugin import find
from methods.problem import Problem
from methods.rescaling.rescale import rescale
from methods.spec import Spec, Value

TOLERANCE = 1e-4
"""Of outputs that are summed in another order."""
EXACT = 1e-5
DEPTHS = (1, 2, 5)
LONELY = 10


def ignores_the_order_of_nodes(case: Case) -> str:
    """f(P x, P A P^T) = P f(x, A)."""
    problem = case.problem()
    model, view = _network(case, problem), problem.graph
    if view.graph_ptr is not None:
        raise NotApplicableError("it takes sets of graphs only, whose nodes stand in order")
    order = torch.randperm(view.num_nodes, generator=torch.Generator().manual_seed(0))
    change = difference(outputs(model, view)[order], outputs(model, view.induced(order)))
    if not change <= TOLERANCE:
        raise FailedError(
            f"numbering the nodes anew changes their outputs by {change:.1e} (allowed: {TOLERANCE:g}); "
            "a node may know its features and its neighbours, not its number"
        )
    return f"outputs follow their nodes (largest change {change:.1e})"


def takes_isolated_nodes(case: Case) -> str:
    """Nodes without edges have finite outputs and finite gradients."""
    problem = case.problem()
    view = problem.graph
    alone = torch.zeros(view.num_nodes, dtype=torch.bool)
    alone[:LONELY] = True
    entries = alone[view.adjacency.row_of_entry()] | alone[view.adjacency.indices.long()]
    lonely = replace(view, adjacency=view.adjacency.masked(~entries))
    edgeless = replace(view, adjacency=view.adjacency.masked(torch.zeros_like(entries)))
    for what, graph in (("isolated nodes", lonely), ("no edges at all", edgeless)):
        model = _network(case, problem)
        out = outputs(model, graph)
        problem.loss(model.train()(graph), graph).backward()
        gradients = [each.grad for each in model.parameters() if each.grad is not None]
        if not bool(torch.isfinite(out).all()) or not all(bool(torch.isfinite(each).all()) for each in gradients):
            raise FailedError(
                f"a graph with {what} gives NaN or infinite numbers; look at divisions by numbers of neighbours"
            )
    return "nodes without neighbours, and graphs without edges, give finite outputs and gradients"


def takes_unions(case: Case) -> str:
    """Graphs side by side are one view, with an output a node or the mean of each graph."""
    problem = case.problem()
    model, view = _network(case, problem), problem.graph
    if view.graph_ptr is not None:
        raise NotApplicableError("it takes sets of graphs only, so it has seen unions already")
    half = view.num_nodes // 2
    graphs = [view.induced(torch.arange(half)), view.induced(torch.arange(half, view.num_nodes))]
    union = _union(graphs)
    together = outputs(model, union)
    alone = torch.cat([outputs(model, graph) for graph in graphs])
    per_graph = outputs(model, replace(union, level="graph", y=union.y[:2], train_mask=union.train_mask[:2]))
    expected = torch.stack([together[:half].mean(0), together[half:].mean(0)])
    if together.shape != alone.shape or not difference(per_graph, expected) <= TOLERANCE:
        raise FailedError(
            f"a union of two graphs gives outputs of shape {tuple(together.shape)} for nodes and "
            f"{tuple(per_graph.shape)} for graphs, and these must be the means of their nodes; "
            "override node_outputs and leave forward alone"
        )
    change = difference(together, alone)
    if change > TOLERANCE:
        return f"unions work, but their graphs see each other: outputs beside another graph change by {change:.1e}"
    return f"graphs of a union do not see each other (largest change {change:.1e})"


def takes_any_number_of_layers(case: Case) -> str:
    """`layers` is a parameter, and one layer is enough."""
    if "layers" not in parameters_of(find(case.target.spec.name)[1]):
        raise NotApplicableError("it has no parameter 'layers'; give it one where depth can be chosen")
    problem = case.problem()
    for depth in DEPTHS:
        model = _network(case, problem, layers=depth)
        if tuple(outputs(model, problem.graph).shape) != (problem.graph.y.numel(), problem.out_features):
            raise FailedError(f"layers={depth} gives outputs of another shape than [nodes, {problem.out_features}]")
    return f"layers={', '.join(map(str, DEPTHS))} all give one output a label"


def learns_all_parameters(case: Case) -> str:
    """Each parameter that has to learn gets a finite gradient."""
    problem = case.problem()
    model = _network(case, problem).train()
    problem.loss(model(problem.graph), problem.graph).backward()
    learned = {name: each for name, each in model.named_parameters() if each.requires_grad}
    unused = [name for name, each in learned.items() if each.grad is None]
    if unused:
        raise FailedError(f"{', '.join(unused[:3])} gets no gradient; use it in node_outputs or take it out")
    broken = [name for name, each in learned.items() if not bool(torch.isfinite(each.grad).all())]  # type: ignore[arg-type]
    if broken:
        raise FailedError(f"the gradient of {', '.join(broken[:3])} is not finite; look for 0 / 0 and roots of 0")
    return f"all {len(learned)} tensors of parameters get a gradient"


def declares_what_is_true(case: Case) -> str:
    """Rescaling the hidden units that it declares as exact leaves its outputs."""
    problem = case.problem()
    model = _network(case, problem)
    declare = getattr(model, "invariance", None)
    declared: Invariance | None = None if declare is None else declare()
    if declared is None or not declared.units:
        return "it declares no hidden units, so rescalers refuse it; see methods/invariance.py"
    own = {id(each) for each in model.parameters()}
    if any(id(each) not in own for each in declared.parameters()):
        raise FailedError("it declares tensors that are none of its parameters; name the parameters themselves")
    generator = torch.Generator().manual_seed(3)
    units = [torch.randn(group.size, generator=generator, dtype=torch.float64).exp() for group in declared.units]
    count, before = sum(group.size for group in declared.units), outputs(model, problem.graph)
    rescale(declared, units)
    change = difference(before, outputs(model, problem.graph))
    if declared.exact and not change <= EXACT:
        raise FailedError(
            f"rescaling its {count} declared units changes the outputs by {change:.1e} (allowed: {EXACT:g}); "
            "name all that makes and reads a unit, or declare exact=False"
        )
    return f"{count} hidden units, exact={declared.exact}; rescaling them moves outputs by {change:.1e}"


def _network(case: Case, problem: Problem, **wanted: Value) -> nn.Module:
    torch.manual_seed(0)
    spec = sized(case.target.spec, dropout=0.0)
    return shaken(Method(Spec(spec.name, {**spec.parameters, **wanted})).build_backbone(problem))


def _union(graphs: list[GraphView]) -> GraphView:
    """Graphs side by side."""
    starts = torch.tensor([0, *(graph.num_nodes for graph in graphs)]).cumsum(0)
    sources, targets = list[Tensor](), list[Tensor]()
    for graph, start in zip(graphs, starts[:-1], strict=True):
        sources.append(graph.adjacency.indices.long() + start)
        targets.append(graph.adjacency.row_of_entry() + start)
    return GraphView(
        x=torch.cat([graph.x for graph in graphs]),
        adjacency=Adjacency.from_edges(torch.cat(sources), torch.cat(targets), int(starts[-1])),
        y=torch.cat([graph.y for graph in graphs]),
        train_mask=torch.cat([graph.train_mask for graph in graphs]),
        graph_ptr=starts,
    )


PROMISES: dict[str, Promise] = {
    "order of nodes": ignores_the_order_of_nodes,
    "isolated nodes": takes_isolated_nodes,
    "unions of graphs": takes_unions,
    "layers": takes_any_number_of_layers,
    "gradients": learns_all_parameters,
    "invariance": declares_what_is_true,
}
