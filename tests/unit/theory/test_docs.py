"""The example of docs/theory.md runs as it is written and prints what the page says."""

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / "docs/theory.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_blocks_run_and_print_what_the_page_shows(capsys):
    blocks = BLOCK.findall(DOCUMENT.read_text())
    programs = [text for language, text in blocks if language == "python"]
    assert programs, "docs/theory.md has no python block"
    for text in programs:
        exec(compile(text, str(DOCUMENT), "exec"), {"__name__": "example"})
    assert capsys.readouterr().out == "".join(text for language, text in blocks if language == "text")
