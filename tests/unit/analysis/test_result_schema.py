"""Results written as JSON and read back."""

import math
from pathlib import Path

from remixup.analysis.result_schema import ExperimentResult
from remixup.files import write_text


def test_a_number_that_is_not_finite_comes_back_as_it_was(tmp_path: Path) -> None:
    """Fails, tried out: with pydantic's default, which writes null for them."""
    evaluations = {"row": {"surface": [{"seed": 0, "p": [math.nan, math.inf, 0.1]}]}}
    lists = {name: [] for name in ("entries", "claims", "costs", "sources")}
    result = ExperimentResult(scale="paper", experiment="some", curves={}, evaluations=evaluations, **lists)
    write_text(tmp_path / "some.json", result.model_dump_json(indent=1))
    back = ExperimentResult.model_validate_json((tmp_path / "some.json").read_text())
    nan, inf, tenth = back.evaluations["row"]["surface"][0]["p"]
    assert math.isnan(nan)
    assert (inf, tenth) == (math.inf, 0.1)
