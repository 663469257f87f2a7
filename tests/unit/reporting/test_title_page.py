"""What counts as the best evidence, and the counts of the title page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from remixup.analysis.best_evidence import best_evidence, summary
from remixup.analysis.result_schema import ClaimResult, Code, Difference, Entry, RecordedClaim, Replication
from remixup.reporting import title_page
from remixup.reporting.number_tables import count_numbers

from .sample_results import DIGITS, claim, entry, recorded
from .small_experiment import exactly


def test_best_evidence_of_a_number() -> None:
    runs, more = exactly(4.0, 0.1, 3), exactly(4.1, 0.1, 5)
    reduced = recorded(more, scale="reduced", verdict="replicated")
    surrogate = {"stand_in": DIGITS, "scale": "embedded", "verdict": "stand-in"}

    def best(*arguments: Any, **changes: Any) -> tuple[str, str]:
        return best_evidence(entry("r", "test_error.last", 4.0, *arguments, **changes))

    assert best(None) == ("none", "not run")
    assert best(None, verdict="failed") == ("none", "failed")
    assert best(runs, **surrogate) == ("surrogate", "stand-in")
    assert best(runs, **surrogate, recorded=[reduced]) == ("reduced", "replicated")
    assert best(None, verdict="diverged", recorded=[reduced]) == ("reduced", "replicated")
    assert best(runs, verdict="not replicated", recorded=[reduced]) == ("paper", "not replicated")
    assert best(runs, scale="embedded") == ("embedded", "inconclusive")
    on_surrogate = recorded(more, stand_in="imagenette for ImageNet", scale="paper", verdict="stand-in")
    assert best(None, recorded=[on_surrogate]) == ("surrogate", "stand-in")
    shorter = recorded(more, scale="reduced", stand_in="30 epochs for 200", verdict="stand-in")
    assert best(runs, **surrogate, recorded=[shorter]) == ("reduced", "stand-in")
    paper = recorded(more, scale="paper", verdict="replicated")
    assert best(runs, recorded=[paper]) == ("paper", "replicated"), "of equals, the one with more runs"
    fewer = recorded(runs, scale="paper", verdict="replicated")
    assert best(more, recorded=[fewer]) == ("paper", "inconclusive")
    assert best(more, verdict="diverged", recorded=[fewer]) == ("paper", "replicated"), "a broken sample counts less"


def page(
    entries: list[Entry],
    claims: list[ClaimResult],
    papers: list[str] | None = None,
    differences: Sequence[Difference] = (),
) -> str:
    """The title page, with one space between words."""
    code, counts, pairs = Code(commit=None, dirty=None), summary(entries, claims, differences), list(differences)
    whole = Replication(scale="paper", code=code, summary=counts, entries=entries, claims=claims, differences=pairs)
    return " ".join(title_page.title_page([], papers or [], whole, []).split())


def cpu(entries: list[Entry]) -> list[Entry]:
    """The same with what is on record at reduced scale measured on a CPU."""
    changed = [[each.model_copy(update={"scale": "reduced-cpu"}) for each in entry.recorded] for entry in entries]
    return [entry.model_copy(update={"recorded": stored}) for entry, stored in zip(entries, changed, strict=True)]


def test_counts_by_hand() -> None:
    runs = exactly(4.0, 0.1)
    entries = [
        entry("a", "test_error.last", 4.0, runs, verdict="replicated"),
        entry("b", "test_error.last", 4.0, runs, verdict="not replicated", paper="zhang2021"),
        entry("c", "test_error.last", 4.0, runs, stand_in="s", scale="embedded", verdict="stand-in"),
        entry("d", "test_error.last", 4.0, None),
        entry("e", "test_error.last", None, runs, verdict="no published number"),
        entry("f", "test_error.last", 4.0, None, recorded=[recorded(runs, verdict="inconclusive")]),
    ]
    counts = count_numbers(entries)
    assert (counts.total, counts.compared, counts.surrogates, counts.on_real_data, counts.neither) == (5, 3, 1, 0, 1)
    assert counts.verdicts == {"replicated": 1, "not replicated": 1, "inconclusive": 1, "stand-in": 1, "not run": 1}
    table = page(entries, [], ["zhang2018mixup", "zhang2021"])
    # numbers; compared; replicated, not replicated, inconclusive; surrogate, of these on real data, neither
    assert r"\citet{zhang2018mixup} & 4 & 2 & 1 & 0 & 1 & 1 & 0 & 1 \\" in table
    assert r"\citet{zhang2021} & 1 & 1 & 0 & 1 & 0 & 0 & 0 & 0 \\" in table
    assert r"All & 5 & 3 & 1 & 1 & 1 & 1 & 0 & 1 \\" in table
    small = cpu(entries)
    assert page(small, [], ["zhang2018mixup", "zhang2021"]) == table, "both reduced scales count as one"


@pytest.mark.parametrize("scale", ["embedded", "reduced-cpu", "reduced", "paper"])
def test_what_rests_on_a_surrogate_is_counted_by_its_label(scale: str) -> None:
    """A shorter schedule on real data is a surrogate, too: the label of the number says so, and not its scale."""
    runs = exactly(4.0, 0.1)
    surrogates = [
        entry("a", "test_error.last", 4.0, runs, stand_in=DIGITS, scale=scale, verdict="stand-in"),
        entry(
            "b", "test_error.last", 4.0, None, recorded=[recorded(runs, stand_in="s", scale=scale, verdict="stand-in")]
        ),
    ]
    entries = [*surrogates, entry("c", "test_error.last", 4.0, runs), entry("d", "test_error.last", 4.0, None)]
    real = 2 if scale.startswith("reduced") else 0
    labels = [each.verdict for number in entries for each in (number, *number.recorded)]
    counts = count_numbers(entries)
    assert counts.surrogates == labels.count("stand-in") == 2
    assert (counts.total, counts.compared, counts.on_real_data, counts.neither) == (4, 1, real, 1)
    assert rf"\counted{{2}}{{rests}}{{rest}} on a surrogate ({real} on real data" in page(entries, [])


def test_conventions_and_differences_by_hand() -> None:
    runs = exactly(4.0, 0.1)

    def compared(mean: float, verdict: str) -> dict[str, Any]:
        return {"mean": mean, "difference": mean - 4.2, "n": 5, "verdict": verdict}

    conventions = {"last": compared(4.0, "replicated"), "best": compared(3.0, "not replicated")}
    entries = [
        entry("a", "test_error.last", 4.2, runs, verdict="replicated", by_convention=conventions, best_fit="last"),
        entry("b", "test_error.last", 4.2, runs, by_convention={"last": compared(5.0, "inconclusive")}),
    ]
    differences = [
        Difference.model_validate({**each.model_dump(), "baseline": "erm", "verdict": verdict})
        for each, verdict in zip(entries, ("replicated", "stand-in"), strict=True)
    ]
    text = page(entries, [], differences=differences)
    # compared, compatible; replicated, not replicated, inconclusive; fits best
    assert r"last & 2 & 2 & 1 & 0 & 1 & 1 \\" in text
    assert r"best & 1 & 0 & 0 & 1 & 0 & 0 \\" in text
    assert r"Of \counted{1}{published difference}" in text
    assert "conventions" not in page(entries[:0], [])


NEVER: dict[str, Any] = {"effect": None, "ci95": None, "p": None, "n": 0, "outcome": "open"}
EMBEDDED: dict[str, Any] = {"stand_in": DIGITS, "scale": "embedded"}


def test_claim_counts_by_hand() -> None:
    record = {"scale": "reduced", "outcome": "supported", "why": "w", "effect": 1.0, "ci95": (0.9, 1.1), "n": 5}
    paper, shorter = (RecordedClaim.model_validate({**record, "stand_in": each}) for each in (None, "30 epochs"))
    claims = [
        claim("a", primary=True),
        claim("b", outcome="contradicted"),
        claim("c", **EMBEDDED, outcome="no effect"),
        claim("d", **EMBEDDED, outcome="open", recorded=[paper]),
        claim("e", **NEVER),
        claim("f", **NEVER, recorded=[shorter]),
        claim("g", **EMBEDDED, outcome="positive"),
        claim("h", **EMBEDDED, outcome="not informative"),
        claim("i", outcome="protocol not recovered"),
        claim("j", outcome="positive"),
        claim("k", outcome="no effect"),
        claim("l", outcome="open"),
    ]
    table = page([], claims)
    # supported, positive, no effect, contradicted, open, not recovered; agrees, disagrees, open, not informative; none
    for line in (
        "Primary & 1 & 1 & 0 & 0 & 0 & 0 & 0 & 0 & 0 & 0 & 0 & 0",
        "Secondary & 11 & 1 & 1 & 1 & 1 & 1 & 1 & 1 & 1 & 1 & 1 & 1",
        "All & 12 & 2 & 1 & 1 & 1 & 1 & 1 & 1 & 1 & 1 & 1 & 1",
    ):
        assert line in table
    assert "support~2, contradict~1 and show no effect of interest for~1; 1 show the claimed sign" in table
    assert "agree with 1 and disagree with~1; 1 are open on them, and for 1 the surrogate is not informative" in table
    assert "Not decided" not in table
    assert "Of ours" not in table


def test_claims_of_ours_are_counted_apart() -> None:
    papers = [claim("a"), claim("b", outcome="contradicted")]
    ours = [claim(name, source="ours", outcome="contradicted") for name in "cd"] + [claim("e", source="ours")]
    table = page([], [*ours, *papers])
    assert "All & 2 & 1 & 0 & 0 & 1 & 0 & 0 & 0 & 0 & 0 & 0 & 0" in table
    assert r"\midrule Of ours & 3 & 1 & 0 & 0 & 2 & 0 & 0 & 0 & 0 & 0 & 0 & 0" in table
    assert r"Of \counted{2}{claim}{claims} of the papers that runs can decide" in table
    assert "extensions of ours, 3 of which runs can decide, are counted apart" in table


def test_the_summary_by_hand() -> None:
    """By best evidence; what is not transcribed is no number, and definitions are no claims that runs decide."""
    runs = exactly(4.0, 0.1)
    entries = [
        entry("a", "test_error.last", 4.0, runs, verdict="replicated"),
        entry("b", "test_error.last", 4.0, None, recorded=[recorded(runs, verdict="not replicated")]),
        entry("c", "test_error.last", 4.0, None),
        entry("d", "test_error.last", None, runs, verdict="no published number"),
        entry("e", "test_error.last", None, runs, verdict="not transcribed", transcribed=False),
        entry("f", "test_error.last", None, None, transcribed=False),
    ]
    definition = claim("d", kind="definition", **NEVER)
    ours = claim("c", outcome="contradicted", source="ours")
    claims = [claim("a"), claim("b", outcome="no effect", **EMBEDDED), claim("e", **NEVER), ours, definition]
    found = summary(entries, claims)
    assert (found.published_numbers, found.not_transcribed) == (3, 2)
    assert found.by_verdict == {"replicated": 1, "not replicated": 1, "not run": 1}
    theirs = found.paper_claims
    assert (theirs.claims, theirs.published_protocol, theirs.not_run) == (3, {"supported": 1}, 1)
    assert theirs.surrogate == {"disagrees": 1}
    assert (found.our_claims.claims, found.our_claims.published_protocol) == (1, {"contradicted": 1})
    text = page(entries, claims)
    assert r"\counted{3}{published number}{published numbers}" in text
    assert r"\counted{2}{number is}{numbers are} published in tables that could not be read" in text


def test_sentences_that_no_run_decides_are_counted_apart() -> None:
    others = [claim(name, kind="untested", **NEVER) for name in "bcd"] + [claim("e", kind="definition", **NEVER)]
    table = page([], [claim("a"), *others])
    assert "All & 1 & 1 & 0 & 0 & 0 & 0 & 0 & 0 & 0 & 0 & 0 & 0" in table
    said = r"\multicolumn{11}{l}{1 definitions, checked by tests, 3 untested}"
    assert rf"Not decided by runs & 4 & {said}" in table
