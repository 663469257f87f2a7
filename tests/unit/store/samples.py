"""Provenance of made-up seed blocks."""

from typing import Any

from remixup.store.provenance import Code, Data, Environment, Measurement, Provenance


def measurement(**changes: Any) -> Measurement:
    """Return how an evaluation was made, with some fields changed."""
    made = provenance().model_dump(include=set(Measurement.model_fields))
    return Measurement.model_validate({**made, **changes})


def provenance(**changes: Any) -> Provenance:
    """Return a provenance with some fields changed."""
    found = Provenance(
        code=Code(commit="c", dirty=False, date="2026-01-01"),
        environment=Environment(python="3.11", versions={"torch": "2.13.0", "numpy": "2.0"}, processor="a processor"),
        hardware="a card",
        device="cpu",
        data=Data(name="iris", version="scikit-learn", sha256="d"),
        started="2026-01-02T03:04:05+00:00",
        seconds=1.5,
        processes=1,
        load_average=0.5,
    )
    return found.model_copy(update=changes)
