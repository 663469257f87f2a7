"""Claims, and the sentences that runs do not decide."""

from __future__ import annotations

from typing import Any

import pytest

from remixup.analysis.result_schema import RecordedClaim
from remixup.config.experiment import Experiment
from remixup.config.settings import Scale
from remixup.reporting.claims import claims_table
from remixup.reporting.experiment_section import section

from .sample_evaluations import evaluated, words
from .sample_results import DIGITS, claim
from .small_experiment import lines_of, result_of, small


def on_record(scale: Scale) -> RecordedClaim:
    tested = {
        "outcome": "contradicted",
        "why": "it is worse",
        "effect": 0.1,
        "ci95": (0.04, 0.16),
        "p": 0.00009,
        "n": 5,
    }
    return RecordedClaim.model_validate({"scale": scale, "stand_in": None, **tested})


def claims_of(*claims: Any) -> str:
    document = small().model_dump()
    document["claims"] = [
        {
            "id": each.id,
            "statement": "s",
            "where": "w",
            "metric": "test_error.last",
            "compare": [{"baseline": "r", "treatment": "r"}],
            "smallest_effect": 0.5,
        }
        for each in claims
    ]
    return claims_table(Experiment.model_validate(document), result_of(claims=claims))


def test_claims_print_effect_interval_and_decision() -> None:
    table = claims_of(claim("c"))
    (sentence,) = (line for line in table.splitlines() if "50 \\%" in line)
    assert sentence.startswith(r"\multicolumn{8}{@{}L{\linewidth}@{}}{")
    assert (
        r"50 \% of the data\_sets (Section 3.9)\claimreason{the effect is more than 0.5 (95 \% interval)}" in sentence
    )
    assert sentence.endswith(r"\\*"), "no page ends between a sentence and what was measured"
    ((*cells,),) = lines_of(table)
    assert cells[0] == r"{\scriptsize \texttt{c}, secondary}", "the name by which chapters refer to it"
    assert cells[1:] == [
        r"\num{0.5}\,\%",
        "paper",
        r"\num{+1.23}",
        r"[\num{0.99}, \num{1.48}]",
        r"\num{0.012}",
        "10",
        r"\Supported",
    ]
    ((first, *_),) = lines_of(claims_of(claim("c", primary=True)))
    assert first == r"{\scriptsize \texttt{c}, primary}"
    (by_flips,) = lines_of(claims_of(claim("c", sign_flip_p=0.002)))
    assert by_flips[5] == r"\num{0.012} (\num{0.002})"


@pytest.mark.parametrize(
    ("outcome", "stand_in", "printed"),
    [
        ("supported", None, r"\Supported"),
        ("contradicted", None, r"\Contradicted"),
        ("no effect", None, r"\NoEffect"),
        ("positive", None, r"\Positive"),
        ("open", None, r"\Open"),
        ("protocol not recovered", None, r"\ProtocolNotRecovered"),
        ("supported", DIGITS, r"\Agrees"),
        ("contradicted", DIGITS, r"\Disagrees"),
        ("no effect", DIGITS, r"\Disagrees"),
        ("positive", DIGITS, r"\Open"),
        ("open", DIGITS, r"\Open"),
        ("not informative", DIGITS, r"\NotInformative"),
    ],
)
def test_a_surrogate_neither_supports_nor_contradicts(outcome: str, stand_in: str | None, printed: str) -> None:
    table = claims_of(claim("c", outcome=outcome, stand_in=stand_in))
    ((*cells,),) = lines_of(table)
    assert cells[-1] == printed
    assert (r"\textit{\num{+1.23}}\surrogatemark{}" in cells) is bool(stand_in)
    assert (r"\surrogatemark{}~Surrogate: " in table) is bool(stand_in)


def test_a_claim_on_record_has_its_own_line() -> None:
    table = claims_of(claim("c", recorded=[on_record("reduced")]))
    assert r"\claimreason{at paper scale, the effect is more than 0.5" in table
    assert r"\claimreason{at reduced scale, it is worse}" in table, "the record has a reason of its own"
    here, there = lines_of(table)
    assert (here[2], there[:2]) == ("paper", ["", ""])
    assert there[2:] == [
        r"reduced\recordmark{}",
        r"\num{+0.10}",
        r"[\num{0.04}, \num{0.16}]",
        r"$<\num{0.001}$",
        "5",
        r"\Contradicted",
    ]


