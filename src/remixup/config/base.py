"""Strict base model, ids, and validation whose errors name the file, the key and the nearest valid name."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from remixup.errors import UserError, require_known

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=80)]


class Strict(BaseModel):
    """Immutable model that converts no types, rejects unknown keys and suggests the nearest valid one."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        for key in value if isinstance(value, dict) else ():
            require_known("key", key, cls.model_fields)
        return value


Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], value: Any, where: str) -> Model:
    """Convert a value to a model.

    Args:
        model: the pydantic model.
        value: parsed YAML or JSON.
        where: the file (or option) that the value comes from.

    Raises:
        UserError: the value does not fit. The message names the place, the key and the first mistake.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first, others = error.errors()[0], error.error_count() - 1
        place = _locate(first["loc"], value)
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "missing":
            message = "this key is needed"
        elif first["type"] != "value_error":
            message = f"{message}, not {first['input']!r}"[:300]
        hint = f"{others} more errors" if others else None
        if first["type"] == "string_type" and isinstance(first["input"], bool | int | float):
            hint = "put it in quotes"
        raise UserError(message, where=f"{where}, {place}" if place else where, hint=hint) from None


def _locate(loc: tuple[int | str, ...], value: Any) -> str:
    """Return a path into the document. List items are named by their id if they have one: rows[iris-erm].run."""
    path = ""
    for step in loc:
        try:
            value = value[step]
        except (TypeError, LookupError):
            value = None
        if isinstance(step, int):
            path += f"[{value.get('id', step) if isinstance(value, dict) else step}]"
        else:
            path += f".{step}" if path else step
    return path
