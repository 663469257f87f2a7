"""Made-up results: nothing here was ever measured. They have one of everything that the report must print."""

from __future__ import annotations

import functools
import math
import random
from typing import Any

from remixup.analysis.best_evidence import summary
from remixup.analysis.result_schema import (
    ClaimResult,
    Code,
    Cost,
    Curve,
    Entry,
    ExperimentResult,
    Recorded,
    RecordedClaim,
    Replicated,
    Replication,
    Source,
)
from remixup.analysis.statistics import summarize
from remixup.config.experiment import Experiment

DIGITS = "scikit-learn's digits for CIFAR-10, and a narrow network"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def replicated(mean: float, std: float, n: int, salt: str = "") -> Replicated:
    draw = random.Random(f"{mean} {std} {n} {salt}")
    return summarize([mean + std * draw.gauss(0, 1) for _ in range(n)], range(n))


def cost(run: str, seeds: list[int], seconds: float, hardware: str = "Some CPU, 2 cores", device: str = "cpu") -> Cost:
    return Cost(
        run=run, seeds=seeds, seconds=seconds, hardware=hardware, device=device, date="2025-11-20", commit=COMMIT
    )


def result_with(**fields: Any) -> ExperimentResult:
    """A result at embedded scale, empty but for these fields."""
    nothing: dict[str, Any] = {"scale": "embedded", "curves": {}, "evaluations": {}}
    nothing |= {each: [] for each in ("entries", "claims", "costs", "sources")}
    return ExperimentResult.model_validate(nothing | fields)


def entry(row: str, metric: str, published: float | None, sample: Replicated | None, **changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "paper": "zhang2018mixup",
        "experiment": "made-up",
        "row": row,
        "metric": metric,
        "unit": "%",
        "where": "Table 9",
        "published": published,
        "quoted": False,
        "tolerance": None,
        "replicated": sample,
        "scale": "paper",
        "surrogate": None,
        "dataset_version": "original",
        "verdict": "inconclusive" if sample else "not run",
        "runs": ["made-up-run-00000000"],
        "recorded": [],
    }
    return Entry.model_validate({**fields, **changes})


def recorded(sample: Replicated, **changes: Any) -> Recorded:
    fields: dict[str, Any] = {
        "scale": "reduced",
        "replicated": sample,
        "verdict": "inconclusive",
        "surrogate": None,
        "dataset_version": "reconstructed",
        "precision": "bfloat16",
        "code": Code(commit=COMMIT[::-1], dirty=False),
        "hardware": "NVIDIA H100 80GB HBM3",
        "date": "2025-11-03",
        "run": "cifar10-preact-resnet-mix-beta-1.0-0a1b2c3d",
    }
    return Recorded.model_validate({**fields, **changes})


def claim(name: str, **changes: Any) -> ClaimResult:
    fields: dict[str, Any] = {
        "id": name,
        "experiment": "made-up",
        "statement": "mixup has a lower test error than ERM on 50 % of the data_sets",
        "where": "Section 3.9",
        "outcome": "supported",
        "why": "the effect is more than 0.5 (95 % interval)",
        "unit": "%",
        "smallest_effect": 0.5,
        "effect": 1.23456,
        "ci95": (0.98765, 1.48147),
        "p": 0.0123,
        "n": 10,
        "scale": "paper",
        "surrogate": None,
        "recorded": [],
    }
    return ClaimResult.model_validate({**fields, **changes})


def curve(start: float, end: float, epochs: int = 60) -> Curve:
    mean = [
        end + (start - end) * math.exp(-epoch / 9) + 0.8 * math.sin(epoch) / epoch for epoch in range(1, epochs + 1)
    ]
    return Curve(
        epoch=list(range(1, epochs + 1)), mean=mean, low=[0.95 * y for y in mean], high=[1.06 * y for y in mean]
    )


def surface(sharp: float) -> list[dict[str, Any]]:
    draw = random.Random(sharp)
    ticks = [-1.5 + 3 * index / 39 for index in range(40)]
    points = []
    for index in range(120):
        radius = (0.35 if index % 2 else 1.05) + 0.1 * draw.gauss(0, 1)
        angle = draw.uniform(0, 2 * math.pi)
        points.append([radius * math.cos(angle), radius * math.sin(angle), float(1 - index % 2)])
    grid = [[1 / (1 + math.exp(-sharp * (math.hypot(x, y) - 0.7))) for x in ticks] for y in ticks]
    return [{"seed": seed, "x": ticks, "y": ticks, "probability": grid, "points": points} for seed in (0, 1)]


