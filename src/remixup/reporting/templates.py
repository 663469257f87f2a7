r"""The report's LaTeX templates: Jinja2 with delimiters that LaTeX does not use.

A template prints a value with `\VAR{...}`. Its control flow is in lines that start with `%%`, or in `\BLOCK{...}`.
Values are text and are escaped for LaTeX, unless they pass through a filter that returns LaTeX.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from remixup.reporting import latex

FOLDER = Path(__file__).parents[3] / "paper" / "templates"


@functools.cache
def environment(folder: Path = FOLDER) -> Environment:
    """Return the environment of a folder's templates; a name that a template misses is an error."""
    found = Environment(
        loader=FileSystemLoader(folder),
        extensions=["jinja2.ext.do"],
        block_start_string=r"\BLOCK{",
        block_end_string="}",
        variable_start_string=r"\VAR{",
        variable_end_string="}",
        comment_start_string=r"\COMMENT{",
        comment_end_string="}",
        line_statement_prefix="%%",
        line_comment_prefix="%#",
        trim_blocks=True,
        undefined=StrictUndefined,
        # Jinja2 escapes for HTML what is not marked as safe. `finalize` runs before that and escapes for LaTeX.
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else Markup(latex.escape_part(str(value))),
    )
    filters = (latex.amount, latex.code, latex.number, latex.prose)
    found.filters |= {each.__name__: _marked_safe(each) for each in filters}
    return found


def _marked_safe(function: Callable[..., str]) -> Callable[..., Markup]:
    """Return the same function of a value, with a result that is not escaped again."""
    return lambda value: Markup(function(value))


def render(name: str, **values: Any) -> str:
    """Fill in a template of `paper/templates`.

    Args:
        name: the template's file name.
        **values: what it prints. Text is escaped; LaTeX must be marked in the template, by the filter `safe`.
    """
    return environment().get_template(name).render(values)


def public_methods(owner: object) -> dict[str, Callable[..., Any]]:
    """Return by name the methods of an object that templates may call."""
    return {name: each for name, each in inspect.getmembers(owner, inspect.ismethod) if not name.startswith("_")}


def position() -> str:
    """Return file and line of the template that is being rendered, for functions that it calls."""
    frame = inspect.currentframe()
    while frame is not None and "__jinja_template__" not in frame.f_globals:
        frame = frame.f_back
    if frame is None:
        return "outside a template"
    template = frame.f_globals["__jinja_template__"]
    return f"{os.path.relpath(template.filename)}:{template.get_corresponding_lineno(frame.f_lineno)}"
