"""Experiment files and configurations with mistakes in them, drawn at random."""

import copy
import re
from datetime import date

import yaml

LONG = "name" * 30_000
VALUES = [
    None, True, False, 0, -1, 1, 2, 10**400, -(10**30), 0.0, -0.5, 0.5, 1e-320, 1e308, float("nan"), float("inf"),
    float("-inf"), "", " ", "x", "*", "{alpha}", "{id}", "{}", "{0}", "{alpha", "..", "/", "a/b", "~", "erm", "all",
    "null", "$(touch x)", "'", "a\nb", "\x1b[31mred\x07", "\u202eevil", "\ufeff", "\U0001f600" * 50, "[z-a]", "[!",
    "*a" * 40, LONG, [], {}, [[]], [{}], [None], {"": {}}, {"name": None}, {"name": "mlp"}, {"name": []},
    ["erm", "erm"], list(range(300)), {f"key{number}": number for number in range(300)}, [[[[[["deep"]]]]]],
    date(2018, 4, 27), b"\xff\x00", {"a"},
]  # fmt: skip
REFERENCES = {"use", "rows", "baseline", "treatment", "row", "metric", "metrics", "select_by", "evaluate", "draw"}
KEYS = ["scale", "experiments", "results", "data", "data.folder", "data.mirror", "data.download", "data.versions.iris"]
NESTED = "[" * 400 + "]" * 400
BOMB = (
    "[&b0 [x, x, x, x, x, x, x, x, x], "
    + ", ".join(f"&b{n} [{', '.join([f'*b{n - 1}'] * 9)}]" for n in range(1, 12))
    + "]"
)
SNIPPETS = [
    "&self [*self]", "&self {run: *self}", "&self {<<: *self}", "{<<: 3}", "{<<: [*nowhere]}", BOMB,
    f"{{run: {BOMB}}}", NESTED, "{a: " * 300 + "}" * 300, "[" * 60_000, "- " * 3_000,
    "!!python/object/apply:os.system ['touch pwned']", "!!python/name:os.system", "!unknown x", "!!int ''", "!!int x",
    "!!float ''", "!!bool maybe", "!!null x", "!!timestamp x", "!!binary '*'", "!!binary aGk=", "!!set {a, b}",
    "!!omap [a: 1]", "!!pairs [a: 1]", "!!str [a]", "!!map [a]", "!!seq {a: 1}", "2018-99-99", "2018-04-27",
    "2018-04-27T99:99:99Z", "2018-04-27T09:00:00+99:99", "0x" + "f" * 9_000, ":".join("9" * 300) + ".5",
    "1" + "0" * 5_000, "1" * 4_000, "1:2:3:4:5:6:7", "0o99", "1e999999", ".nan", ".inf", "-.inf", "yes", "~",
    "{a: 1, a: 2}", "{1: 2}", "{[a]: 1}", "{{a: 1}: 1}", "{? : }", "{null: 1}", "{=: 1}", "=", "*nowhere", "&a",
    "%TAG", "---", "...", "|", ">", "'", '"', '"\\ud800"', '"\\0\\x1b\\u2028"', "\t", "\x00", "\x07", "\x85", "\u2028",
    "\ufeff", "{", "}", "[", "]", ",", "#", ":", "? ", "- ", "{alpha}", "'{alpha}'", "@", "`",
    "{alpha: &n [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], b: *n, c: *n, d: *n, e: *n, f: *n}",
    f"[{{id: r, label: '{{l}}{{l}}', each: {{l: [{'x' * 5_000}]}}}}]",
]  # fmt: skip


