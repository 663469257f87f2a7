"""Made-up results of evaluations, of a grid, and of an experiment that is nothing but sentences."""

from __future__ import annotations

import functools
import math
import random
from typing import Any

from remixup.analysis.result_schema import ExperimentResult, Replicated
from remixup.analysis.verdicts import Evidence, decide_claims
from remixup.config.experiment import Experiment

from .sample_results import cost, entry, replicated, result_with

SMALLER = "a small network for a large one"


def between(row: str) -> list[dict[str, Any]]:
    """What "in_between" measures; the second of three seeds is not finite."""
    draw = random.Random(row)
    lam = [index / 10 for index in range(11)]
    size = draw.uniform(0.2, 1.0)
    found: list[dict[str, Any]] = []
    for seed in range(3):
        bump = [size * (1 + 0.1 * seed) * 4 * x * (1 - x) for x in lam]
        curves = {"miss": [30 * y for y in bump], "loss_gradient": bump, "logit_gradient": [0.5 + y for y in bump]}
        found.append({"seed": seed, "lam": lam, **(dict.fromkeys(curves) if seed == 1 else curves)})
    return found


def strengths(row: str) -> list[dict[str, Any]]:
    """What "attack_curve" measures."""
    eps = [0.0, 0.002, 0.004, 0.008, 0.0157, 0.031, 0.063, 0.125, 0.25, 0.5]
    start = random.Random(row).uniform(2, 20)
    errors = [[start + seed + (88 - start) * (1 - math.exp(-60 * each)) for each in eps] for seed in range(3)]
    return [{"seed": seed, "eps": eps, "error": error} for seed, error in enumerate(errors)]