@functools.cache
def noise() -> tuple[Experiment, ExperimentResult]:
    """Surrogates, metrics, records, quoted numbers, a failed and a diverged run, curves, claims of all kinds."""
    methods = {"erm": "ERM", "dropout": "ERM + dropout (p = 0.7)", "mixup-8": "mixup (α = 8)"}
    groups = {"20": "20 % of labels replaced", "50": "50 % of labels replaced"}
    rows = [
        {"id": f"{method}-{level}", "label": label, "group": group, "published": {"test_error.best": 12.7}}
        for level, group in groups.items()
        for method, label in methods.items()
    ]
    metrics = {
        "test_error.best": {"label": "best test error"},
        "test_error.last": {"label": "last test error"},
        "train_loss.last": {"label": "training loss", "unit": "nats", "decimals": 2},
    }
    document = {
        "id": "made-up",
        "paper": "zhang2018mixup",
        "title": "Corrupted labels & memorization",
        "where": "Table 9",
        "summary": r"A made-up experiment: a share of the training labels is replaced by uniform ones, and a "
        r"pre-activation residual network \citep{he2016} is trained on them. It has one of everything that the report "
        r"must print, and none of its numbers was ever measured.",
        "metrics": metrics,
        "rows": rows,
        "claims": [
            {
                "id": name,
                "statement": "s",
                "where": "w",
                "metric": "test_error.last",
                "compare": [{"baseline": "erm-20", "treatment": "mixup-8-20"}],
                "smallest_effect": 0.5,
            }
            for name in ("real", "standing-in", "open", "refuted", "never-run")
        ],
        "choices": [
            r"Labels are replaced uniformly over all ten classes, the true one included; 50\,\% of noise "
            r"then leaves 55\,\% of the labels right.",
            r"The dropout layer stands between the two convolutions of a block, as in wide residual networks "
            r"\citep{zagoruyko2016}.",
        ],
        "tables": [{"id": "all", "caption": "Test error and training loss under corrupted labels."}],
        "figures": [
            {"id": "curves", "caption": "Test error by epoch.", "draw": {"name": "error_curves"}},
        ],
    }
    experiment = Experiment.model_validate(document)
    entries = []
    for row in experiment.rows:
        level = 16.6 if row.id.endswith("20") else 44.6
        for metric in metrics:
            published = {"test_error.best": 12.7, "test_error.last": level}.get(metric)
            sample = replicated(2.31 if metric == "train_loss.last" else level - 2, 0.734, 5, row.id + metric)
            changes: dict[str, Any] = {"surrogate": DIGITS, "scale": "embedded", "verdict": "surrogate"}
            if published is not None:
                record = recorded(replicated(published + 0.12, 0.21, 5, row.id), verdict="replicated")
                changes["recorded"] = [record] if row.id not in ("erm-20", "dropout-20") else []
            else:
                changes["verdict"] = "no published number"
            if row.id == "dropout-20":
                sample, changes = None, {**changes, "verdict": "failed", "log": "results/embedded/logs/a_b.failed.txt"}
            if row.id == "mixup-8-50" and published is not None:  # as wide as a line gets
                far = recorded(replicated(188.8, 0.9, 100), verdict="not replicated", scale="paper")
                changes["recorded"].append(far)
            if row.id == "dropout-50":
                sample, changes = None, {**changes, "verdict": "diverged"}
            entries.append(entry(row.id, metric, published, sample, quoted=row.id == "erm-50", **changes))
    result = result_with(
        experiment="made-up",
        entries=entries,
        claims=[
            claim("real"),
            claim(
                "standing-in",
                surrogate=DIGITS,
                recorded=[
                    RecordedClaim(
                        scale="reduced",
                        outcome="no effect",
                        why="the effect is within plus or minus 0.5 (90 % interval)",
                        effect=0.1,
                        ci95=(0.01, 0.19),
                        p=0.00002,
                        n=5,
                        surrogate=None,
                    )
                ],
            ),
            claim(
                "open",
                surrogate=DIGITS,
                outcome="open",
                effect=0.4,
                ci95=(-0.2, 1.0),
                p=0.6,
                why="the 95 % interval has 0, and the 90 % interval exceeds plus or minus 0.5",
            ),
            claim("refuted", primary=True, outcome="contradicted", effect=-0.3, ci95=(-0.5, -0.1), p=0.0004),
            claim("never-run", outcome="open", why="no test_error.last of erm-20", effect=None, ci95=None, p=None, n=0),
        ],
        curves={
            row.id: {"test_error": curve(80, 12 + 5 * index)}
            for index, row in enumerate(experiment.rows)
            if not row.id.startswith("dropout")
        },
        costs=[cost("a-00000001", [0, 1], 12.4)],
        sources=[
            Source(
                name="digits",
                version="scikit-learn",
                sha256="ab" * 32,
                license="CC BY 4.0",
                citation="uci",
                note="test part of the UCI set, 8 x 8 pixels",
            )
        ],
    )
    return experiment, result