def test_a_line_says_that_its_seeds_are_those_of_a_freeze() -> None:
    pooled = on_record("paper")
    frozen = pooled.model_copy(update={"standing": "confirmatory", "freeze": "some-1"})
    table = claims_of(claim("c", recorded=[pooled, frozen]))
    assert [cells[2] for cells in lines_of(table)[1:]] == [r"paper\recordmark{}", r"paper, frozen\recordmark{}"]


def test_a_record_stands_alone_where_nothing_was_run() -> None:
    never = {"outcome": "open", "effect": None, "ci95": None, "p": None, "n": 0, "why": "nothing was run"}
    table = claims_of(claim("c", **never, recorded=[on_record("paper")]))
    ((name, _, *cells),) = lines_of(table)
    assert (name, cells[0]) == (r"{\scriptsize \texttt{c}, secondary}", r"paper\recordmark{}")
    assert "nothing was run" not in table
    ((*cells,),) = lines_of(claims_of(claim("c", **never)))
    assert cells[2:] == ["--", "--", "", "--", "0", r"\Open"]
    assert "nothing was run" in claims_of(claim("c", **never))


def test_claims_of_ours_follow_those_of_the_paper_under_a_heading() -> None:
    table = claims_of(claim("mine", source="ours", outcome="contradicted"), claim("theirs"))
    heading = table.index("Questions and extensions of ours")
    assert table.index(r"\texttt{theirs}") < heading < table.index(r"\texttt{mine}")
    assert "Questions and extensions" not in claims_of(claim("theirs"))


def test_no_claims_no_table() -> None:
    assert claims_of() == ""


def test_no_false_precision_in_an_interval() -> None:
    wide = claim("c", effect=12.3456, ci95=(-5.432, 30.123))
    assert lines_of(claims_of(wide))[0][3:5] == [r"\num{+12}", r"[\num{-5}, \num{30}]"]
    narrow = claim("c", effect=0.012345, ci95=(0.012, 0.0127))
    assert lines_of(claims_of(narrow))[0][3:5] == [r"\num{+0.01}", r"[\num{0.01}, \num{0.01}]"], "of one decimal"


def test_what_an_effect_is_held_against() -> None:
    table = claims_table(*evaluated())
    stated = [line for line in table.splitlines() if line.count(r"\linewidth")]
    limits = {
        sentence.partition(" (")[0].rpartition("}{")[2]: line[1]
        for sentence, line in zip(stated, lines_of(table), strict=True)
    }
    assert limits == {
        "mixup errs less": r"\num{0.2}\,\%",
        "mixup helps no more than that": r"$\leq$\,\num{0.2}\,\%",
        r"ERM misses at most 5 \%": r"limit \num{5}\,\%",
    }
    limit = lines_of(table)[-1]
    assert limit[3] == r"\textit{\num{3.38}}\surrogatemark{}", "the value itself, not what is left to the limit"
    assert limit[-1] == r"\Open", "of fewer than five seeds"


def test_a_claim_without_unit_has_none() -> None:
    ((_, least, *_),) = lines_of(claims_of(claim("c", unit="")))
    assert least == r"\num{0.5}"


def sentences(experiment: Experiment, result: Any) -> list[str]:
    """The items of the list of sentences that runs do not decide, with one space between words."""
    text = section(experiment, result).partition(r"\begin{sentences}")[2].partition(r"\end{sentences}")[0]
    return [" ".join(item.replace(r"\allowbreak{}", "").split()) for item in text.split(r"\item")[1:]]


def test_sentences_that_runs_do_not_decide_are_listed_with_the_reason() -> None:
    test = r"\texttt{tests/unit/mixing/test\_mixing.py::test\_properties\_of\_mixing}"
    assert sentences(*words()) == [
        rf"labels are mixed too, by the same $\lambda$ (section 2). \emph{{Definition}}, checked by {test}.",
        r"it is easy (p. 1). \emph{Untested}: a matter of taste, 100 \%.",
    ]
    assert claims_table(*words()) == ""


def test_each_sentence_is_in_one_place() -> None:
    table, (item,) = claims_table(*evaluated()), sentences(*evaluated())
    assert "inputs are mixed" in item
    assert "inputs are mixed" not in table
    assert "mixup errs less" not in item
    assert sentences(small(), result_of()) == []
