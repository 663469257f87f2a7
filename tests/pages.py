"""Read the how-to pages of docs/, and carry out their steps."""

import re
from dataclasses import dataclass

PLACES = {
    "above": r"Above `(?P<line>[^`]+)` in `(?P<file>[^`]+)`, unless it is there:",
    "append": r"At the end of `(?P<file>[^`]+)`:",
    "example": r"For example:",
    "create": r"New file `(?P<file>[^`]+)`:",
    "row": r"Under `(?P<line>rows:|metrics:)` in `(?P<file>[^`]+)`:",
    "run": r"Run:",
}
"""What the line before a block may say of it."""


@dataclass
class Step:
    """A block of the document, and what is to be done with it."""

    action: str
    text: str
    file: str = ""
    line: str = ""


def read_steps(document):
    """The steps of a document, in order; ValueError where a block is not placed, not fenced or not closed."""
    steps, block, before = [], None, ""
    for number, line in enumerate(document.splitlines(), 1):
        if block is not None:
            if line == "```":
                steps.append(_placed(before, "".join(block)))
                block, before = None, ""
            else:
                block.append(f"{line}\n")
        elif re.match(r"\s*(```|~~~)", line):
            if not re.fullmatch(r"```\w+", line):
                raise ValueError(f"line {number}: a block opens with ``` and its language")
            block = []
        elif line.startswith(("    ", "\t")):
            raise ValueError(f"line {number}: an indented block; fence it")
        elif line.strip():
            before = line
    if block is not None:
        raise ValueError("the last block is not closed")
    return steps


def _placed(before, text):
    for action, pattern in PLACES.items():
        if found := re.fullmatch(pattern, before):
            return Step(action, text, **found.groupdict())
    raise ValueError(f"nothing says what to do with the block after {before!r}")


def edit(folder, step):
    """Does one step that changes a file; an example changes none."""
    if step.action == "example":
        return
    path = folder / step.file
    if step.action == "create":
        assert not path.exists(), f"{step.file} is there already"
        path.write_text(step.text)
        return
    old = path.read_text()
    if step.action == "above" and step.text in old.splitlines(keepends=True):
        return
    assert step.text.strip() not in old, f"{step.file} has this already:\n{step.text}"
    if step.action == "append":
        path.write_text(f"{old}\n\n{step.text}")
        return
    mark = step.line
    assert old.splitlines().count(mark) == 1, f"{step.file} has not exactly one line {mark!r}"
    new = f"{step.text}{mark}\n" if step.action == "above" else f"{mark}\n{step.text}"
    path.write_text(re.sub(f"^{re.escape(mark)}\n", lambda _: new, old, flags=re.MULTILINE))
