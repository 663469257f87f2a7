"""A run: everything except the seed that determines the results of training, its canonical form, and its hash."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from remixup.config import registry, requirements
from remixup.config.base import Strict
from remixup.config.registry import Component

SCHEMA = 2
"""Increase it when the meaning of the canonical form changes; this changes all hashes."""


@dataclass(frozen=True)
class ComponentOf:
    """Annotate a field that names a component of a kind: it is resolved on reading, and a definition in the schema."""

    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate by `registry.resolve`."""
        return core_schema.no_info_plain_validator_function(lambda value: registry.resolve(self.kind, value))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return a name that `file_schema` turns into a reference."""
        return {"definition": f"component-{self.kind}"}


Model = Annotated[Component, ComponentOf("model")]
Augmentation = Annotated[Component, ComponentOf("augmentation")]
Normalization = Annotated[Component, ComponentOf("normalization")]
Optimizer = Annotated[Component, ComponentOf("optimizer")]
Schedule = Annotated[Component, ComponentOf("schedule")]
Ratio = Annotated[Component, ComponentOf("ratio")]
Partner = Annotated[Component, ComponentOf("partner")]
Blend = Annotated[Component, ComponentOf("blend")]
Target = Annotated[Component, ComponentOf("target")]
Noise = Annotated[Component, ComponentOf("noise")]
Decode = Annotated[Component, ComponentOf("decode")]
Objective = Annotated[Component, ComponentOf("objective")]


class Mixing(Strict):
    """How training examples are mixed, component by component. Without a ratio there is no mixing."""

    ratio: Ratio | None = Field(None, description="weight of an example in its mixture; null: no mixing")
    partner: Partner = Field({"name": "permutation"}, description="the example to mix with")
    blend: Blend = Field({"name": "linear"}, description="how two inputs are combined")
    target: Target = Field({"name": "mixed"}, description="the label of a mixed example")
    cut: int = Field(0, ge=0, description="where mixing happens: 0 at the input, k after the k-th stage of the network")
    smoothing: float = Field(0.0, ge=0, lt=1, description="epsilon of label smoothing")
    noise: Noise | None = Field(None, description="noise added to the inputs")
    warmup_epochs: int = Field(0, ge=0, description="epochs without mixing at the start")

    @model_validator(mode="after")
    def _no_idle_components(self) -> Mixing:
        idle = set(self.model_dump(exclude_defaults=True)) - {"ratio", "smoothing", "noise"}
        if self.ratio is None and idle:
            raise ValueError(f"without a ratio nothing is mixed, so {', '.join(sorted(idle))} has no effect")
        if self.ratio and self.ratio["name"] == "uniform":
            low, high = self.ratio.get("low", 0.0), self.ratio.get("high", 1.0)
            if not low < high:
                raise ValueError(f"a uniform ratio is between low and high, not between {low:g} and {high:g}")
        return self


def _amount(value: float) -> float:
    if value <= 0 or (value >= 1 and (value == 1 or value != int(value))):
        raise ValueError(f"a fraction between 0 and 1, or a whole number of two or more, not {value:g}")
    return value


Amount = Annotated[float, AfterValidator(_amount)]
"""A fraction of the examples if it is below 1, else their number."""


def amount(count: int, asked: float) -> int:
    """Return the number of examples that an `Amount` of `count` examples is."""
    return round(count * asked) if asked < 1 else int(asked)


class Dataset(Strict):
    """Which data, and how much of it."""

    name: str = Field(description="a dataset of the registry")
    version: str = Field("", description="its version; empty: the configured one, else the first in alphabetical order")
    holdout: Amount | None = Field(
        None, description="rows that each seed holds out for testing if no split is published: a fraction or a number"
    )
    subset: int | None = Field(None, ge=1, description="train on this many examples, chosen by the seed")
    validation: Amount | None = Field(
        None, description="training examples that are evaluated instead of trained on: a fraction or a number"
    )
    standardize_labels: bool = Field(
        False,
        description="train on labels of zero mean and unit variance over all rows; errors are in the labels' own unit",
    )
    label_noise: float | None = Field(
        None, gt=0, le=1, description="fraction of the training labels that are replaced by random ones"
    )
    noise_classes: Literal["all", "others"] = Field("all", description="whether the random label may be the true one")
    second_view: bool = Field(
        False,
        description="append to each training image the channels of an image of a partner class, to test images zeros",
    )
    decode: Decode | None = Field(None, description="how image files are decoded, for streamed datasets")

    @model_validator(mode="after")
    def _registered(self) -> Dataset:
        if self.noise_classes != "all" and self.label_noise is None:
            raise ValueError("without label_noise, noise_classes has no effect")
        registry.check_dataset(self.name, self.version)
        return self


class Execution(Strict):
    """How a run is executed. It is neither hashed nor compared, since it changes values by rounding only."""

    vectorize_seeds: bool | None = Field(
        None, description="train all seeds as one batched program; default: what the model declares"
    )
    threads: int = Field(1, ge=1, le=256, description="CPU threads; one and two give different bits")
    memory_format: Literal["contiguous", "channels_last"] = Field(
        "contiguous", description="layout of images in memory"
    )
    compile: bool = Field(False, description="compile the training step of whole minibatches (torch.compile)")
    fused: bool = Field(False, description="let SGD update all weights in one kernel")
    cudnn_benchmark: bool = Field(False, description="on a GPU, let cuDNN time its kernels and use the fastest")
    decode_on_gpu: bool = Field(False, description="decode image files on the GPU; its pixels differ a little")
    cuda_graph: bool = Field(False, description="on a GPU, capture whole training steps as CUDA graphs")


class RunSpec(Strict):
    """The resolved specification of a run."""

    dataset: Dataset = Field(description="which data, and how much of it")
    normalization: Normalization = Field({"name": "standardize"}, description="how inputs are normalized")
    augmentation: list[Augmentation] = Field([], description="applied in this order to each training image")
    model: Model = Field(description="the network")
    mixing: Mixing = Field(Mixing(), description="how training examples are mixed")
    optimizer: Optimizer = Field(description="the optimizer of the weights")
    schedule: Schedule = Field({"name": "constant"}, description="learning rate over the epochs")
    epochs: int = Field(ge=1, le=100_000, description="number of epochs, after each of which the history has a line")
    batch_size: int = Field(ge=1, le=1_000_000, description="examples of a minibatch")
    micro_batch: int | None = Field(
        None, ge=1, description="split minibatches into micro-batches of this size, each mixed and normalized by itself"
    )
    passes: int = Field(1, ge=1, le=100_000, description="passes over the training examples in one epoch")
    drop_last: bool = Field(False, description="leave out an incomplete last minibatch of a pass")
    reshuffle: bool = Field(True, description="shuffle in each epoch; false: all epochs have the order of the first")
    fresh_weights: int | None = Field(
        None, ge=1, description="reinitialize the weights each time this many epochs have passed, but not the optimizer"
    )
    measure_training: bool = Field(
        False, description="measure the error on the unmixed, unaugmented training examples after each epoch"
    )
    measure_f1: bool = Field(False, description="measure macro-averaged F1 after each epoch")
    choose_epoch: bool = Field(
        False, description="also report the test error of the epoch with the smallest validation error"
    )
    objective: Objective = Field({"name": "supervised"}, description="the training objective")
    precision: Literal["float32", "bfloat16"] = Field("float32", description="bfloat16: under autocast")
    execution: Execution = Field(Execution(), description="how the run is executed; not part of its identity")

    @model_validator(mode="after")
    def _no_idle_settings(self) -> RunSpec:
        if self.mixing.warmup_epochs >= self.epochs:
            raise ValueError(f"after {self.mixing.warmup_epochs} warmup_epochs of {self.epochs} nothing is mixed")
        if self.micro_batch is not None and self.micro_batch >= self.batch_size:
            raise ValueError(f"micro_batch {self.micro_batch} does not split a batch of {self.batch_size}")
        if self.fresh_weights is not None and self.fresh_weights >= self.epochs:
            raise ValueError(f"fresh_weights after {self.fresh_weights} of {self.epochs} epochs has no effect")
        if self.drop_last and self.micro_batch is not None:
            raise ValueError("drop_last has no effect with micro_batch, which splits minibatches")
        if self.execution.cuda_graph and not self.execution.fused:
            raise ValueError("execution.cuda_graph captures fused updates only: set execution.fused")
        asked, model = self.execution.vectorize_seeds, self.model["name"]
        if asked and self._vectorization == "never":
            raise ValueError(f"execution.vectorize_seeds: {model} has no vectorized implementation")
        if asked is False and self._vectorization == "always":
            raise ValueError(f"execution.vectorize_seeds: {model} has a vectorized implementation only")
        if problem := next(requirements.problems(self), None):
            raise ValueError(problem)
        return self

    def components(self) -> list[tuple[str, Component]]:
        """Return all components of the run, with their kinds."""
        found = [("model", self.model), ("normalization", self.normalization), ("optimizer", self.optimizer)]
        found += [("schedule", self.schedule), ("objective", self.objective)]
        found += [("augmentation", each) for each in self.augmentation]
        found += [("decode", self.dataset.decode)] if self.dataset.decode else []
        found += [("noise", self.mixing.noise)] if self.mixing.noise else []
        if self.mixing.ratio is not None:
            found += [("ratio", self.mixing.ratio), ("partner", self.mixing.partner)]
            found += [("blend", self.mixing.blend), ("target", self.mixing.target)]
        return found

    def canonical(self) -> dict[str, Any]:
        """Return the hashed content: fields that differ from their defaults, numerics above 1, and a schema number."""
        run = self.model_dump(exclude_defaults=True, exclude={"execution"})
        used = {
            "loop": registry.load_registry()["loop"],
            "dataset": registry.load_registry()["datasets"][self.dataset.name]["numerics"],
        }
        # The numerics of supervised training are the loop's.
        named = [each for each in self.components() if each[0] != "objective" or "objective" in run]
        numerics = {f"{kind} {part['name']}": registry.numerics(kind, part["name"]) for kind, part in named}
        # Only numbers above 1 are included, so that a new component never changes an old hash.
        raised = {name: number for name, number in {**used, **numerics}.items() if number != 1}
        return {"schema": SCHEMA, "run": run, **({"numerics": raised} if raised else {})}

    def digest(self) -> str:
        """Return eight hexadecimal digits of the SHA-256 of the canonical form."""
        return short_digest(self.canonical())

    def key(self) -> str:
        """Return the run's name in the store, `<slug>-<hash8>`. The slug is for people; the hash identifies the run."""
        ratio = self.mixing.ratio
        method = "erm" if ratio is None else "-".join(["mix", *(str(value) for value in ratio.values())])
        slug = re.sub(r"[^a-z0-9.]+", "-", f"{self.dataset.name}-{self.model['name']}-{method}".lower())
        return f"{slug}-{self.digest()}"

    @property
    def classifies(self) -> bool:
        """Whether it is a classifier: it has classes, and is not a GAN."""
        numeric: bool = registry.load_registry()["datasets"][self.dataset.name]["numeric"]
        return not numeric and self.objective["name"] != "gan"

    @property
    def shares(self) -> int:
        """The greatest number of processes that can share a minibatch: its micro-batches, if they are independent."""
        sequential = "dropout" in self.model or self.mixing.noise is not None
        sequential = sequential or self.objective["name"] == "dp_sgd"
        return 1 if self.micro_batch is None or sequential else -(-self.batch_size // self.micro_batch)

    @property
    def vectorized(self) -> bool:
        """Whether all seeds train as one batched program."""
        return self._vectorization == "always" or bool(self.execution.vectorize_seeds)

    @property
    def _vectorization(self) -> Literal["always", "optional", "never"]:
        models = registry.load_registry()["kinds"]["model"]
        found: Literal["always", "optional", "never"] = models[self.model["name"]]["vectorized"]
        return found


def short_digest(value: Any) -> str:
    """Return eight hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
