"""What stands in experiments/ against what the papers print and say."""

import ast
from collections import Counter
from pathlib import Path
from statistics import fmean

import pytest
import yaml
from pydantic import ValidationError

from remixup.config.experiment import Published, read_experiments
from remixup.config.registry import catalogue

ROOT = Path(__file__).parents[3]
EXPERIMENTS = {name: experiment for name, (_, experiment) in read_experiments(ROOT / "experiments").items()}
SENTENCES = yaml.safe_load((Path(__file__).parent / "sentences.yaml").read_text())


def published(name):
    """(row, metric, value) of every published number of an experiment."""
    rows = EXPERIMENTS[name].rows
    found = [(row.id, metric, row.printed(metric).value) for row in rows for metric in row.published]
    return [each for each in found if each[-1] is not None]


@pytest.mark.parametrize(
    ("name", "count", "total"),
    [
        # Counts and sums over the tables of "mixup: Beyond Empirical Risk Minimization", added up by hand.
        (
            "imagenet",
            27,
            23.5
            + 23.3
            + 6.6
            + 22.1
            + 21.5
            + 5.6
            + 21.2
            + 21.2
            + 5.6
            + 20.7
            + 5.3
            + 20.4
            + 5.3
            + 19.8
            + 4.9
            + 23.6
            + 7.0
            + 22.1
            + 6.1
            + 22.0
            + 6.1
            + 20.8
            + 5.4
            + 21.3
            + 5.9
            + 20.1
            + 5.0,
        ),
        ("cifar", 12, 5.6 + 4.2 + 3.8 + 2.7 + 3.7 + 2.7 + 25.6 + 21.1 + 19.4 + 17.5 + 19.0 + 16.8),
        ("speech", 12, 9.8 + 10.3 + 10.1 + 10.8 + 10.2 + 11.3 + 5.0 + 4.6 + 4.0 + 3.8 + 3.9 + 3.4),
        ("corruption", 48, 205.4 + 288.0 + 104.95 + 776.71),
        (
            "adversarial",
            16,
            90.7
            + 99.9
            + 75.2
            + 99.6
            + 63.1
            + 93.4
            + 49.1
            + 95.8
            + 57.0
            + 57.3
            + 46.0
            + 40.9
            + 24.8
            + 18.1
            + 17.4
            + 11.8,
        ),
        ("uci", 12, 74.0 + 73.6 + 57.6 + 48.0 + 56.6 + 46.3 + 2.0 + 2.0 + 21.3 + 17.3 + 16.3 + 15.2),
        ("ablation", 44, 117.11 + 116.97),
        # "Towards Understanding the Data Dependency of Mixup-style Training" and the logs of its released code.
        (
            "line",
            69,
            (2.147 + 2.597 + 2.649)
            + (0 + 7 + 33 + 47 + 0 + 18 + 63)
            + (2.12998323 + 2.5998224 + 2.64806223 + 0 + 33.33 + 33.33 + 9)
            + (5.37256952 + 5.2739843)
            + (4.5689896 + 3.092027485),
        ),
        ("risk", 30, 5.41 + 128.42 + 382.62 + 0.30 + 2.1 + 2.8),
        ("collisions", 12, 62.87 + 137.92 + 101.99),
    ],
)
def test_all_published_numbers_are_there(name, count, total):
    found = published(name)
    assert len(found) == count
    assert sum(value for *_, value in found) == pytest.approx(total, abs=1e-6)


def test_the_deviations_of_the_logs_of_views_are_in_points():
    # The logs print fractions of two decimals with a percent sign.
    found = [row.printed("test_error.last") for row in EXPERIMENTS["views"].rows]
    assert [each.sd for each in found] == [2, 1, 0, 2, 2, 1, 2, 1, 1]
    assert sum(each.value for each in found) == pytest.approx(41.05 + 68.58 + 176.31)


def test_there_are_171_of_them():
    paper = [name for name, experiment in EXPERIMENTS.items() if experiment.paper == "zhang2018mixup"]
    assert sum(len(published(name)) for name in paper) == 171


def published_effect(experiment, claim):
    """The mean of baseline - treatment over a claim's pairs as the paper prints it; None where a number is missing."""
    rows = {row.id: row.printed(claim.metric) for row in experiment.rows}
    pairs = [[rows.get(side) for side in (*pair.baselines, *pair.treatments)] for pair in claim.compare]
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


def test_numbers_that_could_not_be_read_are_listed_with_their_places():
    """They are no numbers: the counts above leave them out."""
    found = Counter()
    for name, experiment in EXPERIMENTS.items():
        for row in experiment.rows:
            for metric in row.published:
                if not row.transcribed(metric):
                    found[name] += 1
                    assert row.printed(metric).where
    assert found == {"k-mixup": 9, "dp-mix": 8, "physiological": 7}
    assert not published("k-mixup") + published("dp-mix") + published("physiological")


def test_a_number_that_is_not_transcribed_needs_a_place():
    with pytest.raises(ValidationError, match="says where it is published"):
        Published(value=None)
    assert Published(value=None, where="Table 3").value is None


def test_the_ratios_of_the_text_follow_from_its_table():
    """2.7 and 1.25 times, and about 40 % more: printed to the places of the accuracies' ratio."""
    adversarial = EXPERIMENTS["adversarial"]
    rows = {row.id: row for row in adversarial.rows}
    ratios = {}
    for each in adversarial.derived:
        errors = [rows[name].printed(each.metric).value for name in (each.baseline, each.treatment)]
        ratios[each.published] = (100 - errors[1]) / (100 - errors[0])
        assert each.tolerance <= (each.published - 1) / 4 + 1e-9, "a quarter of the published gain"
    assert ratios == {
        2.7: pytest.approx(2.667, abs=1e-3),
        1.25: pytest.approx(1.256, abs=1e-3),
        1.4: pytest.approx(1.384, abs=1e-3),
    }


def test_every_asserting_sentence_of_the_notes_is_a_claim_with_a_place():
    claims = {f"{name}.{claim.id}": claim for name, each in EXPERIMENTS.items() for claim in each.claims}
    named = Counter()
    for sentence in SENTENCES:
        assert bool(sentence.get("claims")) != bool(sentence.get("why")), sentence
        for claim in sentence.get("claims", []):
            assert claim in claims, f"{sentence['line']}: no claim {claim}"
            assert claims[claim].where
            named[claim] += 1
    assert set(claims) - set(named) == set(), "claims that no sentence asks for"
    assert len(SENTENCES) == len({sentence["line"] for sentence in SENTENCES})


def test_definitions_name_tests_that_exist():
    for experiment in EXPERIMENTS.values():
        for claim in experiment.claims:
            if claim.definition:
                path, _, name = claim.definition.partition("::")
                tree = ast.parse((ROOT / path).read_text())
                assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, claim.definition


def test_training_and_evaluation_name_no_method():
    """A method is a composition of parts in a file: the loop and the measurements must not know its name."""
    parts = catalogue()["kinds"]
    methods = {name for kind in ("ratio", "partner", "blend", "target", "noise") for name in parts[kind]}
    methods |= {"mixup", "cutmix", "smote", "erm"}
    # Words that are also something else: a number format, a kind of initialisation, a distribution that a draw has.
    for path in [*(ROOT / "src/remixup/training").glob("*.py"), *(ROOT / "src/remixup/evaluation").glob("*.py")]:
        tree = ast.parse(path.read_text())
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
            and isinstance(node.body[0].value, ast.Constant)
        }
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if id(node) not in docstrings:
                assert text.lower() not in methods, f"{path.name}, line {node.lineno}: {text!r}"
