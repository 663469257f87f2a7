"""The chapter on what the evidence says: which test counts, how it is counted, named and printed."""

from __future__ import annotations

import re

import pytest

from remixup.analysis.best_evidence import best_test, dissenting_test
from remixup.analysis.result_schema import Outcome
from remixup.costs.estimate import SeedCosts
from remixup.reporting import evidence_section
from remixup.reporting.evidence import Judged, in_order, judge
from remixup.reporting.missing_runs import Outstanding

from .sample_claims import CLAIMS, EMBEDDED, NEVER, SHORT, experiment, judged, on_record, results, with_ours
from .sample_results import claim
from .small_experiment import lines_of, result_of

NOTHING = Outstanding([], SeedCosts({}, {}, ""))
PAPERS = ["zhang2018mixup", "zhang2021"]


def test_the_best_kind_counts_then_the_most_seeds() -> None:
    scales = ("reduced-cpu", "reduced", "paper")
    cpu, gpu, paper = (on_record(scale, **SHORT) for scale in scales)
    own = claim("c", **EMBEDDED)
    assert best_test(claim("c", **EMBEDDED, recorded=[cpu])) is not own
    assert best_test(claim("c", **EMBEDDED, recorded=[cpu])) == cpu, "real data before a surrogate"
    assert best_test(claim("c", **EMBEDDED, recorded=[cpu, gpu])) == gpu
    assert best_test(claim("c", recorded=[gpu])) == claim("c", recorded=[gpu]), "this report's own, at paper scale"
    assert best_test(claim("c", **NEVER, recorded=[cpu, paper])) == cpu, "a surrogate at paper scale is one"
    more = on_record("reduced", n=9, **SHORT)
    assert best_test(claim("c", **NEVER, recorded=[gpu, more])) == more
    whole, some = on_record("paper", n=3), on_record("paper", n=9, untried=["a row"])
    assert best_test(claim("c", **NEVER, recorded=[some, whole])) == whole, "a choice among all rows"
    frozen = {"standing": "confirmatory", "freeze": "x-1"}
    first, second = gpu.model_copy(update=frozen), more.model_copy(update={**frozen, "freeze": "x-2"})
    assert best_test(claim("c", **NEVER, recorded=[more, first, second])) == first, "no choice among freezes"
    assert best_test(claim("c", **NEVER)) is None


@pytest.mark.parametrize(
    ("own", "recorded", "says"),
    [
        ("supported", "open", "supported"),  # the better evidence is open, the weaker agrees
        ("supported", "supported", None),  # both agree
        ("open", "supported", None),  # the weaker is open: nothing is contradicted
        ("positive", "no effect", None),
        ("contradicted", "no effect", None),  # neither is in favor
        ("no effect", "supported", "no effect"),
        ("not informative", "supported", None),
        ("open", "open", None),
    ],
)
def test_only_a_weaker_answer_that_differs_dissents(own: Outcome, recorded: Outcome, says: Outcome | None) -> None:
    found = dissenting_test(claim("c", **EMBEDDED, outcome=own, recorded=[on_record("reduced-cpu", outcome=recorded)]))
    assert (found.outcome if found else None) == says


def test_what_is_not_informative_is_no_evidence_if_anything_else_is() -> None:
    useless = on_record("reduced-cpu", outcome="not informative", **SHORT)
    own = claim("c", **EMBEDDED, recorded=[useless])
    assert best_test(own) is own
    assert best_test(claim("c", **NEVER, recorded=[useless])) == useless


def test_effects_are_divided_by_the_smallest_of_interest() -> None:
    found = judged()
    assert found["confirmed"].ratios == (4.0, 3.0, 5.0)
    assert found["shown"].ratios == pytest.approx((2.0, 1.8, 2.2)), "those of the record"
    assert found["limit"].ratios is None
    assert found["never"].ratios is None
    assert found["confirmed"].clearance == 2.0
    assert found["no-more"].clearance == 0.5, "1 - 0.25 / 0.5: it is supported on the other side"
    assert found["refuted"].clearance == -4.0
    single = claim("confirmed", effect=1.0, ci95=None, p=None, n=1)
    assert judge([experiment()], [result_of(claims=[single])])[0].ratios == (2.0, 2.0, 2.0)