def snapshots(row: str, modes: int = 8) -> list[dict[str, Any]]:
    """What "modes" measures; some of the points lie far away, and the last snapshot is not finite."""
    draw = random.Random(row)
    turn = [2 * math.pi * mode / modes for mode in range(modes)]
    centres = [[math.cos(angle), math.sin(angle)] for angle in turn]
    shots = []
    for found, iteration in enumerate((10, 100, 1000, 10_000), start=1):
        points = []
        for index in range(64):
            x, y = centres[draw.randrange(found * modes // 4)]
            far = 9.0 if index < 4 - found else 0.0
            points.append([round(x + far + draw.gauss(0, 0.05), 3), round(y + draw.gauss(0, 0.05), 3)])
        shots.append({"iteration": iteration, "points": points, "covered": found * modes // 4, "good": 97.6})
    return [
        {"seed": seed, "covered": modes, "good": 97.6, "centres": centres, "snapshots": shots[: 3 + seed]}
        for seed in (0, 1)
    ]


GRID = {  # row -> (its test error, its validation error); no two choices agree
    "grid-0.1": (9.1, 30.3),
    "grid-0.2": (5.5, 22.0),
    "grid-0.4": (6.4, 20.1),
}


def one(value: float) -> Replicated:
    """A single run."""
    return Replicated(mean=value, std=None, n=1, ci95=None, values=[value], seeds=[0])


@functools.cache
def evaluated() -> tuple[Experiment, ExperimentResult]:
    """Evaluations with figures, a grid to choose from, rows and a table of another scale, all kinds of claims."""
    rows: list[dict[str, Any]] = [
        {"id": "erm", "label": "ERM", "evaluate": ["in_between"], "published": {"test_error.last": 5.5}},
        {"id": "mixup", "label": r"mixup ($\alpha = 1$)", "evaluate": ["in_between"]},
        {"id": "lost", "label": "never run", "evaluate": ["in_between"]},
        {"id": "late", "label": "later", "at": ["paper"]},
    ]
    rows += [{"id": name, "label": rf"mixup ($\alpha = {name[5:]}$)", "group": "a grid"} for name in GRID]
    compare = [{"baseline": "erm", "treatment": "mixup"}]
    less = {"metric": "test_error.last", "compare": compare, "smallest_effect": 0.2}
    claims: list[dict[str, Any]] = [
        {"id": "less", "statement": "mixup errs less", "where": "Table 7", **less},
        {"id": "no-more", "statement": "mixup helps no more than that", "where": "p. 7", **less, "expect": "no more"},
        {
            "id": "limit",
            "statement": "ERM misses at most 5 %",
            "where": "p. 8",
            "metric": "in_between.mean_miss",
            "bound": {"row": "erm", "at_most": 5.0},
        },
        {
            "id": "what-it-is",
            "statement": r"inputs are mixed, $\tilde x = \lambda x_i + (1 - \lambda) x_j$",
            "where": "section 2",
            "definition": "tests/unit/mixing/test_mixing.py::test_mix_by_hand",
        },
    ]
    test_error = {"label": "Test error", "decimals": 1}
    experiment = Experiment.model_validate(
        {
            "id": "evaluated",
            "paper": "zhang2018mixup",
            "title": "What is measured afterwards",
            "where": "Table 7",
            "summary": "Made up.",
            "run": {"dataset": {"name": "digits"}},
            "metrics": {
                "test_error.last": test_error,
                "validation_error.last": {"label": "Validation error", "decimals": 1},
                "in_between.mean_miss": {"label": "Misses", "decimals": 1},
            },
            "rows": rows,
            "claims": claims,
            "tables": [
                {"id": "all", "caption": "Errors and misses.", "rows": ["erm", "mixup", "lost", "late"]},
                {
                    "id": "grid",
                    "caption": "A grid.",
                    "rows": ["grid-*", "late"],
                    "metrics": ["test_error.last"],
                },
                {"id": "elsewhere", "caption": "What takes days.", "rows": ["late"]},
            ],
            "figures": [
                {"id": "between", "caption": "Between.", "rows": ["erm", "mixup", "lost"], "draw": "in_between"},
                {"id": "attacks", "caption": "Attacks.", "rows": ["erm", "mixup"], "draw": "attack_curves"},
                {"id": "samples", "caption": "Samples.", "rows": ["erm", "mixup", "lost"], "draw": "gan_snapshots"},
                {"id": "days", "caption": "Days.", "rows": ["late"], "draw": "error_curves"},
            ],
        }
    )
    here: dict[str, Any] = {
        "experiment": "evaluated",
        "scale": "embedded",
        "surrogate": SMALLER,
        "verdict": "surrogate",
    }
    nothing: dict[str, Any] = {**here, "verdict": "no published number"}
    errors = {"erm": replicated(5.9, 0.4, 3), "mixup": replicated(4.1, 0.3, 3, "mixup")}
    misses = replicated(3.2, 0.2, 3)
    entries = [
        entry("erm", "test_error.last", 5.5, errors["erm"], **here),
        entry("mixup", "test_error.last", None, errors["mixup"], **nothing),
        entry("erm", "in_between.mean_miss", None, misses, **nothing),
        entry("lost", "test_error.last", None, None, **{**nothing, "verdict": "not run"}),
    ]
    for name, (tested, validated) in GRID.items():
        entries.append(entry(name, "test_error.last", None, one(tested), **nothing))
        entries.append(entry(name, "validation_error.last", None, one(validated), **nothing))
    values = {name: dict(zip(sample.seeds, sample.values, strict=True)) for name, sample in errors.items()}
    found = {row.id: Evidence("embedded") for row in experiment.rows}
    for name in errors:
        measured = {"test_error.last": values[name], "in_between.mean_miss": dict(enumerate(misses.values))}
        found[name] = Evidence("embedded", SMALLER, values=measured)
    result = result_with(
        experiment="evaluated",
        entries=entries,
        claims=decide_claims(experiment, found),
        evaluations={
            name: {"in_between": between(name), "attack_curve": strengths(name), "modes": snapshots(name)}
            for name in errors
        },
        costs=[cost(f"{name}-00000003", [0, 1, 2], 1234.5, f"Card {name}", "cuda") for name in errors],
    )
    return experiment, result


@functools.cache
def words() -> tuple[Experiment, ExperimentResult]:
    """An experiment without rows: sentences alone."""
    experiment = Experiment.model_validate(
        {
            "id": "words",
            "paper": "zhang2018mixup",
            "title": "What else is said",
            "where": "throughout",
            "summary": "Sentences that no run decides.",
            "claims": [
                {
                    "id": "convex",
                    "statement": r"labels are mixed too, by the same $\lambda$",
                    "where": "section 2",
                    "definition": "tests/unit/mixing/test_mixing.py::test_properties_of_mixing",
                },
                {
                    "id": "easy",
                    "statement": "it is easy",
                    "where": "p. 1",
                    "untested": r"a matter of taste, 100 %.",
                },
            ],
        }
    )
    result = result_with(
        experiment="words",
        claims=decide_claims(experiment, {}),
    )
    return experiment, result
