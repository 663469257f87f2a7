"""Prepare and load: damaged files, killed processes, full disks and two processes at once."""

from __future__ import annotations

import errno
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from remixup.data import load, prepare
from remixup.errors import UserError
from tests.unit.data.conftest import PULSARS, Enter, pulsars


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", f"import sys\nfrom pathlib import Path\n{program}", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_two_preparations_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("digits", "blob-and-ring"):
        first, second = (prepare(name, folder=tmp_path / folder) for folder in "ab")
        assert first.read_bytes() == second.read_bytes()
        assert str(tmp_path) not in first.read_text()
        tensors = [path.with_name("tensors.safetensors").read_bytes() for path in (first, second)]
        assert tensors[0] == tensors[1]


def test_what_the_manifest_says_is_so(tmp_path: Path) -> None:
    manifest = json.loads(prepare("digits", folder=tmp_path).read_text())
    loaded = load("digits", folder=tmp_path)
    assert loaded.manifest == manifest
    assert manifest["tensors"] == {
        name: {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}
        for name, tensor in loaded.tensors.items()
    }
    pixels = loaded.tensors["train_x"].double() / 255
    assert manifest["mean"] == pytest.approx([pixels.mean().item()], rel=1e-12)
    assert manifest["std"] == pytest.approx([pixels.std(unbiased=False).item()], rel=1e-12)
    assert (manifest["name"], manifest["version"], manifest["numerics"], manifest["classes"]) == (
        "digits",
        "scikit-learn",
        2,
        10,
    )
    assert manifest["citation"] == "alpaydin1998optical"


def test_an_intact_dataset_is_left_alone(tmp_path: Path, enter: Enter, mirror: Path) -> None:
    enter()
    manifest = prepare("toy", folder=tmp_path, mirror=mirror)
    before = manifest.stat().st_ino
    assert prepare("toy", folder=tmp_path) == manifest  # and no mirror is needed any more
    assert manifest.stat().st_ino == before


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("tensors.safetensors", lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x07")),
        ("tensors.safetensors", lambda path: path.write_bytes(path.read_bytes()[:-1])),
        ("tensors.safetensors", lambda path: path.unlink()),
        ("manifest.json", lambda path: path.write_text(path.read_text()[:-20])),
        ("manifest.json", lambda path: path.write_text("[]")),
        ("manifest.json", lambda path: path.unlink()),
    ],
)
def test_damage_is_told_by_load_and_mended_by_prepare(  # type: ignore[no-untyped-def]
    tmp_path: Path, caplog: pytest.LogCaptureFixture, file: str, damage
) -> None:
    manifest = prepare("blob-and-ring", folder=tmp_path)
    good = {path.name: path.read_bytes() for path in manifest.parent.iterdir()}
    damage(manifest.parent / file)
    with pytest.raises(UserError, match="run `remixup prepare blob-and-ring`") as raised:
        load("blob-and-ring", folder=tmp_path)
    assert raised.value.where == str(manifest.parent / file)
    with caplog.at_level(logging.WARNING):
        prepare("blob-and-ring", folder=tmp_path)
    assert f"{manifest.parent / file}: the " in caplog.text
    assert "preparing it again" in caplog.text
    assert {path.name: path.read_bytes() for path in manifest.parent.iterdir()} == good
    assert visible(tmp_path / "prepared") == ["blob-and-ring-generated"]
    assert load("blob-and-ring", folder=tmp_path).tensors["x"].shape == (300, 2)


@pytest.mark.parametrize("step", [load, prepare])
def test_what_may_not_be_read_is_not_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step) -> None:  # type: ignore[no-untyped-def]
    """Of another user, or on a disk that fails: nothing is made anew, and the advice is no command that would."""
    tensors = prepare("blob-and-ring", folder=tmp_path).parent / "tensors.safetensors"

    def refuse(path: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("remixup.data.prepared.sha256", refuse)
    with pytest.raises(UserError) as refused:
        step("blob-and-ring", folder=tmp_path)
    told = f"{tensors}: cannot be read: permission denied (who owns the folder can let you read it)"
    assert str(refused.value) == told


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_files_have_the_modes_of_the_umask(tmp_path: Path, umask: int) -> None:
    """Fails, tried out: with the modes that safetensors gives, 0600."""
    before = os.umask(umask)
    try:
        manifest = prepare("blob-and-ring", folder=tmp_path / "data")
    finally:
        os.umask(before)
    made = [manifest.parent, *manifest.parent.iterdir()]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in made} == {
        path.name: oct((0o777 if path.is_dir() else 0o666) & ~umask) for path in made
    }


def test_an_empty_folder_is_nothing_to_warn_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "prepared" / "iris-scikit-learn").mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        assert prepare("iris", "scikit-learn", folder=tmp_path).exists()
    assert caplog.text == ""


def test_loading_what_was_never_prepared(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"iris \(scikit-learn\) has not been prepared .*--version scikit-learn`\)"):
        load("iris", "scikit-learn", folder=tmp_path)


