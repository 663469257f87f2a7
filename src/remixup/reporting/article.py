"""Write the article: the text in `paper/article/`, with values and figures from the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from remixup.analysis.pairs import SEEN_LIMITS, Pair
from remixup.analysis.result_schema import ExperimentResult, Replication
from remixup.analysis.thresholds import FIT
from remixup.config.experiment import Experiment
from remixup.errors import UserError
from remixup.files import visible, write_text
from remixup.reporting import templates
from remixup.reporting.article_assertions import Assertions
from remixup.reporting.article_costs import Costs
from remixup.reporting.article_pairs import Pairs
from remixup.reporting.article_printing import interval, words
from remixup.reporting.article_values import OWN_NUMBERS, OWN_PROTOCOL, Values
from remixup.reporting.build import save
from remixup.reporting.missing_runs import Outstanding
from remixup.reporting.outcome import PROSE
from remixup.reporting.page.numbers import is_listed, row_id


def write_sections(
    experiments: Sequence[Experiment],
    results: Sequence[ExperimentResult],
    whole: Replication,
    pairs: Sequence[Pair],
    missing: Outstanding,
    folder: Path,
    prose: Path = PROSE,
) -> list[Path]:
    """Render the article's sections to `article-<section>.tex` of a folder; others of that name are removed.

    Returns:
        The files written.

    Raises:
        UserError: sentences assert what the results no longer say, or a template is wrong.
    """
    values = Values(experiments, results, whole)
    assertions = Assertions(values)
    listed = {row_id(entry) for entry in whole.entries if is_listed(entry)}
    printed = (values, assertions, Pairs(pairs, listed), Costs(missing))
    functions = {name: function for each in printed for name, function in templates.public_methods(each).items()}
    papers = sorted({each.paper for each in experiments})
    constants = {"fit_limit": FIT, "seen_limits": SEEN_LIMITS, "own_protocol": OWN_PROTOCOL, "own_numbers": OWN_NUMBERS}
    rendered = _render(prose, {**functions, **constants, "papers": papers, "interval": interval, "words": words})
    if assertions.stale:
        count = len(assertions.stale)
        what = (
            f"{count} sentence{'s' * (count > 1)} of the article no longer agree{'s' * (count == 1)} with the results"
        )
        raise UserError(what, hint="rewrite each, and what it asserts", details=assertions.stale)
    _remove(folder, "article-*.tex")
    written = [folder / f"article-{name}" for name in rendered]
    for path, text in zip(written, rendered.values(), strict=True):
        write_text(path, text.rstrip("\n") + "\n")
    return written


def _render(prose: Path, context: Mapping[str, Any]) -> dict[str, str]:
    """Render the templates of a folder, by file name."""
    rendered: dict[str, str] = {}
    for path in visible(prose, "*.tex"):
        try:
            rendered[path.name] = templates.environment(prose).get_template(path.name).render(context)
        except TemplateError as error:
            raise UserError(str(error), where=f"{path}:{getattr(error, 'lineno', None) or '?'}") from None
    return rendered


def _remove(folder: Path, pattern: str) -> None:
    """Remove what an earlier call wrote: LaTeX would take in a section or figure that is no longer made."""
    for path in folder.glob(pattern):
        path.unlink()


def draw_figures(results: Sequence[ExperimentResult], pairs: Sequence[Pair], folder: Path) -> None:
    """Draw the figures of the article, `article-<name>.pdf`; others of that name are removed."""
    from remixup.reporting.figures.article import ARTICLE_FIGURES  # this import takes a second

    _remove(folder, "article-*.pdf")
    found = {each.experiment: each for each in results}
    for name, draw in ARTICLE_FIGURES.items():
        save(partial(draw, found, pairs), folder / f"article-{name}.pdf")
