"""The article, the supplement, the README and the terminal count the same results alike."""

from __future__ import annotations

from typing import get_args

from remixup.analysis.best_evidence import without_smoke_test
from remixup.analysis.result_schema import JUDGED, Outcome
from remixup.reporting import outcome
from remixup.reporting.number_tables import count_numbers

from .sample_article import entries, values, whole
from .test_readme import readme


def test_numbers_by_verdict() -> None:
    """By hand: one of five each is replicated, not, and inconclusive; one has a surrogate, one a smoke test alone."""
    joined, article = whole(), values()
    summary = joined.summary.model_dump()
    table = count_numbers(map(without_smoke_test, joined.entries))
    wanted = {"replicated": 1, "not replicated": 1, "inconclusive": 1, "surrogate": 1, "not run": 1}
    assert summary["by_verdict"] == dict(table.verdicts) == wanted
    assert {verdict: article.numbers(verdict) for verdict in wanted} == wanted
    assert article.numbers() == table.total == summary["published_numbers"] == len(entries())
    assert article.numbers("compared") == table.compared == sum(wanted[name] for name in JUDGED)
    assert outcome.numbers(summary) == "numbers: of 3 run as published 1 replicated, 1 not, 1 inconclusive"
    text = readme.counts(summary)
    assert "Of 5 published numbers, 3 were run with the published protocol: **1 are replicated**, 1 are not, 1" in text
    assert summary["differences_by_verdict"] == {"not replicated": article.gains("not replicated")}


def test_claims_by_outcome() -> None:
    """By hand: of the paper's nine claims 5 are supported, one contradicted, one open; one agrees, one is not run."""
    joined, article = whole(), values()
    found = joined.summary.paper_claims
    published, surrogate = found.published_protocol, found.surrogate
    assert (published, surrogate) == ({"supported": 5, "contradicted": 1, "open": 1}, {"agrees": 1})
    assert (found.claims, found.not_run) == (article.claims(), article.claims("not run")) == (9, 1)
    for name in get_args(Outcome):
        assert article.claims(name, protocol="published") == published.get(name, 0), name
    assert article.claims("agrees", protocol="surrogate") == surrogate["agrees"]
    summary = joined.summary.model_dump()
    said = "claims: 5 supported, 1 contradicted, 1 open, surrogates agree with 1, disagree with 0"
    assert outcome.claims(summary) == said
    text = readme.counts(summary)
    assert "Of 9 claims that runs can decide, the published protocol **supports 5**, contradicts 1, and shows" in text
    assert "no effect of interest for 0. Claims whose sign is as claimed and whose size is open: 0; open: 1;" in text
    assert "agree with 1 more, disagree with 0, and leave 0 open. For 0 the surrogate is not" in text
    assert "informative, and 1 were not run." in text
    assert joined.summary.our_claims.claims == article.claims(source="ours") == 1
