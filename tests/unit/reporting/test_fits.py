"""The table of how well surrogates fit that ERM trained."""

from __future__ import annotations

from typing import Any

from remixup.analysis.result_schema import Fit
from remixup.reporting.fits import fits_table

from .small_experiment import lines_of, result_of, small


def fit(**changes: Any) -> Fit:
    values: dict[str, Any] = {
        "scale": "reduced-cpu",
        "stand_in": "digits",
        "recorded": True,
        "erm": True,
        "run": "a",
        "n": 5,
        "training_loss": 11.52,
        "fits_at": None,
        "training_error": 4.15,
        "corrupted_error": None,
        "test_error": 52.19,
        "linear_error": 65.44,
        "failed_seeds": [3],
    }
    return Fit(**values | changes)


def printed(*fits: Fit) -> str:
    return fits_table(small(), result_of().model_copy(update={"fits": {"r": list(fits)}}))


def test_a_line_has_what_decides_whether_a_surrogate_is_informative() -> None:
    table = printed(fit())
    ((label, scale, n, *percents, failed),) = lines_of(table)
    assert (label, scale, n, failed) == (r"a\_b \& c", r"reduced-cpu\recordmark{}", "5", "1")
    assert percents == [r"\num{11.5}", "--", r"\num{4.2}", "--", r"\num{52.2}", r"\num{65.4}"]
    assert "On record" in table


def test_each_run_by_erm_on_a_surrogate_has_one_line() -> None:
    others = [fit(erm=False), fit(stand_in=None), fit(), fit(recorded=False, run="a"), fit(run="b", recorded=False)]
    table = printed(fit(), *others)
    assert [line[1] for line in lines_of(table)] == [r"reduced-cpu\recordmark{}", "reduced-cpu", "reduced-cpu"]
    assert printed(*others[:2]) == ""
