"""Measure how well the classifier of a row fits, to judge whether a surrogate is informative."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from remixup.analysis.informative import Attacked, Measurements, Reason, reasons_against
from remixup.analysis.result_schema import Fit
from remixup.analysis.settings_in_words import plain_alpha, setting
from remixup.config.claims import Claim
from remixup.config.registry import load_registry
from remixup.config.run import Dataset, amount
from remixup.planning.plan import Evaluation, PlannedRow, linear_baseline, without_mixing
from remixup.store.blocks import by_seed

if TYPE_CHECKING:
    from remixup.analysis.run_results import RunResults

HALF_A_POINT = Claim.model_construct(
    id="half-a-point", statement="", where="", metric="test_error.last", smallest_effect=0.5
)
"""The claim for which a setting is judged informative if none is given: half a point of test error."""


def why_uninformative(results: RunResults, row: PlannedRow, claim: Claim) -> str | None:
    """Return why a row decides nothing about a claim, all reasons joined; None where it may decide."""
    return "; ".join(each.words for each in unmet_conditions(results, row, claim)) or None


def unmet_conditions(results: RunResults, row: PlannedRow, claim: Claim) -> list[Reason]:
    """Return why a row decides nothing about a claim; empty where it is informative, or no surrogate.

    A smoke test is not informative. Another surrogate that does not classify is: the conditions are about classifiers.
    """
    if row.surrogate is None:
        return []
    if row.scale == "embedded" and row.seeds == 1:
        return [Reason("smoke test", "it is a smoke test")]
    if not row.run.classifies:
        return []
    erm = results.plan.erm(row)
    found = measure(results, erm or row)
    attack = claim.metric is not None and claim.metric.startswith("attack.")
    found = replace(
        found,
        linear_error=found.linear_error or linear_error(results, row),
        attacked=_attacked(results, erm or row) if attack else None,
        known_effects=_known_effects(results, row),
    )
    unmet = reasons_against(found, claim)
    trained = erm is not None and results.blocks(erm)
    return unmet if trained or not unmet else [Reason("not trained", "ERM was not trained with its settings")]


def measure(results: RunResults, row: PlannedRow) -> Measurements:
    """Return what is known of how a row's classifier fits, which is computed once for each run and number of seeds."""
    key = row.key, row.seeds
    if key not in results.measurements:
        results.measurements[key] = _measure(results, row)
    return results.measurements[key]


def _measure(results: RunResults, row: PlannedRow) -> Measurements:
    classes = load_registry()["datasets"][row.run.dataset.name]["classes"]
    examples, units = size_of_test_set(row.run.dataset)
    losses, history = _losses(results, row, math.log(classes))
    noise = row.run.dataset.label_noise
    real, corrupted = (_evaluated(results, row, "memorization", name) for name in ("real", "corrupted"))
    training = _evaluated(results, row, "generalization", "train_error")
    if training is None and real is not None:
        training = real if not noise or corrupted is None else (1 - noise) * real + noise * corrupted
    if training is None:
        training = _mean(results.values(row, "original_error.last").values())
    return Measurements(
        classes=classes,
        test_examples=examples,
        test_units=units,
        losses=losses,
        history=history,
        label_noise=noise is not None,
        training_error=training,
        corrupted_error=corrupted,
        test_error=results.values(row, "test_error.last"),
        best_error=results.values(row, "test_error.best"),
        linear_error=linear_error(results, row),
    )


