"""Transcribed numbers and claims of the committed experiment files, compared with what the papers print."""

import ast
from pathlib import Path
from statistics import fmean

import pytest
from pydantic import ValidationError

from remixup.config.experiment import Published
from tests.experiments import committed

ROOT = Path(__file__).parents[3]
EXPERIMENTS = {name: experiment for name, (_, experiment) in committed().items()}


def published(name, patterns=("*",)):
    """Return (row, metric, value) of every transcribed number in some rows of an experiment."""
    rows = EXPERIMENTS[name].select(list(patterns))
    found = [(row.id, metric, row.printed(metric).value) for row in rows for metric in row.published]
    return [each for each in found if each[-1] is not None]


@pytest.mark.parametrize(
    ("name", "patterns", "count", "total"),
    [
        # Counts and sums over the tables of "mixup: Beyond Empirical Risk Minimization", added up by hand.
        ("imagenet", ["res*-erm", "res*-mixup"], 27, 392.4),
        ("cifar", ["cifar10*-*-erm", "cifar10*-*-mixup"], 12, 142.1),
        ("speech", ["lenet-erm", "lenet-mixup0.?", "vgg11-erm", "vgg11-mixup0.?"], 12, 87.2),
        ("corruption", ["erm-?0", "dropout-?0", "mixup-?0", "mixup-dropout-?0"], 48, 1375.06),
        ("adversarial", ["*-*fgsm-erm", "*-*fgsm-mixup"], 16, 940.1),
        ("uci", ["*-erm", "*-mixup"], 12, 430.2),
        ("ablation", ["*-wd1e-4", "*-wd5e-4"], 44, 234.08),
        # "Towards Understanding the Data Dependency of Mixup-style Training" and the logs of its released code.
        ("line", ["*erm*", "*a1", "*a32", "*a128"], 69, 276.7384),
        ("risk", ["*-erm*", "*-a1", "*-a32", "*-a128", "*-a1024"], 30, 521.65),
        ("collisions", ["mnist", "cifar10", "cifar100"], 12, 302.78),
    ],
)
def test_tables_are_transcribed_completely(name, patterns, count, total):
    found = published(name, patterns)
    assert len(found) == count
    assert sum(value for *_, value in found) == pytest.approx(total, abs=1e-3)


def test_the_deviations_of_the_logs_of_views_are_in_points():
    # The logs print fractions of two decimals with a percent sign.
    views = [row.printed("test_error.last") for row in EXPERIMENTS["views"].rows]
    found = [number for number in views if number is not None]
    assert [each.standard_deviation for each in found[:9]] == [2, 1, 0, 2, 2, 1, 2, 1, 1]
    assert sum(each.value for each in found[:9]) == pytest.approx(41.05 + 68.58 + 176.31)


def test_relative_tolerances_are_of_probabilities():
    checked = 0
    for name, experiment in EXPERIMENTS.items():
        for row, metric, value in published(name):
            if experiment.metrics[metric].relative_tolerance is not None:
                assert 0 <= value <= 1, f"{name}/{row} {metric}"
                checked += 1
    assert checked >= 58, "of three points in six rows and of ten in four"


def published_effect(experiment, claim):
    """The mean of baseline - treatment over a claim's pairs as the paper prints it; None where a number is missing."""
    rows = {row.id: row.printed(claim.metric) for row in experiment.rows}
    pairs = [[rows.get(side) for side in (*pair.baseline, *pair.treatment)] for pair in claim.compare]
    if any(len(pair) != 2 or None in pair or None in (number.value for number in pair) for pair in pairs):
        return None
    return fmean(baseline.value - treatment.value for baseline, treatment in pairs)


def test_no_claim_contradicts_the_effect_that_the_paper_prints():
    judged = 0
    for experiment in EXPERIMENTS.values():
        for claim in (claim for claim in experiment.claims if claim.compare):
            effect = published_effect(experiment, claim)
            if effect is not None:
                judged += 1
                allowed = claim.smallest_effect <= effect / 2 + 1e-9
                allowed = allowed if claim.expect == "more" else effect <= claim.smallest_effect
                assert allowed, f"{experiment.id}/{claim.id}: {claim.smallest_effect} where the paper has {effect:.3g}"
    assert judged >= 30


def test_a_number_that_is_not_transcribed_needs_a_place():
    with pytest.raises(ValidationError, match="says where it is published"):
        Published(value=None)
    assert Published(value=None, where="Table 3").value is None


def test_definitions_name_tests_that_exist():
    for experiment in EXPERIMENTS.values():
        for claim in experiment.claims:
            if claim.definition:
                path, _, name = claim.definition.partition("::")
                tree = ast.parse((ROOT / path).read_text())
                assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, claim.definition


def test_derived_numbers_follow_from_the_published_ones():
    """To one unit in the last printed place: the papers derive them from numbers of more places."""
    checked = 0
    for experiment in EXPERIMENTS.values():
        rows = {row.id: row for row in experiment.rows}
        for each in experiment.derived:
            baseline, treatment = (rows[name].printed(each.metric) for name in (each.baseline, each.treatment))
            if baseline and treatment and None not in (baseline.value, treatment.value):
                ratio = (100 - treatment.value) / (100 - baseline.value)
                assert each.published == pytest.approx(ratio, abs=10**-each.decimals), each.id
                checked += 1
            assert each.tolerance <= abs(each.published - 1) / 4 + 1e-9, f"{each.id}: a quarter of the published gain"
    assert checked >= 3