def test_only_claims_that_runs_decide_are_judged_in_the_order_of_the_report() -> None:
    assert list(judged()) == [*CLAIMS, "limit"]
    first, other, late = experiment("a"), experiment("b", "zhang2021"), experiment("c")
    assert [each.id for each in in_order([first, other, late])] == ["a", "c", "b"]
    found = [result_of(claims=results()[:1]).model_copy(update={"experiment": name}) for name in "bc"]
    assert [each.experiment.id for each in judge([first, other, late], found)] == ["c", "b"]


def section(claims: list[Judged] | None = None) -> str:
    """The section without the table of all claims, with one space between words."""
    text = evidence_section.evidence_section(list(judged().values()) if claims is None else claims, PAPERS, NOTHING)
    return " ".join(text.partition(r"\begingroup")[0].replace(r"\allowbreak{}", "").split())


def listed(text: str, before: str) -> list[str]:
    """The ids of claims from these words on to the end of the sentence."""
    sentence = re.split(r"\\citep\{\w+\}(?!;)", text.partition(before)[2])[0]
    return re.findall(r"\\texttt\{([\w-]+)\}", sentence)


def test_counts_and_names_by_hand() -> None:
    text = section()
    for said in (
        r"Of \counted{11}{claim}{claims}, 6 rest on the published protocol, 1 on real data reduced for a GPU, "
        "1 on real data reduced for a processor, 2 on surrogates and 1 on nothing yet",
        "Effects of 9 claims",
        "Left out are claims whose surrogate is not informative, 1 claims that state a limit",
        r"support \counted{5}{claim}{claims}",
        r"contradict \counted{1}{claim}{claims}: \hyperref[claims:small]{\texttt{refuted}} \citep{zhang2018mixup}.",
    ):
        assert said in text, said
    assert listed(text, "in units of it: ") == ["huge", "more-clearly", "confirmed"]
    assert listed(text, "Surrogates agree (1): ") == ["shown"]
    assert listed(text, "Surrogates disagree (1): ") == ["not-shown"]
    assert listed(text, "Surrogates leave the claim open (2): ") == ["dissent", "open"]
    assert listed(text, "disagrees with the best") == ["dissent"]
    assert listed(text, "There are no runs (1): ") == ["never"]
    for absent in ("embedded protocol", "no effect of interest (", "not recovered) (", "is not informative ("):
        assert absent not in text, absent
    assert "Questions and extensions of ours.}" not in text


def test_a_contradicted_claim_of_ours_is_in_no_count_or_list_of_the_papers() -> None:
    """Without the paragraph and the line of ours, the section is that of the papers' claims alone."""
    text = section(with_ours())
    paragraph = re.search(r" \\paragraph\{Questions and extensions of ours\.\}.*?(?= \\end\{sloppypar\})", text)
    assert paragraph
    assert listed(paragraph[0], "Contradicted (1): ") == ["own-question"]
    assert listed(paragraph[0] + " ", "Open (1): ") == ["own-open"]
    assert "Supported" not in paragraph[0]
    # claims; paper, reduced, reduced-cpu, surrogate, none; then see below
    line = r"\midrule Of ours & 2 & 2 & 0 & 0 & 0 & 0 & 0 & 0 & 0 & 1 & 1 & 0 & 0 & 0 & 0 & 0 & 0 \\ "
    assert line in text
    assert text.replace(paragraph[0], "").replace(line, "") == section()