def fit(results: RunResults, row: PlannedRow, recorded: bool, freeze: str | None = None) -> Fit | None:
    """Return how well a row's classifier fits; None where it has no runs.

    Args:
        results: where the runs are.
        row: of the classifier.
        recorded: whether the runs are on record.
        freeze: the freeze that the runs belong to.
    """
    if not row.run.classifies or not (blocks := results.blocks(row)):
        return None
    found, erm = measure(results, row), row.run == without_mixing(row.run)
    return Fit(
        scale=row.scale,
        surrogate=row.surrogate,
        recorded=recorded,
        erm=erm,
        run=blocks[0].run,
        n=len(found.test_error),
        training_loss=found.losses[-1] if found.losses else None,
        fits_at=found.fits_at,
        training_error=found.training_error,
        corrupted_error=found.corrupted_error,
        test_error=_mean(found.test_error.values()),
        linear_error=_mean(found.linear_error.values()),
        failed_seeds=found.failed_seeds,
        setting=setting(row.run),
        alpha=plain_alpha(row.run),
        test_errors=dict(found.test_error),
        training_losses={
            seed: 100 * loss / math.log(found.classes) for seed, loss in results.values(row, "train_loss.last").items()
        },
        test_error_curve=results.curves(row).get("test_error") if recorded and found.history else None,
        unmet=sorted({each.condition for each in unmet_conditions(results, row, HALF_A_POINT)}) if erm else [],
        standing="confirmatory" if freeze else "exploratory",
        freeze=freeze,
    )


def size_of_test_set(dataset: Dataset) -> tuple[int, int]:
    """Return the number of test examples, and of independent units among them."""
    entry = load_registry()["datasets"][dataset.name]
    examples = entry["test"] if dataset.holdout is None else amount(entry["train"], dataset.holdout)
    return examples, entry["test_units"] or examples


def linear_error(results: RunResults, row: PlannedRow) -> dict[int, float]:
    """Return the test error of tuned logistic regression by seed; empty where it was not fitted."""
    return {each["seed"]: each["test_error"] for each in results.evaluation(row, linear_baseline(row))}


def _losses(results: RunResults, row: PlannedRow, chance: float) -> tuple[list[float], bool]:
    """Return the mean training loss after each epoch in percent of a loss, and whether that is the whole history."""
    blocks = results.blocks(row)
    if all(block.history for block in blocks):
        series = [
            own["train_loss"]
            for block in blocks
            for seed, own in by_seed(block.history or {"seed": []}).items()
            if results.asked(row, seed) and not block.diverged[block.seeds.index(seed)]
        ]
        return [100 * statistics.fmean(losses) / chance for losses in zip(*series, strict=True)], True
    last = _mean(results.values(row, "train_loss.last").values())
    return ([] if last is None else [100 * last / chance]), False


def _evaluated(results: RunResults, row: PlannedRow, name: str, value: str) -> float | None:
    """Return the mean of an evaluation without parameters on a row's run; None where it was not made."""
    measured = results.evaluation(row, Evaluation(row.key, {"name": name}, row.seeds))
    return _mean(each[value] for each in measured)


def _mean(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _attacked(results: RunResults, erm: PlannedRow) -> Attacked | None:
    """Return the errors of the network that ERM trains, under the attack that the row asks for."""
    wanted = results.asked_evaluation(erm, "attack")
    measured = results.evaluation(erm, wanted) if wanted else []
    error, clean = (_mean(each[name] for each in measured) for name in ("top1", "clean_top1"))
    if wanted is None or error is None or clean is None:
        return None
    tested, _ = size_of_test_set(erm.run.dataset)
    return Attacked(error, clean, min(wanted.part.get("examples", 1000) or tested, tested))


def _known_effects(results: RunResults, row: PlannedRow) -> dict[str, dict[int, float]]:
    """Return the effects by seed of the technique that a row uses, if the experiment file says that they are known."""
    rows = {each.row.id: each for each in results.plan.rows}
    found = {}
    for known in results.plan.experiment.known_effects:
        if known.treatment == row.row.id:
            treated = results.values(row, known.metric)
            without = results.values(rows[known.baseline], known.metric) if known.baseline in rows else {}
            shared = sorted(treated.keys() & without.keys())
            found[f"{known.treatment} over {known.baseline}"] = {seed: without[seed] - treated[seed] for seed in shared}
    return found
