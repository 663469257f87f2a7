"""Which pieces of evidence may be at work at the same time, how many, and on which device."""

import multiprocessing
from types import SimpleNamespace

import pytest
from filelock import FileLock, Timeout

from remixup.config.settings import Config
from remixup.maintenance import workers
from remixup.training import gpu_lock


def piece(name, *touched, threads=1):
    return SimpleNamespace(name=name, touched=set(touched), run=SimpleNamespace(threads=threads))


@pytest.mark.parametrize(
    ("at_work", "expected"),
    [
        ([], "erm 0"),
        ([piece("other", "elsewhere")], "erm 0"),
        # The second seed of ERM waits for its first, as the records of both are one file.
        ([piece("x", "erm")], "mixup 0"),
        # The attack reads both networks; the second seed of mixup, after it in the order, waits for it too.
        ([piece("x", "erm"), piece("y", "mixup")], "free 0"),
        ([piece("x", "erm"), piece("y", "mixup"), piece("z", "free")], None),
    ],
)
def test_pieces_with_a_run_in_common_follow_one_another(at_work, expected):
    pending = [
        piece("erm 0", "erm"),
        piece("mixup 0", "mixup"),
        piece("attack 0", "erm", "mixup"),
        piece("mixup 1", "mixup"),
        piece("free 0", "free"),
    ]
    found = workers.next_piece(pending, at_work)
    assert (found.name if found else None) == expected


def test_what_waits_is_not_overtaken_by_what_it_waits_for():
    """Fails, tried out: where only the pieces at work are looked at (the second seed would be first)."""
    pending = [piece("attack 0", "erm", "mixup"), piece("mixup 1", "mixup")]
    assert workers.next_piece(pending, [piece("x", "erm")]) is None


@pytest.mark.parametrize(
    ("threads", "gpus", "wanted", "expected"),
    [
        ([1] * 9, 0, None, 5),
        ([1, 2, 1], 0, None, 2),
        ([8, 8], 0, None, 1),
        ([1] * 9, 0, 7, 7),
        ([1] * 9, 0, 1, 1),
        ([1, 1], 0, 7, 2),
        ([1, 8, 1, 1], 3, None, 3),
        ([1] * 9, 3, 7, 3),
        ([1] * 9, 3, 2, 2),
        ([], 0, None, 1),
    ],
)
def test_one_on_each_gpu_or_as_many_as_the_cores_suffice_for(monkeypatch, threads, gpus, wanted, expected):
    monkeypatch.setattr(workers, "cores", lambda: 5)
    assert workers.number([piece("", threads=each) for each in threads], gpus, wanted) == expected


def test_a_worker_holds_a_device_for_as_long_as_it_lives(monkeypatch, tmp_path):
    """Fails, tried out: where what holds the device is collected with the function that took it."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "6")
    monkeypatch.setattr(gpu_lock, "FOLDER", tmp_path)
    worker = workers._Worker(Config(), None, False, 0.0, multiprocessing.get_context("spawn").Event())
    assert worker.runner.device.type == "cuda"
    with pytest.raises(Timeout):
        FileLock(tmp_path / "6.lock").acquire(timeout=0)
