"""Random mistakes in YAML files, and what other readers of YAML say of the files."""

import random
import re

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.resolver import VersionedResolver

SCALARS = (
    "010 0o10 0x1F 1:30 1_000 yes No on OFF true FALSE null ~ 1e-4 1E5 .5 5. -0 +3 .inf -.INF .nan 2020-01-01"
    " 2020-13-45"
    " 0 1 -1 3 0.5 1.5 100000 1e999 999999999999999999999999 '1' \"0.5\" '' [] {} [1] {a: 1} [[]] [~] {name: sgd}"
    " <<: *a &b *b !!int !!str !x y n = - ? | > % @ ` $x$ $ $5 50% \\ \\alpha $\\frac{1}$ & # {x} {alpha} all ab\x07c"
    " erm mixup [erm,mixup] paper reduced embedded 1e3 12 2 \u2028 \ufeff é 😀 null: 1 " + "9" * 400
).split(" ")
KEYS = ("seeds", "run", "id", "epochs", "each", "rows", "use", "label", "evaluate", "claims", "scales", "fast", "<<")
SYNTAX = ("  ", ": ", "- ", " #", *"\n: \t-{}[],'\"#|>&*!")


def mutate(rng: random.Random, text: str) -> str:
    """Make one to three mistakes."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        text = rng.choice(MISTAKES)(rng, text)
    return text


def _another_scalar(rng: random.Random, text: str) -> str:
    places = list(re.finditer(r"(?<=[:\[,-] )[^\s,\[\]{}:]+", text))
    return _put(rng, text, places, rng.choice(SCALARS))


def _another_line(rng: random.Random, text: str) -> str:
    return _put(rng, text, list(re.finditer(r"(?<=: ).+$", text, re.MULTILINE)), rng.choice(SCALARS))


def _another_key(rng: random.Random, text: str) -> str:
    return _put(rng, text, list(re.finditer(r"[\w.-]+(?=:)", text)), rng.choice(KEYS))


def _put(rng: random.Random, text: str, places: list[re.Match[str]], new: str) -> str:
    if not places:
        return text
    place = rng.choice(places)
    return text[: place.start()] + new + text[place.end() :]


def _a_character(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(SYNTAX) + text[at + rng.randrange(2) :]


def _without_some(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at + rng.randrange(1, 12) :]


def _lines_moved(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    line = lines.pop(rng.randrange(len(lines)))
    for _ in range(rng.randrange(3)):
        lines.insert(rng.randrange(len(lines) + 1), " " * rng.choice((0, 0, 2, 4)) + line)
    return "\n".join(lines)


MISTAKES = (_another_scalar, _another_scalar, _another_line, _another_key, _a_character, _without_some, _lines_moved)


class _Dates(VersionedResolver):
    """Resolver of ruamel.yaml without its dates, which YAML 1.2 does not have."""

    @property
    def versioned_resolver(self):
        found = super().versioned_resolver
        return {first: [each for each in tags if "timestamp" not in each[0]] for first, tags in found.items()}


def in_yaml_1_2(text: str):
    """Read YAML 1.2 with ruamel.yaml."""
    reader = YAML(typ="safe", pure=True)
    reader.Resolver, reader.Constructor, reader.version = _Dates, SafeConstructor, (1, 2)
    return reader.load(text)


class _Old(yaml.CSafeLoader):
    """PyYAML's loader, which resolves `=` to a type that it cannot construct."""


_Old.add_constructor("tag:yaml.org,2002:value", yaml.CSafeLoader.construct_scalar)


def in_yaml_1_1(text: str):
    """Read YAML 1.1 with PyYAML."""
    return yaml.load(text, _Old)


def leaves(value, path=()):
    """Yield path, type and text of each scalar, and of each empty collection."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, str(key)))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, type(value), repr(value)
