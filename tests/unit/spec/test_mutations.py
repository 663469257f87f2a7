"""Whatever an experiment file or a configuration holds, it is read or one short message: no crash, hang or file."""

import copy
import json
import os
import re
import signal
import sys
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remixup.cli import configuration
from remixup.errors import UserError
from remixup.spec.config import SCALES, Config
from remixup.spec.experiment import read_experiment
from remixup.spec.parts import catalogue
from remixup.spec.planning import plan_experiment
from remixup.spec.strict import read_yaml
from tests.unit.spec.small import write

ROOT = Path(__file__).parents[3]
EXPERIMENTS = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("experiments/*/*.yaml"))]
CONFIG = (ROOT / "config.yaml").read_text(encoding="utf-8")

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


WRITING = {
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.truncate",
    "os.chmod",
    "os.link",
    "os.symlink",
    "os.system",
}
STARTING = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "shutil.rmtree"}
witnessed: list[str] | None = None


def _witness(event, arguments):
    if witnessed is None:
        return
    if event in WRITING | STARTING:
        witnessed.append(f"{event} {arguments}")
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        witnessed.append(f"open {arguments}")


sys.addaudithook(_witness)


class TooSlowError(BaseException):
    """Not an Exception: nothing that is tested may catch it."""


def _too_slow(signum, frame):
    raise TooSlowError


@contextmanager
def watched(cpu_s=4.0):
    """Nothing is written or started inside, and it does not take longer, whatever else the machine does."""
    global witnessed
    before = signal.signal(signal.SIGPROF, _too_slow)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    witnessed = []
    try:
        yield
    finally:
        seen, witnessed = witnessed, None
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    assert seen == []


def is_one_message(error, *named):
    """Short, printable, and it names the file (or the option) to mend."""
    message = str(error)
    assert len(message) < 2_000
    assert message.isprintable()
    assert "Traceback" not in message
    assert any(name in message for name in named), message


def is_read(path):
    """What the program does with an experiment file when it reads the workflow; False where it is refused."""
    with watched():
        try:
            experiment = read_experiment(path)
            for scale in SCALES:
                plan = plan_experiment(path, experiment, Config(), scale)
                assert all(re.fullmatch(r"[a-z0-9.-]+", pack.key) for pack in plan.packs())
                json.dumps([plan.evaluation_key(), *plan.evaluations(), *plan.runs()])
        except UserError as error:
            is_one_message(error, path.name)
            return False
    return True


def is_configuration(path, changes):
    """The same for a configuration with changes from the command line."""
    with watched():
        try:
            config = configuration(path, changes)
            for dataset, entry in catalogue()["datasets"].items():
                assert isinstance(config.at_hand(dataset, next(iter(entry["versions"]))), bool)
            assert config.mirror is None or config.mirror.is_dir()
        except UserError as error:
            is_one_message(error, path.name, "--set")
            return False
    return True


def change(random):
    """A `--set` of the command line."""
    key = random.choice(KEYS)
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        key = random.choice([f"{key}.x", f".{key}", key[:-1], f"{key} ", "", LONG, f"data.{key}"])
    text = random.choice(SNIPPETS + [str(value) for value in VALUES] + ["paper", "all", "[uci]", "a b", "\udcff"])
    return random.choice([f"{key}={text}"] * 5 + [key, text, f"={text}"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mutants")


def holds_for_an_experiment(folder, random):
    path = folder / "mutant.yaml"
    path.write_bytes(mutant(random, random.choice(EXPERIMENTS)))
    is_read(path)


def holds_for_a_configuration(folder, random):
    path = folder / "config.yaml"
    path.write_bytes(mutant(random, CONFIG) if random.random() < 0.5 else CONFIG.encode())
    is_configuration(path, [change(random) for _ in range(random.choice([0, 1, 2]))])


RANDOM = st.randoms(use_true_random=False)
BRIEF = settings(max_examples=400, suppress_health_check=list(HealthCheck))
LONG_TEST = settings(max_examples=5_000, suppress_health_check=list(HealthCheck))


@BRIEF
@given(random=RANDOM)
def test_mutated_experiments(folder, random):
    holds_for_an_experiment(folder, random)


@BRIEF
@given(random=RANDOM)
def test_mutated_configurations(folder, random):
    holds_for_a_configuration(folder, random)


@pytest.mark.slow
@LONG_TEST
@given(random=RANDOM)
def test_thousands_of_mutated_experiments(folder, random):
    holds_for_an_experiment(folder, random)


@pytest.mark.slow
@LONG_TEST
@given(random=RANDOM)
def test_thousands_of_mutated_configurations(folder, random):
    holds_for_a_configuration(folder, random)


def test_the_real_files_are_read_and_the_mutants_are_not_all_alike(folder):
    path = folder / "real.yaml"
    for text in EXPERIMENTS:
        path.write_text(text, encoding="utf-8")
        assert is_read(path)
    path.write_text(CONFIG, encoding="utf-8")
    assert is_configuration(path, ["scale=paper", "data.versions.iris=uci"])
    read = []
    for seed in range(100):
        random = Random(seed)
        path.write_bytes(mutant(random, random.choice(EXPERIMENTS)))
        read.append(is_read(path))
    assert 5 < sum(read) < 60


def test_the_watch_sees_what_is_written_started_and_slow(tmp_path):
    with pytest.raises(AssertionError, match="open"), watched():
        (tmp_path / "x").write_text("x")
    with pytest.raises(AssertionError, match=r"os\.system"), watched():
        os.system("true")
    with pytest.raises(TooSlowError), watched(0.05):
        sum(number % 7 for number in range(10**9))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rows: &self [*self]", "line 1: .* the alias 'self' stands for nothing before it"),
        ("run: &self {model: *self}", "the alias 'self' stands for nothing before it"),
        ("title: x\nrows: *nowhere", "line 2: .* the alias 'nowhere' stands for nothing before it"),
        (f"rows: {BOMB}", "more than 250,000 characters, or 50 levels"),
        (f"rows: {'[' * 100_000}", "more than 250,000 characters, or 50 levels"),  # was a crash of the interpreter
        (f"title: {'x' * 300_000}", "more than 250,000 characters"),
        ("title: !!python/object/apply:os.system [ls]", "tags are not used here: '.*os.system'"),
        ("title: !!bool maybe", "tags are not used here"),
        ("title: !!int ''", "tags are not used here"),
        ("title: !!timestamp x", "tags are not used here"),
        ("seeds: 0x" + "f" * 9_000, "an integer of more than 64 bits"),
        (f"seeds: 1{'0' * 400}", "an integer of more than 64 bits"),
        (f"seeds: {'9:' * 300}9.5", "int too large to convert to float"),
        ("{a: 1, a: 2}", "key 'a' stands twice"),
        (f"{{? {'name' * 30_000} : 1}}", r"odd.yaml: unknown key '(name)+n?a?m?…$"),
    ],
)
def test_yaml_that_stands_for_more_than_it_says(tmp_path, text, expected):
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with watched(), pytest.raises(UserError, match=expected) as caught:
        read_experiment(path)
    is_one_message(caught.value, "odd.yaml")