def places(node, path=()):
    """The path of every value of a document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, child in children for place in [(*path, key), *places(child, (*path, key))]]


def value_at(document, place):
    for step in place:
        document = document[step]
    return document


def mutate_document(random, document):
    """One change somewhere: a value, a key, a place in a list."""
    *path, last = random.choice(places(document) or [()]) or [None]
    if last is None:
        return random.choice(VALUES)
    parent = value_at(document, path)
    kind = random.choice(["value"] * 3 + ["delete", "key", "unknown", "twice", "elsewhere", "each", "reference"])
    if kind == "value":
        parent[last] = copy.deepcopy(random.choice(VALUES))
    elif kind == "delete":
        del parent[last]
    elif kind == "key" and isinstance(parent, dict):
        parent[random.choice([last[:-1], last + last, LONG, last.upper(), f" {last}", last[::-1]])] = parent.pop(last)
    elif kind == "unknown" and isinstance(parent, dict):
        parent[random.choice(["", "unknown", "run", "rows", "each", "scales", "use", "\x07", LONG])] = random.choice(
            VALUES
        )
    elif kind == "twice" and isinstance(parent, list):
        parent.insert(last, copy.deepcopy(parent[last]))
    elif kind == "elsewhere":
        parent[last] = copy.deepcopy(value_at(document, random.choice(places(document))))
    elif kind == "reference":  # to another, to itself, to nothing, to several
        named = [place for place in places(document) if REFERENCES & set(place[-2:])]
        ids = [value_at(document, place) for place in places(document) if place[-1] == "id"]
        if named and ids:
            place = random.choice(named)
            value_at(document, place[:-1])[place[-1]] = random.choice([*ids, "*", "nothing", "", None, ids, [ids]])
    elif kind == "each" and isinstance(document, dict) and isinstance(document.get("rows"), list):
        counts = random.choice([[0], [1], [2, 2], [1000], [10] * 6, [1000] * 6])
        named = {f"k{number}": list(range(count)) for number, count in enumerate(counts)}
        label = random.choice(["{k0}", "{k9}", "{k0}-{k1}", "{k0}" * 5_000])
        document["rows"].append({"id": "row{k0}-{k1}", "label": label, "each": named, "run": {"epochs": "{k0}"}})
    return document


def mutate_text(random, text):
    """One change of the text: cut, doubled, moved or strange."""
    lines = text.split("\n")
    at = random.randrange(len(lines))
    snippet = random.choice(SNIPPETS)
    kind = random.choice(
        ["value", "value", "value", "here", "cut", "drop", "double", "swap", "indent", "tab", "end", "delete"]
    )
    if kind == "value":  # what stands after the first colon, or a list's dash
        lines[at] = re.sub(r"(: |- )(.*)", lambda found: found[1] + snippet, lines[at], count=1)
    elif kind == "here":
        where = random.randrange(len(lines[at]) + 1)
        lines[at] = lines[at][:where] + snippet + lines[at][where:]
    elif kind == "cut":
        return text[: random.randrange(len(text) + 1)]
    elif kind == "drop":
        del lines[at]
    elif kind == "double":
        lines.insert(at, lines[at])
    elif kind == "swap":
        other = random.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == "indent":
        lines[at] = " " * random.randrange(1, 5) + lines[at]
    elif kind == "tab":
        lines[at] = "\t" + lines[at]
    elif kind == "end":
        lines.append(random.choice(["rows: ", "", "each: ", "run: ", "? ", "- "]) + snippet)
    else:
        where = random.randrange(len(text) + 1)
        return text[:where] + text[where + random.randrange(1, 200) :]
    return "\n".join(lines)


def mutate_bytes(random, content):
    """One change of the bytes: an encoding that is not UTF-8, or a byte in the way."""
    kind = random.choice(["utf-16", "utf-8-sig", "utf-32", "latin-1", "byte", "byte"])
    if kind == "byte":
        where = random.randrange(len(content) + 1)
        return (
            content[:where]
            + random.choice([b"\x00", b"\xff", b"\xe4", b"\xed\xa0\x80", b"\xc2\x85", b"\r"])
            + content[where:]
        )
    return content.decode("utf-8", "replace").replace("e", "\xe9", 1).encode(kind, "replace")


def mutant(random, text):
    """The bytes of a file with one to three mistakes in it."""
    kind = random.choice(["document", "document", "text", "text", "both", "bytes"])
    if kind in ("document", "both"):
        document = yaml.load(text, yaml.CSafeLoader)
        for _ in range(random.choice([1, 1, 1, 2, 3])):
            document = mutate_document(random, document)
        text = yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True, width=10_000)
    if kind in ("text", "both"):
        for _ in range(random.choice([1, 1, 2])):
            text = mutate_text(random, text)
    content = text.encode("utf-8", "surrogatepass")
    return mutate_bytes(random, content) if kind == "bytes" else content


def change(random):
    """A `--set` of the command line."""
    key = random.choice(KEYS)
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        key = random.choice([f"{key}.x", f".{key}", key[:-1], f"{key} ", "", LONG, f"data.{key}"])
    text = random.choice(SNIPPETS + [str(value) for value in VALUES] + ["paper", "all", "[uci]", "a b", "\udcff"])
    return random.choice([f"{key}={text}"] * 5 + [key, text, f"={text}"])
