"""The shape of `results/<scale>/replication.json` and of its parts, one for each experiment."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from remixup.config.claims import ClaimSource
from remixup.config.metrics import Convention
from remixup.config.settings import Scale

SCHEMA_VERSION = 2

Verdict = Literal[
    "replicated",
    "not replicated",
    "inconclusive",
    "surrogate",
    "not run",
    "failed",
    "diverged",
    "no value",
    "not transcribed",
    "no published number",
]
JUDGED: tuple[Verdict, ...] = ("replicated", "not replicated", "inconclusive")
"""The verdicts on numbers that are compared with the published ones."""
Outcome = Literal[
    "supported",
    "positive",
    "no effect",
    "contradicted",
    "open",
    "protocol not recovered",
    "not informative",
]
"""What runs say about a claim. "Positive": the effect has the sign that the claim says, and its size is open."""
OnSurrogate = Literal["agrees", "disagrees", "open", "not informative"]
"""What runs of a surrogate say about a claim: they neither support nor contradict it."""


class Result(BaseModel):
    """Base of all results: no unknown keys."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")


class Replicated(Result):
    """A sample of runs that differ in the seed alone."""

    mean: float
    std: float | None = Field(description="sample standard deviation; null for one run")
    n: int = Field(ge=1)
    ci95: tuple[float, float] | None = Field(description="t interval for the mean; null for one run")
    values: list[float]
    seeds: list[int]


class Code(Result):
    """The state of the sources that results come from."""

    commit: str | None = Field(description="last commit that touched them; null outside a repository")
    dirty: bool | None = Field(description="whether they differed from it")


class Compared(Result):
    """A published number, compared with ours under one convention."""

    mean: float
    difference: float = Field(description="mean - published")
    n: int = Field(ge=1)
    verdict: Verdict


ByConvention = Annotated[
    dict[Convention, Compared],
    Field(description="the verdict had the paper meant each convention; empty without any, or without a verdict"),
]
BestFit = Annotated[
    Convention | None, Field(description="the convention whose mean is nearest to the published number")
]


Standing = Literal["confirmatory", "exploratory"]
FreezeName = Annotated[
    str | None,
    Field(
        description="the freeze that makes the result confirmatory: all records in it name the freeze, and have its "
        "runs and seeds; `remixup audit` proves the rest"
    ),
]


class Recorded(Result):
    """A result measured at a real scale, stored under `records/`."""

    scale: Scale
    replicated: Replicated
    verdict: Verdict
    surrogate: str | None
    dataset_version: str
    precision: str
    code: Code
    hardware: str
    date: str = Field(description="ISO 8601 day")
    run: str
    by_convention: ByConvention = {}
    best_fit: BestFit = None
    standing: Standing = "exploratory"
    freeze: FreezeName = None


class Entry(Result):
    """One published number, and what became of it."""

    paper: str
    experiment: str
    row: str
    metric: str
    unit: str
    where: str
    published: float | None
    transcribed: bool = Field(True, description="false: the paper prints a number here that could not be read")
    published_standard_deviation: float | None = Field(None, description="over the paper's runs; null: not stated")
    published_runs: int | None = Field(None, description="how many runs the paper averages; null: not stated")
    published_convention: Convention | None = Field(None, description="as the paper states it; null: not stated")
    quoted: bool
    tolerance: float | None = Field(description="how far off still counts as the same, rounding not included")
    replicated: Replicated | None
    scale: Scale = Field(description="the scale that the replicated number counts as")
    surrogate: str | None
    dataset_version: str
    verdict: Verdict
    log: str | None = Field(None, description="where a failed run says why")
    runs: list[str]
    recorded: list[Recorded] = []
    by_convention: ByConvention = {}
    best_fit: BestFit = None


class Difference(Entry):
    """The published difference of two rows that differ in mixing alone, and what became of it."""

    baseline: str = Field(description="the row of ERM; the number is its value minus that of `row`")


class Statement(Result):
    """A possible statement of a test of a claim, and the p-value of the data if it is false."""

    outcome: Outcome
    p: float = Field(description="not adjusted; 0 or 1 where all seeds agree")
    sign_flip_p: float | None = Field(None, description="the same by sign flips; null for fewer than six seeds")
    why: str = Field(description="in words")


class ClaimTest(Result):
    """A test of a claim on runs of one scale."""

    scale: Scale
    surrogate: str | None
    outcome: Outcome = Field(description="on a surrogate, supported means that it agrees")
    why: str = Field(description="in words: what decided, or what is missing")
    effect: float | None = Field(
        None,
        description="baseline - treatment, so that above 0 the treatment is better; for a limit the greatest value",
    )
    ci95: tuple[float, float] | None = Field(None, description="t interval for the effect")
    p: float | None = Field(
        None,
        description="of the outcome; of a primary claim adjusted for all of its paper; of an open one that of the "
        "outcome nearest to being shown; null without a test and where all seeds agree",
    )
    sign_flip_p: float | None = Field(
        None, description="of the same outcome by sign flips, not adjusted; null for fewer than six seeds"
    )
    n: int
    untried: list[str] = Field(
        [], description="rows without runs: of those that a claim chooses among, the ones it could not try"
    )
    statements: list[Statement] = Field([], description="what the test could say, strongest first; empty without one")


class RecordedClaim(ClaimTest):
    """A test of a claim on recorded runs."""

    standing: Standing = "exploratory"
    freeze: FreezeName = None


