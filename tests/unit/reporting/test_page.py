"""The results page: every number and claim is there, as printed, and text stays text."""

import base64
import gzip
import html
import json
import re
from pathlib import Path
from typing import get_args

import pytest

from remixup.analysis.result_schema import Difference, OnSurrogate, Outcome, Verdict
from remixup.analysis.statistics import summarize
from remixup.errors import UserError
from remixup.planning.plan import Plan
from remixup.reporting.page.build import page
from remixup.reporting.page.records import Links, repository
from remixup.reporting.page.text import CLAIM_OUTCOMES, NUMBER_OUTCOMES, number, plain, probability, read_papers

from .sample_results import COMMIT, claim, entry, noise, recorded, replicated, replication, tabular
from .small_experiment import PAPER, exactly, result_of, small

SCRIPT = "<script>alert('x')</script> & $\\alpha = 1$"
HERE = Links(Path("results/embedded/results.html"))


def write(*both, links=HERE):
    """The page of made-up results."""
    plans = [Plan(Path(f"experiments/{each.id}.yaml"), each, "embedded", []) for each, _ in both]
    results = [result for _, result in both]
    return page(plans, results, replication(*results), links, {})


def attached(text):
    """The details, specifications and curves that a page contains."""
    packed = re.search(r'id="shared">([^<]*)<', text)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def words(markup):
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def detail(text, row):
    """The text that a row opens to."""
    return words(attached(text)["details"][row])