def test_claims_of_ours_follow_those_of_the_papers() -> None:
    table = evidence_section.claims_table(with_ours())
    heading = table.index("Questions and extensions of ours")
    assert table.index("{refuted}") < heading < table.index("{own-question}") < table.index("{own-open}")


def test_names_stand_under_their_papers() -> None:
    two = judge(
        [experiment("a"), experiment("b", "zhang2021")],
        [result_of(claims=results()[:2]).model_copy(update={"experiment": name}) for name in "ab"],
    )
    said = re.sub(
        r"\\hyperref\[claims:(\w)\]\{\\texttt\{([\w-]+?)\}\}",
        r"\1.\2",
        evidence_section.names(two[:3]).replace(r"\allowbreak{}", ""),
    )
    assert said == r"a.confirmed and a.more-clearly \citep{zhang2018mixup}; b.confirmed \citep{zhang2021}"
    assert evidence_section.names([]) == ""


def test_a_limit_is_not_among_the_clearest() -> None:
    assert listed(section([judged()["limit"]]), "in units of it: ") == []


def test_the_table_of_papers_by_hand() -> None:
    text = section()
    heads = [*("paper", "reduced", "reduced-cpu", "surrogate", "none"), *("supported", "positive", "no effect")]
    heads += [*("contradicted", "open", "protocol not recovered"), *("agrees", "disagrees", "open"), "not informative"]
    upright = " & ".join(rf"\upright{{{head}}}" for head in [*heads, "not run"])
    assert rf"Paper & Claims & {upright} \\" in text
    counts = "6 & 1 & 1 & 2 & 1 & 5 & 0 & 0 & 1 & 0 & 0 & 1 & 1 & 2 & 0 & 1"
    assert rf"\citet{{zhang2018mixup}} & 11 & {counts} \\" in text
    assert rf"\citet{{zhang2021}} & 0 & {' & '.join('0' * 16)} \\" in text
    assert rf"All & 11 & {counts} \\" in text


def cells() -> dict[str, list[str]]:
    lines = lines_of(evidence_section.claims_table(list(judged().values())))
    return {re.sub(r".*\]\{(.*)\}$", r"\1", line[1]): line for line in lines}


def test_each_claim_with_evidence_has_a_line() -> None:
    found = cells()
    assert list(found) == [name for name in [*CLAIMS, "limit"] if name != "never"]
    assert found["confirmed"] == [
        r"\ref{exp:small}",
        r"\hyperref[claims:small]{confirmed}",
        "paper",
        "10",
        r"\num{+2.00}",
        r"[\num{1.50}, \num{2.50}]",
        r"\num{0.5}\,\%",
        r"\Supported",
    ]
    assert found["more-clearly"][0] == "~", "the number of a section stands once"
    assert found["shown"][2:5] == [r"reduced\recordmark{}", "5", r"\textit{\num{+1.00}}\surrogatemark{}"]
    assert found["not-shown"][2] == "surrogate"
    assert found["no-more"][6] == r"$\leq$\,\num{0.5}\,\%"
    assert found["limit"][6] == r"limit \num{5}\,\%"


def test_a_remark_names_what_a_decision_leaves_out() -> None:
    assert cells()["dissent"][-1] == r"\Open; surrogate: agrees"
    partly = claim("confirmed", untried=["s", "t"])
    stated = experiment()
    chosen = {"baseline": "r", "treatment": ["s", "t", "u"]}
    document = stated.claims[0].model_dump() | {"compare": [chosen], "select_by": "test_error.last"}
    claims = [type(stated.claims[0]).model_validate(document)]
    found = judge([stated.model_copy(update={"claims": claims})], [result_of(claims=[partly])])
    assert lines_of(evidence_section.claims_table(found))[0][-1] == r"\Supported; 2 of 4 rows"


def test_a_report_without_evidence_has_the_table_that_it_refers_to() -> None:
    assert r"\label{tab:evidence}" in evidence_section.claims_table([])
    assert section([]) == "", "without claims there is no such section"
