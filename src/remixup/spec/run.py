"""A run: everything that determines the numbers that training gives, but the seed; its canonical form and its hash."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from remixup.errors import did_you_mean
from remixup.spec import parts
from remixup.spec.parts import Part
from remixup.spec.strict import Strict

SCHEMA = 1
"""Raised when the canonical form changes its meaning; every hash then changes."""


@dataclass(frozen=True)
class PartOf:
    """Annotates a field that holds a part of some kind: resolved on reading, a definition of its own in the schema."""

    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validation by `parts.resolve`."""
        return core_schema.no_info_plain_validator_function(lambda value: parts.resolve(self.kind, value))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A name that `file_schema` turns into a reference."""
        return {"definition": f"part-{self.kind}"}


Model = Annotated[Part, PartOf("model")]
Augmentation = Annotated[Part, PartOf("augmentation")]
Scaling = Annotated[Part, PartOf("scaling")]
Optimiser = Annotated[Part, PartOf("optimiser")]
Schedule = Annotated[Part, PartOf("schedule")]
Ratio = Annotated[Part, PartOf("ratio")]
Partner = Annotated[Part, PartOf("partner")]
Blend = Annotated[Part, PartOf("blend")]
Target = Annotated[Part, PartOf("target")]


class Vicinity(Strict):
    """The vicinal distribution, part by part; without a ratio it is ERM's: each example as it is."""

    ratio: Ratio | None = Field(None, description="how much of an example is kept; null is ERM")
    partner: Partner = Field({"name": "permutation"}, description="whom it is mixed with")
    blend: Blend = Field({"name": "linear"}, description="how two inputs become one")
    target: Target = Field({"name": "mixed"}, description="what the network is asked to say")

    @model_validator(mode="after")
    def _no_idle_parts(self) -> Vicinity:
        if self.ratio is None and self.model_dump(exclude_defaults=True):
            raise ValueError("without a ratio nothing is mixed, so partner, blend and target have no effect")
        return self


class Dataset(Strict):
    """Which data, and how much of it."""

    name: str = Field(description="a dataset of the registry")
    version: str = Field("", description="its version; empty: the configured one, else the registry's first")
    holdout: float | None = Field(
        None, gt=0, lt=1, description="share of the rows that each seed holds out for testing, where none is published"
    )
    subset: int | None = Field(None, ge=1, description="train on this many examples, chosen by the seed")

    @model_validator(mode="after")
    def _registered(self) -> Dataset:
        datasets = parts.catalogue()["datasets"]
        if self.name not in datasets:
            raise ValueError(f"unknown dataset {self.name!r}; {did_you_mean(self.name, datasets)}")
        versions = datasets[self.name]["versions"]
        if self.version and self.version not in versions:
            raise ValueError(
                f"dataset {self.name} has no version {self.version!r}; {did_you_mean(self.version, versions)}"
            )
        return self


class RunSpec(Strict):
    """The resolved specification of a run."""

    dataset: Dataset
    scaling: Scaling = Field({"name": "standardise"}, description="how inputs are scaled")
    augmentation: list[Augmentation] = Field([], description="applied in this order to each training image")
    model: Model
    vicinity: Vicinity = Field(Vicinity(), description="what the network is trained on")
    optimiser: Optimiser
    schedule: Schedule = Field({"name": "constant"}, description="learning rate over the epochs")
    epochs: int = Field(ge=1, le=100_000)
    batch_size: int = Field(ge=1, le=1_000_000)
    precision: Literal["float32", "bfloat16"] = Field("float32", description="bfloat16: under autocast")
    memory_format: Literal["contiguous", "channels_last"] = "contiguous"
    threads: int = Field(1, ge=1, le=256, description="CPU threads; one and two give different bits")

    def canonical(self) -> dict[str, Any]:
        """What is hashed: fields that differ from their defaults, the numerics of the parts in use, a schema number."""
        run = self.model_dump(exclude_defaults=True)
        used = {
            "loop": parts.catalogue()["loop"],
            "dataset": parts.catalogue()["datasets"][self.dataset.name]["numerics"],
        }
        named = [("model", self.model), ("scaling", self.scaling), ("optimiser", self.optimiser)]
        named += [("schedule", self.schedule)] + [("augmentation", each) for each in self.augmentation]
        if self.vicinity.ratio is not None:
            named += [("ratio", self.vicinity.ratio), ("partner", self.vicinity.partner)]
            named += [("blend", self.vicinity.blend), ("target", self.vicinity.target)]
        numerics = {f"{kind} {part['name']}": parts.numerics(kind, part["name"]) for kind, part in named}
        # Only what was raised above 1 is written, so that a part's first version never changes an old hash.
        raised = {name: number for name, number in {**used, **numerics}.items() if number != 1}
        return {"schema": SCHEMA, "run": run, **({"numerics": raised} if raised else {})}

    def digest(self) -> str:
        """Eight hexadecimal digits of the SHA-256 of the canonical form."""
        return short_digest(self.canonical())

    def key(self) -> str:
        """`<slug>-<hash8>`: the run's name in the store; the slug is for people, the hash decides."""
        ratio = self.vicinity.ratio
        method = "erm" if ratio is None else "-".join(["mix", *(str(value) for value in ratio.values())])
        slug = re.sub(r"[^a-z0-9.]+", "-", f"{self.dataset.name}-{self.model['name']}-{method}".lower())
        return f"{slug}-{self.digest()}"

    @property
    def population(self) -> bool:
        """Whether seeds train side by side as one batched program."""
        return bool(parts.catalogue()["kinds"]["model"][self.model["name"]]["population"])


def short_digest(value: Any) -> str:
    """Eight hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