class ClaimResult(ClaimTest):
    """One claim, of a paper or of ours, and what this report's runs say about it."""

    id: str
    experiment: str
    statement: str
    where: str
    source: ClaimSource = Field("paper", description="the paper, or ours: a question, an extension, a conjecture")
    primary: bool = False
    kind: Literal["measured", "definition", "untested"] = "measured"
    unit: str
    smallest_effect: float = Field(description="the smallest effect of interest; 0 for a limit")
    limit: float | None = Field(None, description="the largest value that the claim allows, if it states one")
    recorded: list[RecordedClaim] = []


Condition = Literal["fit", "budget", "headroom", "resolution", "attack", "known effects", "smoke test", "not trained"]
"""What a surrogate fails: one of the six conditions, or it cannot meet any."""
Domain = Literal["image", "speech", "time series", "table"]


class Setting(Result):
    """What a classifier is trained on, and how, but for mixing and dropout."""

    digest: str = Field(description="that runs share which differ in mixing, dropout, precision and execution alone")
    protocol: str = Field(description="the same, of mixing and dropout, too")
    dataset: str = Field(description="its name in print")
    domain: Domain | None = Field(description="null: points of a simulator")
    training_examples: int
    passes: int = Field(description="over the training examples")
    words: str = Field(description="network, schedule, and what else is particular")


class Curve(Result):
    """A quantity by epoch, over seeds."""

    epoch: list[int]
    mean: list[float]
    low: list[float] = Field(description="smallest over the seeds")
    high: list[float] = Field(description="largest over the seeds")


class Fit(Result):
    """How well the classifier of a row fits, at one scale; errors are means over seeds in percent."""

    scale: Scale
    surrogate: str | None
    recorded: bool = Field(description="whether the runs are on record, or this report's own")
    erm: bool = Field(description="whether they are trained without mixing and dropout")
    run: str
    n: int = Field(description="seeds that did not diverge")
    training_loss: float | None = Field(
        description="final loss on the training examples, mixed where the row mixes, in percent of ln(classes)"
    )
    fits_at: float | None = Field(
        description="percentage of the schedule after which that loss first is at most 5 %; null: never, or not known"
    )
    training_error: float | None
    corrupted_error: float | None = Field(description="training error on corrupted labels")
    test_error: float | None = Field(description="after the last epoch")
    linear_error: float | None = Field(description="test error of tuned logistic regression; null: not fitted")
    failed_seeds: list[int] = Field(description="whose test error is at least 95 % of the error by chance")
    setting: Setting | None = Field(None, description="what it is trained on, and how")
    alpha: float | None = Field(None, description="of plain mixup of inputs; null: another method, or not mixing alone")
    test_errors: dict[int, float] = Field({}, description="after the last epoch by seed, as in `test_error`")
    training_losses: dict[int, float] = Field({}, description="final by seed, as in `training_loss`")
    test_error_curve: Curve | None = Field(None, description="null: no history is stored")
    unmet: list[Condition] = Field(
        [], description="of ERM on a surrogate: the conditions for which it decides nothing about half a point of error"
    )
    standing: Standing = "exploratory"
    freeze: FreezeName = None


class Cost(Result):
    """Cost of a run in the store."""

    run: str
    seeds: list[int]
    seconds: float
    hardware: str
    device: str
    date: str
    commit: str | None


class Source(Result):
    """A dataset that the experiment used."""

    name: str
    version: str
    sha256: str
    license: str
    citation: str
    note: str


class ExperimentResult(Result):
    """Everything that the tables and figures of one experiment need."""

    schema_version: int = SCHEMA_VERSION
    scale: Scale
    experiment: str
    entries: list[Entry]
    differences: list[Difference] = []
    claims: list[ClaimResult]
    fits: dict[str, list[Fit]] = Field({}, description="row -> its classifiers: of this report's runs, and on record")
    curves: dict[str, dict[str, Curve]] = Field(description="row -> quantity -> curve")
    evaluations: dict[str, dict[str, Any]] = Field(description="row -> evaluation -> what it measured, seed by seed")
    frozen_evaluations: dict[str, dict[str, Any]] = Field({}, description="the same, on the seeds of the first freeze")
    costs: list[Cost]
    sources: list[Source]


class ConventionCount(Result):
    """How the published numbers compare with ours under one convention."""

    compared: int
    compatible: int = Field(description="replicated or inconclusive")
    by_verdict: dict[Verdict, int]
    best_fit: int = Field(description="numbers that no other convention fits as well")


class ClaimCount(Result):
    """How many claims have which outcome; runs of surrogates are counted apart."""

    claims: int
    published_protocol: dict[Outcome, int]
    surrogate: dict[OnSurrogate, int]
    not_run: int


class Summary(Result):
    """Counts of numbers and claims, each by its best evidence: of this report's runs, or on record."""

    published_numbers: int
    by_verdict: dict[Verdict, int] = Field(description="of the published numbers")
    by_convention: dict[Convention, ConventionCount] = {}
    differences_by_verdict: dict[Verdict, int] = Field({}, description="of the published differences of pairs of rows")
    not_transcribed: int = Field(description="published in tables that could not be read; not among the numbers")
    paper_claims: ClaimCount = Field(description="claims of the papers that runs can decide")
    our_claims: ClaimCount = Field(description="questions and extensions of ours that runs can decide")


class Replication(Result):
    """The whole: `replication.json`."""

    schema_version: int = SCHEMA_VERSION
    scale: Scale
    code: Code
    summary: Summary
    entries: list[Entry]
    differences: list[Difference] = []
    claims: list[ClaimResult]