def test_aliases_that_stand_for_little_are_read(tmp_path):
    path = tmp_path / "aliases.yaml"
    path.write_text("a: &a {x: [1]}\nb: [*a, *a]\n")
    assert read_yaml(path) == {"a": {"x": [1]}, "b": [{"x": [1]}] * 2}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": "{a}{b}{c}", "each": {name: list(range(100)) for name in "abc"}}, "rows: more than 1,000 rows"),
        (
            {"id": "{a}", "label": "{b}" * 5_000, "each": {"a": list(range(100)), "b": ["x" * 500]}},
            "250,000 characters",
        ),
        ({"id": "r", "each": {"a": ["x" * 9_000]}}, r"rows\[r\]\.each: more than 2,000 characters"),
    ],
)
def test_a_row_that_stands_for_too_many(tmp_path, row, expected):
    path = write(tmp_path, rows=[{"label": "x", **row}], claims=[])
    with watched(), pytest.raises(UserError, match=expected) as caught:
        read_experiment(path)
    is_one_message(caught.value, path.name)


def test_rows_written_out_by_hand_have_the_same_limit(tmp_path):
    path = write(tmp_path, rows=[{"id": f"r{number}", "label": "x"} for number in range(1_001)], claims=[])
    with pytest.raises(UserError, match="more than 1,000 rows"):
        read_experiment(path)


def test_what_a_message_quotes_can_be_printed(tmp_path):
    path = write(tmp_path, rows=[{"id": "\x1b[2J", "label": 3}, {"id": "x" * 5_000, "lable": "\u202e"}], claims=[])
    with pytest.raises(UserError, match=r"rows\[\\x1b\[2J\]") as caught:
        read_experiment(path)
    is_one_message(caught.value, path.name)


def test_a_file_that_is_a_folder_or_in_another_encoding(tmp_path):
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_experiment(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("title: café".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin.yaml: .*utf-8.*save it as UTF-8"):
        read_experiment(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("", ["scale=[paper"], "--set scale, line 2: not readable as YAML"),
        ("", ["scale=!!python/name:os.system"], "--set scale, line 1: .*tags are not used here"),
        ("", ["scale.x=1"], "config.yaml, scale: .*not {'x': 1}"),
        ("scale: paper", ["scale.x=1"], "--set: .*config.yaml has no place for 'scale.x'"),
        ("data:", ["data.folder=x"], "--set: .*has no place for 'data.folder'"),
        ("- scale", ["scale=paper"], "--set: .*has no place for 'scale'"),
        ("", ["scale"], "'scale' is not of the form KEY=VALUE"),
        ("", ["results=a{b}"], "config.yaml, results: a folder has a name, without braces and control characters"),
        ("", ['results="a\\nb"'], "results: a folder has a name"),
        ("", ["data.folder=''"], "data.folder: a folder has a name"),
        ("", [f"data.mirror={'m' * 5_000}"], r"data\.mirror: the mirror folder m+…"),
    ],
)
def test_a_configuration_that_cannot_be(tmp_path, text, changes, expected):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with watched(), pytest.raises(UserError, match=expected) as caught:
        configuration(path, changes)
    is_one_message(caught.value, path.name, "--set")


def test_a_folder_whose_name_is_too_long_holds_no_data():
    assert not Config.model_validate({"data": {"folder": "f" * 5_000}}).at_hand("abalone", "uci")
