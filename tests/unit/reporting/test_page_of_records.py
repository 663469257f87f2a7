"""What the results page says about results on record: files, freezes, specifications, histories."""

import re
from pathlib import Path

import pytest
import yaml

from remixup.analysis.aggregate import results_of
from remixup.analysis.best_evidence import summary
from remixup.analysis.result_schema import Code, Curve, Replication
from remixup.config.settings import Config
from remixup.planning.plan import plan_experiment
from remixup.reporting.page.build import page
from remixup.reporting.page.records import POINTS, Attachments
from remixup.store.blocks import SeedBlock
from tests.experiments import committed

from .test_page import HERE, attached

CLAIM = "claim-moons.boundary-adapts"
NUMBER = "number-moons.wide-erm.boundary.bend"


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """What the page of an experiment contains that a freeze decides, where only its records are available."""
    config = Config(results=str(tmp_path_factory.mktemp("results")))
    plan = plan_experiment(*committed()["moons"], config)
    result = results_of(config, plan)
    counts, code = summary(result.entries, result.claims), Code(commit=None, dirty=None)
    whole = Replication(scale="embedded", code=code, summary=counts, entries=result.entries, claims=result.claims)
    text = page([plan], [result], whole, HERE, {})
    return {"text": text, **attached(text)}


def addresses(frozen, row):
    """The files that a row links to, as it writes them."""
    found = re.findall(r'href="([^"#]*)"', frozen["details"][row])
    return [address for address in found if not address.startswith("https:")]


def test_every_file_that_the_page_links_to_is_there(frozen):
    linked = {address for row in frozen["details"] for address in addresses(frozen, row)}
    linked |= set(re.findall(r'href="(\.[^"]*)"', frozen["text"]))
    assert len(linked) > 10
    for address in linked:
        assert address.startswith("../../")
        assert Path(address.removeprefix("../../")).is_file()


@pytest.mark.parametrize("row", [CLAIM, NUMBER])
def test_a_confirmatory_result_links_to_its_freeze_and_to_the_records_of_its_seeds(frozen, row):
    assert "confirmatory" in frozen["details"][row]
    linked = addresses(frozen, row)
    assert "../../protocols/moons-1.json" in linked
    records = [Path(each.removeprefix("../../")) for each in linked if "/records/runs/" in each]
    seeds = {seed for path in records for seed in SeedBlock.read(path).seeds}
    assert set(range(1000, 1040)) <= seeds
    assert any("/records/evaluations/boundary-" in each for each in linked), "the number is of an evaluation"


def test_the_specification_is_that_of_the_record(frozen):
    [run] = re.findall(r'data-run="([^"]*)"', frozen["details"][NUMBER])
    [path, *_] = sorted(Path("records/runs", run).glob("*.json"))
    shown = yaml.safe_load(frozen["specifications"][run])
    shown.pop("execution", None)
    recorded = SeedBlock.read(path).specification.model_dump(mode="json", exclude_defaults=True)
    recorded.pop("execution", None)
    assert shown == recorded


def test_every_curve_that_a_row_draws_is_there(frozen):
    keys = {key for text in frozen["details"].values() for key in re.findall(r'"key": "([^"]*)"', text)}
    assert keys
    assert keys <= frozen["curves"].keys()


@pytest.mark.parametrize("epochs", [1, 2, POINTS, 200, 1000])
def test_a_curve_keeps_its_ends_and_has_few_points(epochs):
    attachments = Attachments({})
    values = [1 / epoch for epoch in range(1, epochs + 1)]
    curve = Curve(epoch=list(range(1, epochs + 1)), mean=values, low=values, high=[2 * value for value in values])
    attachments.add_curves("k", {"test_error": curve})
    shown, mean, _, high = attachments.curves["k"]["test_error"]
    assert (shown[0], shown[-1]) == (1, epochs)
    assert min(epochs, POINTS // 2) <= len(shown) <= POINTS
    assert mean == pytest.approx([1 / epoch for epoch in shown], rel=1e-3)
    assert high == pytest.approx([2 / epoch for epoch in shown], rel=1e-3)
