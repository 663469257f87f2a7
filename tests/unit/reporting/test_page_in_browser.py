"""The results page in a browser: it loads from a file, sorts, filters, opens rows, and is accessible."""

import os
import re
import shutil

import pytest

from remixup.files import write_text

from .sample_results import noise, tabular
from .test_page import HERE, write

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed (Debian: apt-get install chromium)"),
]
ROW = "number-made-up.mixup-8-20.test_error.last"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root with one
        running = playwright.chromium.launch(executable_path=BROWSER, args=sandbox)
        yield running
        running.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    before = os.getcwd()
    os.chdir(folder)  # without records
    text = write(noise(), tabular())
    os.chdir(before)
    write_text(folder / HERE.page, text)
    return (folder / HERE.page).as_uri()


@pytest.fixture(params=[1280, 400])
def tab(request, browser, address):
    """The page at a width; fails where it says or asks for anything."""
    tab = browser.new_page(viewport={"width": request.param, "height": 900})
    said, asked = [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(address)
    tab.wait_for_selector("#measurements .dt-paging")
    yield tab
    tab.close()
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [address]


def column(tab, section, name):
    """The cells of a column, on the page of the table that is shown."""
    index = tab.locator(f"#{section} thead th").all_text_contents().index(name)
    return [row.locator("> *").nth(index).text_content() for row in tab.locator(f"#{section} tbody tr[id]").all()]


def button(tab, row):
    return tab.locator(f'tr[id="{row}"] button.open')


def test_it_sorts_by_value(tab):
    def shown():
        return [float(cell.split()[0]) for cell in column(tab, "numbers", "Published")]

    heading = tab.get_by_role("table").nth(1).get_by_role("button", name="Published")
    assert shown() != sorted(shown())
    heading.click()
    tab.wait_for_selector("#numbers th[aria-sort=ascending]")  # DataTables sorts in a later task of the browser
    assert shown() == sorted(shown())
    heading.press("Enter")
    tab.wait_for_selector("#numbers th[aria-sort=descending]")
    assert shown() == sorted(shown(), reverse=True)


def choose(tab, section, name, value):
    tab.locator(f"#{section}-filters select[name={name}]").select_option(value)


def test_it_filters_and_searches(tab):
    expected = column(tab, "numbers", "Outcome").count("✓ replicated")
    assert 0 < expected < len(column(tab, "numbers", "Outcome")) < 25, "all rows are on one page of the table"
    choose(tab, "numbers", "outcome", "replicated")
    assert column(tab, "numbers", "Outcome") == ["✓ replicated"] * expected
    assert f"1 to {expected} of {expected} published numbers" in tab.locator("#numbers .dt-info").text_content()
    tab.get_by_label("Search the published numbers").fill("iris")
    assert column(tab, "numbers", "Published") == ["21.3 %", "19.2 %"]
    choose(tab, "numbers", "scale", "embedded")
    assert column(tab, "numbers", "Published") == []
    assert "Nothing has all of this." in tab.locator("#numbers tbody").text_content()


def test_a_row_opens_and_closes_by_keyboard(tab):
    opener = button(tab, ROW)
    opener.focus()
    tab.keyboard.press("Enter")
    assert opener.get_attribute("aria-expanded") == "true"
    detail = tab.locator("#numbers .detail")
    assert "By seed" in detail.text_content()
    assert detail.locator("figure.history polyline").count() == 1
    tab.keyboard.press("Enter")
    assert opener.get_attribute("aria-expanded") == "false"
    assert detail.count() == 0


def test_an_address_leads_to_a_row_on_any_page_of_its_table(tab, address):
    last = "number-tabular.phishing-mixup-8.0.test_error.last"
    assert button(tab, last).count() == 0
    tab.evaluate(f"location.hash = '{last}'")
    tab.wait_for_selector("#measurements .detail")
    assert button(tab, last).evaluate("each => each === document.activeElement")


def test_it_is_accessible_and_fits_the_screen(tab):
    from axe_playwright_python.sync_playwright import Axe

    for row in (ROW, "claim-made-up.standing-in"):
        button(tab, row).click()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    frames = tab.get_by_role("region", name=re.compile("^Table of"))
    assert frames.evaluate_all("all => all.map(each => each.scrollWidth <= each.clientWidth)") == [True] * 3
    found = Axe().run(tab).response["violations"]
    assert [(each["id"], each["help"]) for each in found if each["impact"] in ("serious", "critical")] == []