def test_tensors_of_an_older_program_are_made_anew(tmp_path: Path, enter: Enter, mirror: Path) -> None:
    enter()
    prepare("toy", folder=tmp_path, mirror=mirror)
    enter(numerics=2)
    with pytest.raises(UserError, match="numerics is 1, but this program makes 2"):
        load("toy", folder=tmp_path)
    assert json.loads(prepare("toy", folder=tmp_path, mirror=mirror).read_text())["numerics"] == 2


def test_loaded_tensors_may_be_changed_without_changing_the_file(tmp_path: Path) -> None:
    prepare("blob-and-ring", folder=tmp_path)
    load("blob-and-ring", folder=tmp_path).tensors["x"].zero_()
    assert load("blob-and-ring", folder=tmp_path).tensors["x"].abs().min() > 0


def test_versions_live_side_by_side(tmp_path: Path, enter: Enter, mirror: Path) -> None:
    other = PULSARS.replace("80.25", "99.5")
    (mirror / "toy" / "other.csv").write_text(other)
    enter(pulsars(), pulsars("two", other, mirror_path="toy/other.csv"))
    for version in ("one", "two"):
        prepare("toy", version, folder=tmp_path, mirror=mirror)
    values = [load("toy", version, folder=tmp_path).tensors["x"][1, 7].item() for version in ("one", "two")]
    assert values == [80.25, 99.5]


def test_a_kill_leaves_nothing_at_the_final_place_and_nothing_in_the_way(tmp_path: Path) -> None:
    killed = start(
        "import os, signal\nfrom remixup.data import prepare, prepared\n"
        "prepared.publish = lambda made, final: os.kill(os.getpid(), signal.SIGKILL)\n"
        "prepare('blob-and-ring', folder=Path(sys.argv[1]))",
        tmp_path,
    )
    assert killed.wait() == -9
    assert visible(tmp_path / "prepared") == [".blob-and-ring-generated.scratch.part"]
    with pytest.raises(UserError, match="has not been prepared"):
        load("blob-and-ring", folder=tmp_path)
    prepare("blob-and-ring", folder=tmp_path)
    assert visible(tmp_path / "prepared") == ["blob-and-ring-generated"]
    load("blob-and-ring", folder=tmp_path)


def test_no_room_for_the_tensors(tmp_path: Path) -> None:
    # A limit on the size of a file fails inside the real write, with any user's rights.
    limited = start(
        "import resource\nfrom remixup.data import prepare\nfrom remixup.errors import UserError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try:\n    prepare('blob-and-ring', folder=Path(sys.argv[1]))\nexcept UserError as error:\n    print(error)",
        tmp_path,
    )
    said, trace = limited.communicate()
    needed = 300 * (2 * 4 + 8)
    assert said.startswith(f"{tmp_path / 'prepared'}: cannot write {needed:,} bytes"), trace
    assert visible(tmp_path / "prepared") == []


def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(UserError, match="cannot write here"):
        prepare("blob-and-ring", folder=tmp_path / "data")


def test_the_second_of_two_processes_waits_and_finds_it_done(tmp_path: Path) -> None:
    program = (
        "import os, time\nfrom dataclasses import replace\nfrom remixup.data import REGISTRY, prepare\n"
        "dataset = REGISTRY['blob-and-ring']\nversion = dataset.versions['generated']\nroot = Path(sys.argv[1])\n"
        "def slow(raw):\n"
        "    (root / f'built-{os.getpid()}').touch()\n"
        "    while not (root / 'go').exists(): time.sleep(0.01)\n"
        "    return version.builder(raw)\n"
        "slower = {'generated': replace(version, builder=slow)}\n"
        "REGISTRY['blob-and-ring'] = replace(dataset, versions=slower)\n"
        "(root / f'started-{os.getpid()}').touch()\n"
        "prepare('blob-and-ring', folder=root / 'data')\n"
    )
    both = [start(program, tmp_path) for _ in range(2)]
    deadline = time.monotonic() + 600
    while len(list(tmp_path.glob("started-*"))) < 2 or not list(tmp_path.glob("built-*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.2)
    assert [process.poll() for process in both] == [None, None]
    (tmp_path / "go").touch()
    assert [process.communicate()[1] for process in both] == ["", ""]
    assert [process.returncode for process in both] == [0, 0]
    assert len(list(tmp_path.glob("built-*"))) == 1
    assert load("blob-and-ring", folder=tmp_path / "data").tensors["y"].sum() == 150


def test_statistics_of_each_channel_by_hand(tmp_path: Path) -> None:
    from remixup.data.prepared import _channel_statistics

    images = np.zeros((2, 2, 1, 2), np.uint8)
    images[:, 0] = [[[0, 255]], [[255, 0]]]
    images[:, 1] = 51
    assert _channel_statistics(images) == {"mean": [0.5, 0.2], "std": [0.5, 0.0]}
    many = np.random.RandomState(0).randint(0, 256, (2500, 3, 2, 2), dtype=np.uint8)  # more than one portion
    expected = torch.from_numpy(many).double() / 255
    assert _channel_statistics(many)["mean"] == pytest.approx(expected.mean((0, 2, 3)).tolist(), rel=1e-12)
    assert _channel_statistics(many)["std"] == pytest.approx(expected.std((0, 2, 3), correction=0).tolist(), rel=1e-12)
