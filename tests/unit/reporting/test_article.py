"""The article's prose: stale sentences fail, and no result is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from remixup.errors import UserError
from remixup.reporting import article
from remixup.reporting.article_assertions import Assertions

from .sample_article import claims, results, values, whole
from .small_experiment import small
from .test_build import wanting

PROSE = r"""Mixup is better by
\VAR{effect("made-up/better")}.
%% do asserts("made-up/better", "supported")
A number \VAR{asserts_number("made-up/erm", "test_error.last", "replicated")}replicates,
its gain \VAR{asserts_gain("made-up/mixup", "test_error.last", "not replicated", "inconclusive")}does not.
%% do asserts_sign("made-up/worse", "-")
%% do asserts_true(mean("made-up/mixup") < mean("made-up/erm"), "mixup has the lower error")
"""


def written(folder: Path, prose: str, **changes: Any) -> str:
    """Write the prose with the claims of which some fields are changed; return what is rendered."""
    (folder / "prose").mkdir()
    (folder / "prose" / "text.tex").write_text(prose)
    changed = [each.model_copy(update=changes if each.id in ("better", "worse") else {}) for each in claims()]
    experiment = small().model_copy(update={"id": "made-up"})
    missing = wanting(experiment)
    arguments = ([experiment], results(), whole(changed), [], missing, folder / "generated", folder / "prose")
    (path,) = article.write_sections(*arguments)
    assert path.name == "article-text.tex"
    return path.read_text()


def test_prose_with_true_assertions_is_written(tmp_path: Path) -> None:
    effect = r"\result{claim-made-up.better}{\num{1.2} points [\num{1.0}, \num{1.5}]}"
    assert written(tmp_path, PROSE) == f"Mixup is better by\n{effect}.\nA number replicates,\nits gain does not.\n"


def test_a_section_that_is_gone_is_removed(tmp_path: Path) -> None:
    generated = tmp_path / "generated"
    generated.mkdir()
    old, others = generated / "article-gone.tex", [generated / "article-fit.pdf", generated / "claims.tex"]
    for path in (old, *others):
        path.write_text("of an earlier call")
    written(tmp_path, PROSE)
    assert not old.exists()
    assert all(path.exists() for path in others)


def test_stale_sentences_are_listed_with_their_lines(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        written(tmp_path, PROSE, outcome="no effect", ci95=(-0.1, 0.1))
    first, *lines = str(caught.value).splitlines()
    assert first.startswith("2 sentences of the article no longer agree with the results")
    path = tmp_path / "prose" / "text.tex"
    assert [line.partition(": ")[0].strip().rpartition("/")[2] for line in lines] == ["text.tex:3", "text.tex:6"]
    assert Path(lines[0].partition(":")[0].strip()).resolve() == path.resolve()
    assert lines[0].endswith("claim made-up/better: the text says 'supported', the results say 'no effect'")
    assert lines[1].endswith("sign of claim made-up/worse: the text says '-', the results say 'none'")
    assert not (tmp_path / "generated").exists(), "nothing is half-written"


def test_each_kind_of_assertion_fails() -> None:
    found = Assertions(values())
    found.asserts("made-up/better", "open", "contradicted")
    found.asserts_number("made-up/mixup", "test_error.last", "replicated")
    found.asserts_gain("made-up/mixup", "test_error.last", "replicated")
    found.asserts_true(False, "pigs fly")
    assert [each.partition(": ")[2] for each in found.stale] == [
        "claim made-up/better: the text says 'open' or 'contradicted', the results say 'supported'",
        "number made-up/mixup test_error.last: the text says 'replicated', the results say 'not replicated'",
        "gain made-up/mixup test_error.last: the text says 'replicated', the results say 'not replicated'",
        "pigs fly: the text says 'true', the results say 'false'",
    ]


@pytest.mark.parametrize(
    ("prose", "message"),
    [
        (
            '\n\\VAR{asserts("made-up/better", "suported")}',
            "text.tex:2: unknown outcome 'suported' (did you mean 'supported'?)",
        ),
        ('\\VAR{effect("made-up/none")}', "text.tex:1: unknown claim 'made-up/none'"),
        ("\n\n\\VAR{efect(3)}", "'efect' is undefined"),
        ("one\n\\VAR{1 +}", "text.tex:2: "),
    ],
)
def test_a_mistake_in_the_prose_is_named(tmp_path: Path, prose: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        written(tmp_path, prose)
    assert message in str(caught.value)
