"""Schema of claims in experiment files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from remixup.config.base import Slug, Strict
from remixup.config.latex_text import Prose
from remixup.config.metrics import Metric


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


RowIds = Annotated[list[str], Field(min_length=1), BeforeValidator(_as_list, json_schema_input_type=str | list[str])]
"""One or several rows; one may be written without a list."""


class Pair(Strict):
    """Two rows that are compared seed by seed. If a side names several rows, the claim's `select_by` chooses one."""

    baseline: RowIds = Field(description="row that is compared, usually ERM")
    treatment: RowIds = Field(description="row that should be better")


class Bound(Strict):
    """A limit for the value of a row, or for the greatest value of several rows."""

    row: RowIds = Field(description="row, or rows whose greatest value counts")
    at_most: float = Field(description="the limit, in the metric's unit")


ClaimSource = Literal["paper", "ours"]


class Claim(Strict):
    """A statement of the paper, or ours about it. Runs decide it, or it gives the reason why they cannot."""

    id: Slug = Field(description="its name, unique in the file")
    statement: Prose = Field(description="the claim in a sentence; LaTeX")
    where: Prose = Field(description="where the paper says it")
    source: ClaimSource = Field(
        "paper", description="ours: a question that the paper asks, an extension, a remark on its code, a conjecture"
    )
    primary: bool = Field(
        False, description="one of the two to five claims that stand for the paper; they are decided together"
    )
    metric: Metric | None = Field(None, description="what is compared, or bounded")
    compare: list[Pair] = Field([], description="the effect is the mean of baseline - treatment over these pairs")
    select_by: Metric | None = Field(
        None,
        description="if a side of a pair names several rows, the row with the smallest mean of this metric is compared",
    )
    bound: Bound | None = Field(None, description="a limit of the (greatest) value of the rows")
    smallest_effect: float | None = Field(
        None, gt=0, description="the smallest difference of interest, in the metric's unit"
    )
    expect: Literal["more", "no more"] = Field(
        "more", description="whether the statement says that the effect is larger than the smallest of interest, or not"
    )
    at_least: int | None = Field(
        None, ge=1, description="number of pairs that must each support the statement; default: their mean must"
    )
    falls_with: Metric | None = Field(
        None,
        description="the effect is by how much baseline - treatment falls over the pairs where this metric of the "
        "baseline is ten times as large: minus the slope of the least-squares line over its common logarithm",
    )
    definition: str | None = Field(None, description="the test (path::name) of this definition")
    untested: Prose | None = Field(None, description="why no run here decides it")

    @model_validator(mode="after")
    def _one_kind(self) -> Claim:
        kinds = {name: bool(getattr(self, name)) for name in ("compare", "bound", "definition", "untested")}
        if sum(kinds.values()) != 1:
            raise ValueError(f"a claim has exactly one of {', '.join(kinds)}")
        if (kinds["compare"] or kinds["bound"]) != (self.metric is not None):
            raise ValueError("a claim has a metric where it compares or bounds, and only there")
        if self.primary and (self.metric is None or self.source != "paper"):
            raise ValueError("a primary claim is the paper's, and compares or bounds")
        if kinds["compare"] != (self.smallest_effect is not None):
            raise ValueError("a claim has a smallest_effect where it compares, and only there")
        if self.expect != "more" and not kinds["compare"]:
            raise ValueError("a claim has `expect` only where it compares")
        if self.at_least is not None and self.at_least > len(self.compare):
            raise ValueError("a claim has `at_least` only where it compares, and no more than it has pairs")
        if self.falls_with is not None and (len(self.compare) < 2 or self.at_least is not None):
            raise ValueError("a claim has `falls_with` only where it compares two pairs or more, without `at_least`")
        several = any(len(side) > 1 for pair in self.compare for side in (pair.baseline, pair.treatment))
        if (self.select_by is not None) != several:
            raise ValueError("a claim has `select_by` where it names several rows to choose from, and only there")
        return self

    @property
    def rows(self) -> list[str]:
        """The rows that the claim uses."""
        named = [name for pair in self.compare for name in (*pair.baseline, *pair.treatment)]
        return list(dict.fromkeys(named + (self.bound.row if self.bound else [])))

    @property
    def baselines(self) -> list[str]:
        """The rows that must be informative if they are surrogates: the baselines, or the bounded rows."""
        named = [name for pair in self.compare for name in pair.baseline]
        return list(dict.fromkeys(self.bound.row if self.bound else named))
