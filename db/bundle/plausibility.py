"""The known ways to go wrong that show without labels: in times, memory, curves and the epoch that was selected."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from db.bundle.manifest import Manifest, Trial
from db.bundle.read import Bundle
from db.bundle.report import Finding
from db.scoring.board_columns import RANKED_FROM
from db.scoring.curve import Curve

TOLERANCE = 5e-5
"""How far a claimed metric may be from the recomputed one: half a unit in the fourth decimal."""
TIME_TOLERANCE = 0.01
"""Of the wall time, as the ledger of a trial has to close."""
_FLOAT_BYTES = 4
_TOO_FAST = 20
"""A method that needs this many times fewer epochs than its reference is looked at."""


@dataclass(frozen=True)
class Contents:
    """What was read of the trials of a bundle, without their predictions.

    Attributes:
        curves: by trial.
        digests: SHA-256 of nodes and predictions, by trial.
        constant: trials that predict one and the same everywhere.
    """

    curves: Mapping[str, Curve]
    digests: Mapping[str, str]
    constant: frozenset[str]


def read_contents(bundle: Bundle) -> Contents:
    """Read every part of a bundle once, one trial at a time.

    Raises:
        BundleError: a part is damaged or is not what a bundle holds.
    """
    curves, digests, constant = {}, {}, set()
    for trial in bundle.manifest.trials:
        if trial.has_metric:
            curves[trial.id] = bundle.curve(trial.id)
            predictions = bundle.predictions(trial.id)
            digests[trial.id] = hashlib.sha256(predictions.nodes.tobytes() + predictions.values.tobytes()).hexdigest()
            if np.ptp(predictions.values) == 0:
                constant.add(trial.id)
    return Contents(curves, digests, frozenset(constant))


def implausible(manifest: Manifest, contents: Contents) -> list[Finding]:
    """Everything that does not fit together, trial by trial and between trials."""
    found = [*_seeds(manifest), *_sessions(manifest), *_identical(manifest, contents), *_too_fast(manifest, contents)]
    for trial in manifest.trials:
        found += [*_times(trial, contents.curves.get(trial.id)), *_memory(trial, manifest)]
        if trial.has_metric:
            by = manifest.protocols[trial.protocol].get("select_by", "metric")
            found += _selection(trial, contents.curves[trial.id], by)
    return found


def _seeds(manifest: Manifest) -> Iterator[Finding]:
    """Fewer seeds than the rule make a provisional row."""
    cells = defaultdict(set)
    for trial in manifest.trials:
        if trial.has_metric and not trial.reference:
            cells[(trial.dataset, trial.protocol, trial.device)].add((trial.split, trial.seed))
    for (dataset, protocol, _), runs in sorted(cells.items()):
        if len(runs) < RANKED_FROM:
            yield Finding(
                "warning",
                "seeds",
                f"{dataset} under {protocol} has {len(runs)} splits or seeds; "
                f"a ranked row needs {RANKED_FROM}, so this one is provisional",
            )


def _times(trial: Trial, curve: Curve | None) -> Iterator[Finding]:
    ledger = trial.ledger
    if ledger is None:
        yield Finding("warning", "times", f"trial {trial.id} has no ledger, so the board shows no cost", (trial.id,))
        return
    wall, parts = ledger.wall, sum(seconds for account, seconds in ledger if account != "wall")
    if abs(parts - wall) > TIME_TOLERANCE * wall:
        yield Finding(
            "error",
            "times",
            f"the ledger of trial {trial.id} sums to {parts:.6g} s and its wall time is {wall:.6g} s; "
            "they must agree within 1 %",
            (trial.id,),
        )
    scored = ledger.preprocess + ledger.compile + ledger.train
    if curve is not None and curve.scored_seconds[-1] > scored + TIME_TOLERANCE * wall:
        yield Finding(
            "error",
            "times",
            f"the curve of trial {trial.id} ends at {curve.scored_seconds[-1]:.6g} scored seconds, but preprocess, "
            f"compile and train of its ledger sum to {scored:.6g} s",
            (trial.id,),
        )


def _sessions(manifest: Manifest) -> Iterator[Finding]:
    """One session cannot hold more work than it has time."""
    for session in manifest.sessions:
        own = [trial for trial in manifest.trials if trial.session == session.id and trial.ledger is not None]
        if early := [trial.id for trial in own if trial.started_at < session.started_at]:
            yield Finding("error", "times", f"trial {early[0]} started before its session {session.id}", tuple(early))
        if session.finished_at is None or not own:
            continue
        lasted = (session.finished_at - session.started_at).total_seconds()
        jobs = max((_jobs(manifest, trial) for trial in own), default=1)
        worked = sum(trial.ledger.wall for trial in own if trial.ledger is not None)
        if worked > lasted * jobs * (1 + TIME_TOLERANCE):
            yield Finding(
                "error",
                "times",
                f"session {session.id} lasted {lasted:.6g} s, but its trials took {worked:.6g} s of wall time",
                tuple(trial.id for trial in own),
            )


def _jobs(manifest: Manifest, trial: Trial) -> int:
    jobs = manifest.protocols[trial.protocol].get("jobs", 1)
    return jobs if type(jobs) is int and jobs >= 1 else 1


def _memory(trial: Trial, manifest: Manifest) -> Iterator[Finding]:
    """Training holds every parameter at least once, in 32 bits unless numbers are stored in fewer."""
    peak, low_bit = trial.peak_memory_bytes, manifest.method.quantizer is not None and not trial.reference
    floor = max(trial.model_bytes or 0, 0 if low_bit else _FLOAT_BYTES * (trial.parameters or 0))
    if peak is not None and peak < floor:
        yield Finding(
            "error",
            "memory",
            f"trial {trial.id} claims a peak of {peak:,} bytes, less than the {floor:,} bytes of its own parameters",
            (trial.id,),
        )
    if trial.ledger is not None and peak is None and trial.has_metric:
        yield Finding("warning", "memory", f"trial {trial.id} has no peak memory", (trial.id,))


def _selection(trial: Trial, curve: Curve, by: object) -> Iterator[Finding]:
    """The epoch must be the one that validation selects, and its metric the one that is claimed."""
    where = np.flatnonzero(curve.epoch == trial.selected_epoch)
    if not where.size:
        yield Finding(
            "error",
            "selection",
            f"trial {trial.id} selected epoch {trial.selected_epoch}, in which its curve has no evaluation",
            (trial.id,),
        )
        return
    there, claimed = float(curve.validation_metric[where[0]]), trial.validation_metric
    assert claimed is not None
    if not abs(there - claimed) <= TOLERANCE:
        yield Finding(
            "error",
            "selection",
            f"trial {trial.id} claims the validation metric {claimed:.6g}, but its curve has {there:.6g} in the "
            f"selected epoch {trial.selected_epoch}",
            (trial.id,),
        )
    best = float(np.nanmax(curve.validation_metric)) if np.isfinite(curve.validation_metric).any() else there
    if by != "metric":
        yield Finding(
            "warning",
            "selection",
            f"trial {trial.id} selects by {str(by)[:40]}, which the curve does not hold, so it cannot be verified",
            (trial.id,),
        )
    elif there < best - TOLERANCE:
        yield Finding(
            "error",
            "selection",
            f"trial {trial.id} selected epoch {trial.selected_epoch} with validation {there:.6g}, but epoch "
            f"{curve.epoch[int(np.nanargmax(curve.validation_metric))]} has {best:.6g}; the epoch must be selected "
            "by validation, never by test",
            (trial.id,),
        )
    if trial.epochs is not None and curve.epoch[-1] > trial.epochs:
        yield Finding(
            "error",
            "times",
            f"trial {trial.id} ran {trial.epochs} epochs, but its curve goes to epoch {curve.epoch[-1]}",
            (trial.id,),
        )


def _identical(manifest: Manifest, contents: Contents) -> Iterator[Finding]:
    """Two seeds do not give one and the same numbers."""
    fingerprints = {name: _fingerprint(curve) for name, curve in contents.curves.items()}
    groups = defaultdict(list)
    for trial in manifest.trials:
        if trial.has_metric:
            groups[(trial.reference, trial.dataset, trial.protocol)].append(trial)
    for group in groups.values():
        for first, second in combinations(group, 2):
            pair = (first.id, second.id)
            if (first.split, first.seed) == (second.split, second.seed):
                continue  # repeats of one seed are meant to agree
            if fingerprints[first.id] == fingerprints[second.id] and len(contents.curves[first.id].epoch) > 1:
                sentence = f"trials {first.id} and {second.id} have other seeds or splits and the same curve"
                yield Finding("error", "identical", f"{sentence}; run every seed", pair)
            elif contents.digests[first.id] == contents.digests[second.id]:
                constant = first.id in contents.constant
                sentence = f"trials {first.id} and {second.id} have other seeds and the same predictions"
                yield Finding(
                    "warning" if constant else "error",
                    "identical",
                    f"{sentence}; {'both predict one class for every node' if constant else 'run every seed'}",
                    pair,
                )


def _fingerprint(curve: Curve) -> bytes:
    # without seconds, which a copy would change first
    return b"".join(array.tobytes() for array in (curve.epoch, curve.validation_metric, curve.train_loss))


def _too_fast(manifest: Manifest, contents: Contents) -> Iterator[Finding]:
    """A method that is where its reference ends after a small part of the epochs."""
    references = {
        _pairing(trial): contents.curves[trial.id] for trial in manifest.trials if trial.reference and trial.has_metric
    }
    for trial in manifest.trials:
        reference = None if trial.reference or not trial.has_metric else references.get(_pairing(trial))
        if reference is None or not np.isfinite(reference.validation_metric).any():
            continue
        goal = float(np.nanmax(reference.validation_metric))
        needed, usual = _epochs_to(contents.curves[trial.id], goal), _epochs_to(reference, goal)
        if needed is not None and usual is not None and usual > _TOO_FAST * needed:
            yield Finding(
                "warning",
                "convergence",
                f"trial {trial.id} reaches the best validation metric of its reference in epoch {needed}, "
                f"the reference in epoch {usual}",
                (trial.id,),
            )


def _pairing(trial: Trial) -> tuple[str, str, str, int, int, int]:
    """What a trial shares with the reference it is paired with."""
    return trial.dataset, trial.protocol, trial.device, trial.split, trial.seed, trial.repeat


def _epochs_to(curve: Curve, goal: float) -> int | None:
    reached = np.flatnonzero(curve.validation_metric >= goal)
    return int(curve.epoch[reached[0]]) if reached.size else None
