"""What objectives require of a run. Nothing here imports torch, because runs are checked when a file is read."""

from collections.abc import Iterator

from remixup.config.registry import load_registry
from remixup.config.requirements import Problem, declared
from remixup.config.run import RunSpec

_ALWAYS_USED = {"dataset", "normalization", "model", "mixing", "optimizer", "schedule", "epochs", "batch_size"}
_ALWAYS_USED |= {"objective", "execution"}


def _unused(spec: RunSpec, run: set[str], dataset: set[str], mixing: set[str]) -> Iterator[Problem]:
    """Yield the settings of a run that are not among those that an objective uses."""
    for key, settings, used in (
        ("run", spec, _ALWAYS_USED | run),
        ("run.dataset", spec.dataset, {"name", "version", "holdout", "subset"} | dataset),
        ("run.mixing", spec.mixing, {"ratio"} | mixing),
    ):
        unused = sorted(set(settings.model_dump(exclude_defaults=True)) - used)
        if unused:
            yield key, f"it has no use for {', '.join(unused)}"


def _several(spec: RunSpec) -> bool:
    return spec.mixing.ratio is not None and bool(declared("ratio", spec.mixing.ratio).get("several"))


def supervised(spec: RunSpec) -> Iterator[Problem]:
    """Check a run with labels."""
    if spec.model["name"] == "gan":
        yield "run.objective", "the model gan is trained by the objective gan"
    if declared("partner", spec.mixing.partner).get("scope") == "example":
        yield "run.mixing.partner", "only the objective dp_sgd has several views"


def gan(spec: RunSpec) -> Iterator[Problem]:
    """Check a run of a generative adversarial network."""
    yield from _unused(spec, set(), set(), set())
    if spec.model["name"] != "gan":
        yield "run.model.name", f"it trains the model gan, not {spec.model['name']}"
    if _several(spec):
        yield "run.mixing.ratio", "it mixes two examples, not several"


def dp_sgd(spec: RunSpec) -> Iterator[Problem]:
    """Check a private run."""
    used = {"augmentation", "micro_batch", "passes", "measure_training", "measure_f1", "choose_epoch"}
    yield from _unused(spec, used, {"validation"}, {"partner", "blend", "target", "smoothing"})
    rules = load_registry()["kinds"]["objective"]["dp_sgd"]["parameters"]
    views, self_mixtures, pool_views = (
        spec.objective.get(name, rules[name]["default"]) for name in ("views", "self_mixtures", "pool_views")
    )
    partner = declared("partner", spec.mixing.partner)
    own_views = spec.mixing.ratio is not None and partner.get("scope") == "example"
    other_examples = spec.mixing.ratio is not None and not own_views
    if spec.vectorized:
        seeds = f"it trains one seed at a time, and the seeds of {spec.model['name']} are vectorized"
        yield "run.model", f"{seeds}; a model without vectorized seeds"
    if spec.normalization["name"] == "standardize":
        advice = "use `given`, with constants that do not come from them, or `raw`"
        yield "run.normalization", f"the mean and the deviation would reveal the private examples; {advice}"
    if views > 1 and not spec.augmentation:
        yield "run.objective.views", "without augmentation all views are the same; name an `augmentation`"
    if other_examples and not partner.get("permutes"):
        yield "run.mixing.partner", "what an example can change under this partner is not known; use own_views"
    if (self_mixtures > 0) != own_views:
        what = "mixtures need a ratio and partners among the own views, and these need mixtures"
        yield "run.objective.self_mixtures", what
    if self_mixtures > 0 and views <= 1 and pool_views <= 0:
        yield "run.objective", "a set of one has nothing to mix; ask for more views"
    if other_examples and pool_views > 0:
        yield "run.objective.pool_views", "naive mixing has no pool"
    if declared("blend", spec.mixing.blend).get("position"):
        yield "run.mixing.blend", "its blends do not paste windows"
    if _several(spec):
        yield "run.mixing.ratio", "it mixes two examples at a time"
