"""Results of a bundle are installed if all of them are right; else the tree stays as it was."""

import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from remixup.config.run import RunSpec
from remixup.config.settings import UNAVAILABLE, Config
from remixup.errors import UserError
from remixup.files import extract, write_json
from remixup.maintenance import bundle_collect, bundle_run
from remixup.store.blocks import EvaluatedBlock, SeedBlock
from remixup.store.provenance import Code
from remixup.store.run_store import Store
from tests.unit.store.samples import measurement, provenance

SPEC = RunSpec(
    dataset={"name": "digits", "version": "scikit-learn"},
    model={"name": "preact_resnet", "width": 8, "blocks": [1]},
    optimizer={"name": "adam", "lr": 0.001},
    epochs=1,
    batch_size=100,
)
BENCHMARK = "remixup_benchmarks/results/a-card.json"
NEW = '{"code": {"commit": "sources", "dirty": false}}'


def git(*arguments):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def publish(store, seed, error=3.0, **changes):
    history = [{"seed": seed, "epoch": 1, "rate": 0.1, "train_loss": 1.0, "test_loss": 2.0, "test_error": error}]
    return store.path(store.publish(SPEC, [seed], history, provenance(**changes)))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A committed tree with one seed on record and a benchmark."""
    home = tmp_path / "here"
    home.mkdir()
    monkeypatch.chdir(home)
    publish(Store(home / "records"), 0)
    (home / BENCHMARK).parent.mkdir(parents=True)
    (home / BENCHMARK).write_text("old")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "start")
    return home


@pytest.fixture
def archive(here, tmp_path, monkeypatch):
    """Make the archive of the other machine, after something was done there."""

    def make(change=lambda folder, path: None, commit=None):
        folder, results, commit = tmp_path / "there", tmp_path / "results", commit or git("rev-parse", "HEAD")
        path = publish(Store(folder / "records"), 1, code=Code(commit="sources", dirty=False))
        (folder / BENCHMARK).parent.mkdir(parents=True)
        (folder / BENCHMARK).write_text(NEW)
        change(folder, path)
        results.mkdir()
        with monkeypatch.context() as context:
            context.chdir(folder)
            context.setattr(bundle_run, "code", lambda: Code(commit="sources", dirty=False))
            bundle_run.pack(results, {"carried": {}, "commit": commit})
        return results / bundle_run.ARCHIVE

    return make


def content(home):
    paths = [path for path in home.rglob("*") if ".git" not in path.parts]
    return {path: path.read_bytes() if path.is_file() else None for path in paths}


def edited(path, error=2.0):
    """A block with another error in its values, whose digest fits them."""
    block = SeedBlock.read(path)
    block.model_copy(update={"values": {**block.values, "test_error.last": [error]}}).write(path)


def test_records_and_benchmarks_are_installed(here, archive):
    found = bundle_collect.collect(Config(), archive())
    name = f"records/runs/{SPEC.key()}/seeds-1-1.json"
    assert sorted(map(str, found.installed)) == sorted([BENCHMARK, name])
    assert found.left == {}
    assert (here / BENCHMARK).read_text() == NEW
    assert SeedBlock.read(here / name).seeds == [1]
    again = bundle_collect.collect(Config(), bundle_collect.archives([here.parent / "results"])[0])
    assert again.installed == []
    assert set(again.left.values()) == {"is here already"}


def other_run(folder, path):
    """The digest does not cover the name of the folder: `verify` alone finds it."""
    moved = path.parent.with_name("digits-other-run")
    path.parent.rename(moved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder, path: edited(path), "does not follow from its history"),
        (lambda folder, path: path.write_text(path.read_text().replace("3.0", "2.0")), "differs from its digest"),
        (lambda folder, path: publish(Store(folder / "records"), 2, code=Code(commit="other", dirty=False)), "sources"),
        (lambda folder, path: publish(Store(folder / "records"), 2, code=Code(commit="sources", dirty=True)), "clean"),
        (lambda folder, path: evaluate(path, "other"), "was not made from the clean sources"),
        (lambda folder, path: (folder / BENCHMARK).write_text(NEW.replace("false", "true")), "clean sources"),
        (lambda folder, path: (folder / BENCHMARK).write_text(NEW[:20]), "is no benchmark"),
        (lambda folder, path: (folder / BENCHMARK).write_text("[1]"), "is no benchmark"),
        (other_run, "verification failed"),
    ],
)
def test_whatever_is_wrong_nothing_is_installed(here, archive, change, message):
    before = content(here)
    with pytest.raises(UserError, match=message):
        bundle_collect.collect(Config(), archive(change))
    assert content(here) == before


def test_data_that_could_not_be_got_are_not_compared(here, archive):
    """Their manifest says only why; it stays where the workflow was killed."""
    block = SeedBlock.read(publish(Store(here / "other"), 3))
    write_json(
        Config().manifest(block.provenance.data.name, block.provenance.data.version), {UNAVAILABLE: "no network"}
    )
    assert bundle_collect.collect(Config(), archive()).installed


def test_results_of_a_commit_of_another_history_are_refused(here, archive):
    before = content(here)
    with pytest.raises(UserError, match="is not in the history"):
        bundle_collect.collect(Config(), archive(commit="1" * 40))
    assert content(here) == before


def repacked(path, change):
    """The archive with another list, or with other files, as somebody may write it."""
    with tarfile.open(path) as archive:
        extract(archive, path.parent / "x")
    folder = path.parent / "x"
    said = json.loads((folder / "results.json").read_text())
    change(folder, said)
    (folder / "results.json").write_text(json.dumps(said))
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, ".")
    return path


def swap(folder, said):
    (folder / BENCHMARK).write_text("tampered")


def lead_out(folder, said):
    (folder / "outside").write_text("x")
    said["files"] |= {"src/remixup/x.py": "0", "records/runs/../seeds-0-0.json": "0"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (swap, "differ from their digests"),
        (lead_out, "src/remixup/x.py"),
        (lambda folder, said: (folder / BENCHMARK).unlink(), "not the results of a bundle"),
        *(
            (lambda folder, said, key=key: said.pop(key), f"its list has no {key}")
            for key in ("files", "commit", "sources")
        ),
        (lambda folder, said: said.update(files=["a"]), "not the results of a bundle"),
    ],
)
def test_a_tampered_archive_is_refused(here, archive, change, message):
    path, before = repacked(archive(), change), content(here)
    with pytest.raises(UserError, match=message):
        bundle_collect.collect(Config(), path)
    assert content(here) == before


def test_an_archive_that_was_cut_off_is_refused(here, archive):
    path, before = archive(), content(here)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match="not the results of a bundle"):
        bundle_collect.collect(Config(), path)
    assert content(here) == before


def test_what_was_changed_here_stays(here, archive):
    publish(Store(here / "records"), 1)
    (here / BENCHMARK).write_text("newer")
    before = content(here)
    found = bundle_collect.collect(Config(), archive())
    assert found.installed == []
    assert set(found.left.values()) == {"another one is here, and not that of the packed commit"}
    assert content(here) == before


def evaluate(path, commit="sources"):
    """Add what was measured on a block."""
    block = SeedBlock.read(path)
    measured = EvaluatedBlock(
        evaluation={"name": "modes"},
        runs=[block.run],
        block=block.digest,
        measured=[{"modes": 1.0}],
        provenance=measurement(code=Code(commit=commit, dirty=False)),
    )
    measured.write(path.parents[2] / "evaluations/modes-1" / path.name)


def test_measurements_come_with_their_block_or_not_at_all(here, archive, tmp_path):
    found = bundle_collect.collect(Config(), archive(lambda folder, path: evaluate(path)))
    assert Path("records/evaluations/modes-1/seeds-1-1.json") in found.installed


def test_measurements_of_a_block_that_stays_out_stay_out(here, archive):
    publish(Store(here / "records"), 1, error=4.0)
    before = content(here)
    found = bundle_collect.collect(Config(), archive(lambda folder, path: evaluate(path)))
    assert found.left[Path("records/evaluations/modes-1/seeds-1-1.json")] == "the seeds that it measured were left out"
    assert [str(name) for name in found.installed] == [BENCHMARK]
    assert content(here) == {**before, here / BENCHMARK: NEW.encode()}


def test_no_archive_is_a_message(tmp_path):
    with pytest.raises(UserError, match=r"no results.tar.gz"):
        bundle_collect.archives([tmp_path])