@functools.cache
def tabular() -> tuple[Experiment, ExperimentResult]:
    """One metric, no surrogates, a table long enough to break, a sweep and decision surfaces."""
    sets = {"abalone": 74.0, "arcene": 57.6, "arrhythmia": 56.6, "htru2": 2.0, "iris": 21.3, "phishing": 16.3}
    alphas = [0.1, 0.2, 0.4, 1.0, 2.0, 8.0]
    rows: list[dict[str, Any]] = []
    for name, number in sets.items():
        published = {"test_error.last": number}
        rows.append({"id": f"{name}-erm", "label": "ERM", "group": name.title(), "published": published})
        for alpha in alphas:
            ratio = {"name": "beta", "alpha": alpha}
            rows.append(
                {
                    "id": f"{name}-mixup-{alpha}",
                    "label": f"mixup (α = {alpha:g})",
                    "group": name.title(),
                    "run": {"mixing": {"ratio": ratio}},
                    "published": {"test_error.last": round(0.9 * number, 1)} if alpha == 0.2 else {},
                }
            )
    experiment = Experiment.model_validate(
        {
            "id": "tabular",
            "paper": "zhang2018mixup",
            "title": "Small networks on tabular data",
            "where": "Table 4",
            "summary": r"A fully connected network on six datasets of the UCI repository \citep{uci}. Made up.",
            "metrics": {"test_error.last": {"label": "test error"}},
            "rows": rows,
            "choices": [r"The data is standardized on the training part; half of it is held out."],
            "tables": [{"id": "all", "caption": "Six datasets of the UCI repository."}],
            "figures": [
                {"id": "sweep", "caption": r"Test error against $\alpha$.", "draw": {"name": "sweep"}},
                {
                    "id": "surfaces",
                    "caption": "What the networks say over the plane.",
                    "rows": ["iris-erm", "iris-mixup-1.0"],
                    "draw": {"name": "decision_surfaces"},
                },
            ],
        }
    )
    entries = []
    for row in experiment.rows:
        published = row.printed("test_error.last")
        level = sets[row.id.partition("-")[0]]
        sample = replicated(0.96 * level, 0.03 * level, 20, row.id)
        verdict = "replicated" if published else "no published number"
        number = published.value if published else None
        entries.append(entry(row.id, "test_error.last", number, sample, experiment="tabular", verdict=verdict))
    result = result_with(
        experiment="tabular",
        entries=entries,
        evaluations={
            "iris-erm": {"decision_surface": surface(20.0)},
            "iris-mixup-1.0": {"decision_surface": surface(4.0)},
        },
        costs=[
            cost("a-00000001", [0, 1], 12.4),
            cost("b-00000002", [0, 1, 2], 100.0),
        ],
    )
    return experiment, result


def replication(*results: ExperimentResult) -> Replication:
    entries = [entry for result in results for entry in result.entries]
    claims = [claim for result in results for claim in result.claims]
    code = Code(commit=COMMIT, dirty=True)
    return Replication(scale="embedded", code=code, summary=summary(entries, claims), entries=entries, claims=claims)


def environment() -> dict[str, Any]:
    return {
        "python": "3.11.7",
        "versions": {"torch": "2.13.0", "scikit-learn": "1.9.0"},
        "lock": "cd" * 32,
        "processor": "Some CPU, 2 cores",
    }
