"""Names of settings, and how well ERM fits in them."""

from __future__ import annotations

from typing import Any

from remixup.analysis.best_evidence import is_smoke_test
from remixup.analysis.result_schema import Fit
from remixup.reporting.settings import Settings

from .sample_results import DIGITS, entry, recorded
from .small_experiment import exactly, lines_of, result_of, small

SHORT: dict[str, Any] = {"scale": "reduced-cpu", "surrogate": "digits", "verdict": "surrogate", "experiment": "small"}


def fit(**changes: Any) -> Fit:
    values: dict[str, Any] = {
        "scale": "reduced-cpu",
        "surrogate": "digits",
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


def fits(*found: Fit, used: bool = True) -> str:
    result = result_of(entry("r", "test_error.last", 4.0, exactly(4.0, 0.1), **SHORT))
    result = result.model_copy(update={"fits": {"r": list(found)}})
    settings = Settings([result])
    if used:
        settings.names(["digits"], "small")
    return settings.fits([small()], {"small": result})


def test_names_follow_the_order_of_use_and_are_printed_in_it() -> None:
    settings = Settings([])
    assert [settings.names([text], "small") for text in "abcdefghijk"][-2:] == ["s10", "s11"]
    assert settings.names("kba", "other") == "s1, s2, s11"
    first = lines_of(settings.table())[0]
    assert first == ["s1", "", "a", r"\ref{exp:small}, \ref{exp:other}"]


def test_a_setting_lists_its_data_once() -> None:
    record = recorded(exactly(4.0, 0.1), scale="reduced", surrogate="digits", dataset_version="other_1")
    samples = [entry(name, "test_error.last", 4.0, exactly(4.0, 0.1), **SHORT, recorded=[record]) for name in "rs"]
    settings = Settings([result_of(*samples)])
    settings.names(["digits"], "small")
    assert lines_of(settings.table())[0][1] == r"original, other\_1"


def test_only_an_embedded_surrogate_is_a_smoke_test() -> None:
    sample = exactly(4.0, 0.1)
    assert is_smoke_test(entry("r", "m", None, sample, scale="embedded", surrogate=DIGITS))
    assert not is_smoke_test(entry("r", "m", None, sample, scale="embedded"))
    assert not is_smoke_test(recorded(sample, scale="reduced", surrogate=DIGITS))


def test_a_line_has_what_decides_whether_a_setting_is_informative() -> None:
    ((setting, label, n, *percents, failed),) = lines_of(fits(fit()))
    assert (setting, label, n, failed) == ("s1", r"t: a\_b \& c", "5", "1")
    assert percents == [r"\num{11.5}", "--", r"\num{4.2}", "--", r"\num{52.2}", r"\num{65.4}"]


def test_each_run_by_erm_in_a_setting_that_a_table_names_has_one_line() -> None:
    others = [fit(erm=False), fit(surrogate=None, run="p"), fit(), fit(scale="embedded", run="e")]
    assert len(lines_of(fits(fit(), *others, fit(run="b")))) == 2
    assert fits(fit(), used=False) == ""


def test_a_run_of_two_settings_has_a_line_in_each() -> None:
    result = result_of(entry("r", "test_error.last", 4.0, exactly(4.0, 0.1), **SHORT))
    result = result.model_copy(update={"fits": {"r": [fit(), fit(surrogate="other")]}})
    settings = Settings([result])
    settings.names(["digits", "other"], "small")
    assert [cells[0] for cells in lines_of(settings.fits([small()], {"small": result}))] == ["s1", "s2"]
