"""The results page: every number and claim is there, as printed, and text stays text."""

import base64
import gzip
import html
import json
import re
from pathlib import Path

import pytest

from remixup.planning.plan import Plan
from remixup.reporting.page.build import page
from remixup.reporting.page.records import Links

from .sample_results import noise, replication, tabular

SCRIPT = "<script>alert('x')</script> & $\\alpha = 1$"


def write(tmp_path, monkeypatch, *both, repository=""):
    """The page of made-up results, in a project without records."""
    monkeypatch.chdir(tmp_path)
    plans = [Plan(Path(f"experiments/{each.id}.yaml"), each, "embedded", []) for each, _ in both]
    results = [result for _, result in both]
    links = Links(Path("results/embedded/results.html"), repository)
    return page(plans, results, replication(*results), links, {})


def unpacked(text):
    """The details, specifications and curves that the page contains."""
    packed = re.search(r'id="shared">([^<]*)<', text)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def cells(text):
    """Row -> the text of its cells."""
    found = {}
    for name, row in re.findall(r'(?s)<tr id="([^"]*)"(.*?)</tr>', text):
        parts = re.findall(r"(?s)<t[hd][^>]*>(.*?)</t[hd]>", row)
        found[html.unescape(name)] = [" ".join(html.unescape(re.sub(r"<[^>]*>", " ", part)).split()) for part in parts]
    return found


@pytest.fixture
def rows(tmp_path, monkeypatch):
    return cells(write(tmp_path, monkeypatch, noise(), tabular()))


def test_every_number_and_claim_has_a_row(rows):
    whole = replication(noise()[1], tabular()[1])
    expected = {f"claim-{each.experiment}.{each.id}" for each in whole.claims}
    for each in whole.entries:
        if each.published is not None or each.replicated or each.recorded:
            expected.add(f"number-{each.experiment}.{each.row}.{each.metric}")
    assert set(rows) == expected
