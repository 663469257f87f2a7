"""On how many claims there was a published number of the baseline."""

from __future__ import annotations

from typing import Any

from remixup.analysis.best_evidence import summary
from remixup.analysis.result_schema import Code, Replication
from remixup.config.experiment import Experiment
from remixup.reporting.article_gate import Gate

from .sample_results import claim, entry
from .small_experiment import small


def stated(name: str, baseline: str) -> dict[str, Any]:
    compared = [{"baseline": baseline, "treatment": "mixup"}]
    fields = {"statement": "s", "where": "w", "metric": "test_error.last", "compare": compared}
    return {"id": name, **fields, "smallest_effect": 0.5}


def test_claims_whose_baseline_has_no_published_number() -> None:
    rows = [{"id": name, "label": name} for name in ("erm", "views", "mixup")]
    claims = [stated("checked", "erm"), stated("not-checked", "views"), stated("surrogate", "views")]
    made_up = {**small().model_dump(exclude_unset=True), "id": "made-up", "rows": rows, "claims": claims}
    results = [claim("checked"), claim("not-checked"), claim("surrogate", stand_in="small", scale="reduced")]
    entries = [entry("erm", "test_error.last", 12.5, None), entry("views", "test_error.last", None, None)]
    counts, code = summary(entries, results), Code(commit=None, dirty=None)
    whole = Replication(scale="embedded", code=code, summary=counts, entries=entries, differences=[], claims=results)
    gate = Gate([Experiment.model_validate(made_up)], whole)
    assert (gate.unchecked("supported"), gate.unchecked("contradicted")) == (1, 0)