def cells(text):
    """Row -> the text of its cells."""
    rows = re.findall(r'(?s)<tr id="([^"]*)"(.*?)</tr>', text)
    return {
        html.unescape(name): [words(cell) for cell in re.findall(r"(?s)<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for name, row in rows
    }


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project without records."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def text(project):
    return write(noise(), tabular())


def test_every_number_and_claim_has_a_row_that_opens(text):
    whole = replication(noise()[1], tabular()[1])
    expected = {f"claim-{each.experiment}.{each.id}" for each in whole.claims}
    for each in whole.entries:
        if each.published is not None or each.replicated or each.recorded:
            expected.add(f"number-{each.experiment}.{each.row}.{each.metric}")
    assert cells(text).keys() == attached(text)["details"].keys() == expected


def test_numbers_are_rounded_to_what_was_measured(project):
    sample = replicated(17.0, 0.5, 5)
    one = entry("r", "test_error.last", 17.3, sample, experiment="small", verdict="replicated", tolerance=0.865)
    text = write((small(published={"test_error.last": 17.3}), result_of(one)))
    low, high = sample.ci95
    [row] = [each for name, each in cells(text).items() if name == "number-small.r.test_error.last"]
    assert row == [
        "a_b & c test error (%) · small",
        "Zhang et al. (2018) Table 9",
        "17.3 %",
        f"{sample.mean:.2f} %",
        f"{low:.2f} to {high:.2f}",
        "5",
        "paper",
        "exploratory",
        "✓ replicated",
    ]
    said = detail(text, "number-small.r.test_error.last")
    assert f"Our mean differs by {number(sample.mean - 17.3, 2, sign=True)}. The tolerance is 0.86" in said
    assert all(f"{seed}: {value:.2f}" in said for seed, value in zip(sample.seeds, sample.values, strict=True))


def test_a_row_shows_its_best_sample_and_opens_to_all(text):
    name = "number-made-up.mixup-8-50.test_error.best"
    at_paper = noise()[1].entries[-3].recorded[-1]
    assert at_paper.scale == "paper"
    assert cells(text)[name][3:7] == [f"{at_paper.replicated.mean:.2f} %", *cells(text)[name][4:5], "100", "paper"]
    said = detail(text, name)
    assert said.index("On record, paper scale: the sample in the table") < said.index("On record, reduced scale")
    assert "This report's runs, embedded scale" in said
    assert "Surrogate scikit-learn's digits for CIFAR-10" in said
    assert "NVIDIA H100 80GB HBM3, bfloat16" in said
    assert COMMIT[::-1][:10] in said


@pytest.mark.parametrize(("runs", "words"), [(None, "a single run"), (4, "the mean of 4 runs")])
def test_an_inconclusive_number_says_where_the_papers_runs_would_be(project, runs, words):
    """Five values of standard deviation 1 about 4: t is 2.776, and its half-width 2.776 sqrt(1/5 + 1/runs)."""
    half = 2.7764 * (1 / 5 + 1 / (runs or 1)) ** 0.5
    values = [4 + each for each in (-(1.6**0.5), -(0.4**0.5), 0, 0.4**0.5, 1.6**0.5)]
    one = entry("r", "test_error.last", 5.0, summarize(values, range(5)), experiment="small", published_runs=runs)
    text = write((small(published={"test_error.last": 5.0}), result_of(one)))
    said = detail(text, "number-small.r.test_error.last")
    assert f"By our runs, {words} of the paper would be at {4 - half:.1f} to {4 + half:.1f} (95 %)." in said


@pytest.mark.parametrize("standing", ["exploratory", "confirmatory"])
def test_values_that_are_on_record_and_measured_again_are_shown_once(project, standing):
    sample = exactly(4.0, 0.1)
    again = sample.model_copy(update={"values": [value + 1e-15 for value in sample.values]})
    record = recorded(again, scale="paper", standing=standing)
    one = entry("r", "test_error.last", 4.0, sample, experiment="small", recorded=[record])
    text = write((small(published={"test_error.last": 4.0}), result_of(one)))
    said = detail(text, "number-small.r.test_error.last")
    assert said.count("By seed") == 1
    assert "On record, and the same again in this report" in said
    assert cells(text)["number-small.r.test_error.last"][3:8] == ["4.00 %", "", "5", "paper", standing]


def test_a_claim_has_effect_interval_outcome_and_reason(text):
    row = cells(text)["claim-made-up.real"]
    assert row[0].startswith("mixup has a lower test error than ERM on 50 % of the data_sets secondary")
    assert row[2:] == ["+1.23 %", "0.99 to 1.48", "0.5 %", "10", "paper", "exploratory", "✓ supported"]
    said = detail(text, "claim-made-up.real")
    assert "The effect is more than 0.5 (95 % interval)." in said
    assert "p = 0.012" in said
    assert "baseline: 20 % of labels replaced, ERM" in said
    assert cells(text)["claim-made-up.standing-in"][-1] == "0 no effect", "the record is of no surrogate"
    assert cells(text)["claim-made-up.never-run"][-1] == "○ not run"


def test_a_difference_names_its_two_rows(project):
    experiment, result = noise()
    fields = entry("mixup-8-20", "test_error.last", 1.2000000000000002, exactly(-0.7, 0.2), experiment="made-up")
    difference = Difference(**{**fields.model_dump(), "baseline": "erm-20"})
    text = write((experiment, result.model_copy(update={"differences": [difference]})))
    name = "difference-made-up.mixup-8-20.test_error.last"
    assert cells(text)[name][0].startswith("20 % of labels replaced, ERM minus mixup (α = 8)")
    assert cells(text)[name][2:4] == ["1.2 %", "−0.70 %"]
    assert 'href="#number-made-up.erm-20.test_error.last"' in attached(text)["details"][name]


def test_links_inside_the_page_lead_to_rows(text):
    targets = set(re.findall(r'href="#([^"]*)"', text + "".join(attached(text)["details"].values())))
    assert targets
    assert targets <= set(re.findall(r'id="([^"]*)"', text))


def test_text_stays_text(project):
    experiment = small(label=SCRIPT, published={"test_error.last": 4.0})
    experiment = experiment.model_copy(update={"title": SCRIPT})
    one = entry("r", "test_error.last", 4.0, exactly(4.0, 0.1), experiment="small", where=SCRIPT, surrogate=SCRIPT)
    text = write((experiment, result_of(one)))
    everything = text + "".join(attached(text)["details"].values())
    assert "<script>alert" not in everything
    assert "&lt;script&gt;alert" in text
    assert cells(text)["number-small.r.test_error.last"][0].startswith("<script>alert('x')</script> & α = 1")


def test_the_same_results_give_the_same_bytes(project):
    assert write(noise(), tabular()) == write(noise(), tabular())


def test_the_page_asks_for_nothing_from_elsewhere(text):
    assert not re.findall(r"<(?:link|img|script|iframe)[^>]*(?:src|href)=", text)
    assert "default-src 'none'" in text


def test_every_outcome_is_explained():
    assert NUMBER_OUTCOMES.keys() == set(get_args(Verdict))
    assert CLAIM_OUTCOMES.keys() >= {*get_args(Outcome), *get_args(OnSurrogate), "definition", "untested", "not run"}


def test_commits_link_to_the_repository_that_the_citation_names(project, tmp_path):
    citation = tmp_path / "CITATION.cff"
    assert repository(citation) == ""
    for content in ("[1]", "title: [a"):
        citation.write_text(content)
        with pytest.raises(UserError, match=r"CITATION\.cff"):
            repository(citation)
    citation.write_text("repository-code: https://example.org/remixup/\n")
    text = write(noise(), links=Links(HERE.page, repository(citation)))
    assert f'href="https://example.org/remixup/commit/{COMMIT}"' in text
    assert 'href="https://example.org/remixup/blob/HEAD/docs/reference-verdicts.md"' in text
    details = attached(text)["details"]["claim-made-up.real"]
    assert 'href="../../experiments/made-up.yaml"' in details
    assert 'href="https://example.org/remixup/blob/HEAD/experiments/made-up.yaml"' in details


def test_a_paper_that_the_bibliography_lacks_is_named(project):
    experiment, result = tabular()
    with pytest.raises(UserError, match=r"paper 'nobody2030' is nowhere"):
        write((experiment.model_copy(update={"paper": "nobody2030"}), result))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"mixup ($\alpha = 0.2$)", "mixup (α = 0.2)"),
        (r"$\alpha = 1{,}024$ costs $5 \times 10^{-4}$", "α = 1,024 costs 5 × 10⁻⁴"),
        (r"$X_{10}^2$ and $\ell_\infty$", "X₁₀² and ℓ∞"),
        (r"a_b^c costs 5 $", "a_b^c costs 5 $"),
    ],
)
def test_mathematics_is_printed_in_unicode(source, expected):
    assert plain(source) == expected


def test_probabilities_and_minus_signs():
    assert [probability(p) for p in (None, 0.0004, 0.0123, 1.0)] == ["", "< 0.001", "0.012", "1.000"]
    assert [number(value, 1) for value in (-0.04, -1.25, 2.0)] == ["0.0", "−1.2", "2.0"]


def test_papers_are_named_by_their_authors():
    papers = read_papers(PAPER / "references.bib")
    assert papers["zhang2018mixup"].name == "Zhang et al. (2018)"
    assert papers["greenewald2023"].title == "k-Mixup Regularization for Deep Learning via Optimal Transport"
    assert papers["bao2023"].url == "https://arxiv.org/abs/2311.01295"


def test_a_limit_is_printed_as_a_limit(project):
    stated = {"id": "limit", "statement": "s", "where": "w", "metric": "test_error.last"}
    bounded = {**stated, "bound": {"row": "r", "at_most": 5.0}}
    experiment = type(small()).model_validate({**small().model_dump(), "claims": [bounded]})
    found = claim("limit", experiment="small", smallest_effect=0.0, limit=5.0, effect=1.5, ci95=(1.0, 2.0))
    row = cells(write((experiment, result_of(claims=[found]))))["claim-small.limit"]
    assert row[2:5] == ["1.50 %", "1.00 to 2.00", "limit 5 %"]
