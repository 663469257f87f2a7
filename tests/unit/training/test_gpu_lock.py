import multiprocessing
import os
import signal
import time

import pytest
import torch

from remixup.errors import UserError
from remixup.training import gpu_lock
from remixup.training.runner import pick_device


@pytest.fixture
def two_devices(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-b")


def hold(folder, entered, events, seconds):
    with gpu_lock.slots(folder=folder, poll=0.01) as [name]:
        events.put((name, "in", time.monotonic(), os.environ["CUDA_VISIBLE_DEVICES"]))
        entered.set()
        time.sleep(seconds)
        events.put((name, "out", time.monotonic(), ""))


def test_no_device_is_fine(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with gpu_lock.slots(folder=tmp_path) as held:
        assert held == []


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("NoDevFiles", []),
        ("-1", []),
        ("0, 1", ["0", "1"]),
        ("0,-1,1", ["0"]),
        ("0,none,1", ["0"]),
        ("GPU-8932f937-d72c,MIG-GPU-8932/1/0", ["GPU-8932f937-d72c", "MIG-GPU-8932/1/0"]),
    ],
)
def test_what_is_no_device_and_what_follows_it_is_not_used(monkeypatch, visible, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu_lock.devices() == expected


@pytest.mark.parametrize(("said", "expected"), [("No devices were found", []), ("0\n1\n", ["0", "1"]), ("", [])])
def test_the_drivers_list_may_be_a_sentence(monkeypatch, tmp_path, said, expected):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\nprintf '%s' '{said}'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert gpu_lock.devices() == expected


def test_a_driver_that_is_too_old_is_one_line(monkeypatch):
    def too_old():
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 11040). Update it.\nMore.")

    monkeypatch.setattr(torch.cuda, "init", too_old)
    with pytest.raises(UserError) as caught:
        pick_device(["3"])
    assert str(caught.value) == (
        "GPU 3: the GPU cannot be used: The NVIDIA driver on your system is too old (found version 11040) "
        "(update the driver, or set CUDA_VISIBLE_DEVICES= to train on the CPU)"
    )
    assert pick_device([]).type == "cpu"


def test_devices_of_the_cluster_are_respected(two_devices, tmp_path):
    assert gpu_lock.devices() == ["3", "GPU-b"]
    with gpu_lock.slots(folder=tmp_path) as first, gpu_lock.slots(folder=tmp_path, limit=0) as none:
        assert first == ["3"]
        assert none == []
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3,GPU-b"


def hold_beside_another(folder, events, pair):
    with gpu_lock.slots(folder=folder, poll=0.01) as [name]:
        events.put((name, "in", time.monotonic(), os.environ["CUDA_VISIBLE_DEVICES"]))
        pair.wait(600)  # two jobs hold a device at the same time
        events.put((name, "out", time.monotonic(), ""))


def test_never_two_jobs_on_one_device(two_devices, tmp_path):
    context = multiprocessing.get_context("fork")
    events, pair = context.Queue(), context.Barrier(2)
    jobs = [context.Process(target=hold_beside_another, args=(tmp_path, events, pair)) for _ in range(10)]
    for job in jobs:
        job.start()
    seen = [events.get(timeout=600) for _ in range(20)]
    for job in jobs:
        job.join()
    assert {name for name, *_ in seen} == {"3", "GPU-b"}
    for device in ("3", "GPU-b"):
        steps = [what for name, what, _, _ in sorted(seen, key=lambda event: event[2]) if name == device]
        assert steps == ["in", "out"] * (len(steps) // 2)
    assert all(visible == name for name, what, _, visible in seen if what == "in")


def test_a_killed_holders_device_is_free_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    context = multiprocessing.get_context("fork")
    entered = context.Event()
    job = context.Process(target=hold, args=(tmp_path, entered, context.Queue(), 60))
    job.start()
    assert entered.wait(600)
    os.kill(job.pid, signal.SIGKILL)
    job.join()
    monkeypatch.setattr(gpu_lock.time, "sleep", lambda seconds: pytest.fail("it waited"))
    with gpu_lock.slots(folder=tmp_path) as held:
        assert held == ["0"]


def hold_or_die(folder, log, go, number):
    """Every tenth job is killed while it holds its device."""
    go.wait(600)
    with gpu_lock.slots(folder=folder, poll=0.01) as [name], log.open("ab", buffering=0) as file:
        file.write(f"{name} in {number}\n".encode())  # one write to the end of a file: lines do not mix
        end = time.monotonic() + 300
        while {line.split()[0] for line in log.read_text().splitlines()} != set("0123"):
            assert time.monotonic() < end, "the first four jobs have a device at the same time"
            time.sleep(0.01)
        file.write(f"{name} out {number}\n".encode())
        if number % 10 == 0:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_four_devices_under_forty_jobs(monkeypatch, tmp_path):
    """Fails, tried out: where `_free` takes a device without its lock."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    context = multiprocessing.get_context("fork")
    log, go = tmp_path / "log", context.Event()
    jobs = [context.Process(target=hold_or_die, args=(tmp_path / "locks", log, go, number)) for number in range(40)]
    for job in jobs:
        job.start()
    go.set()
    for job in jobs:
        job.join(600)
    assert [job.exitcode for job in jobs] == [-9 if number % 10 == 0 else 0 for number in range(40)]
    events = [line.split() for line in log.read_text().splitlines()]
    assert len(events) == 80
    for device in "0123":
        steps = [(what, number) for name, what, number in events if name == device]
        assert steps
        assert [what for what, _ in steps] == ["in", "out"] * (len(steps) // 2)
        assert all(ended == began for (_, began), (_, ended) in zip(steps[::2], steps[1::2], strict=True))


def hold_all(folder, entered, events, count):
    for _ in range(5):
        with gpu_lock.slots(count, folder=folder, poll=0.01) as names:
            events.put((names, "in", time.monotonic()))
            time.sleep(0.01)
            events.put((names, "out", time.monotonic()))


def test_several_devices_are_taken_all_at_once_and_two_such_jobs_do_not_block_each_other(two_devices, tmp_path):
    context = multiprocessing.get_context("fork")
    events = context.Queue()
    jobs = [context.Process(target=hold_all, args=(tmp_path, None, events, count)) for count in (2, 2, 1)]
    for job in jobs:
        job.start()
    seen = [events.get(timeout=600) for _ in range(30)]
    for job in jobs:
        job.join()
    for device in ("3", "GPU-b"):
        steps = [what for names, what, _ in sorted(seen, key=lambda event: event[2]) if device in names]
        assert steps == ["in", "out"] * (len(steps) // 2)
    assert [names for names, _, _ in seen if len(names) == 2] == [["3", "GPU-b"]] * 20


def test_where_there_are_fewer_devices_all_are_taken(two_devices, tmp_path):
    with gpu_lock.slots(3, folder=tmp_path) as held:
        assert held == ["3", "GPU-b"]
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "3,GPU-b"


def test_a_process_that_sees_one_device_holds_that_one(monkeypatch, tmp_path):
    """Fails, tried out: where the one device is known by what Slurm says of it outside of Slurm, which is nothing."""
    for name in ("SLURM_STEP_GPUS", "SLURM_JOB_GPUS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with gpu_lock.slots(folder=tmp_path, poll=0.01):
        assert [path.name for path in tmp_path.iterdir()] == ["1.lock"]
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
        with gpu_lock.slots(folder=tmp_path, poll=0.01) as other:
            assert other == ["0"]


def test_jobs_that_slurm_numbers_alike_do_not_wait_for_each_other(monkeypatch, tmp_path):
    """With devices constrained, each job of a node sees its own as 0; Slurm says elsewhere which ones they are."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("SLURM_STEP_GPUS", "4,5")
    with gpu_lock.slots(2, folder=tmp_path, poll=0.01) as held:
        assert held == ["0", "1"]
        assert {path.name for path in tmp_path.iterdir()} == {"4.lock", "5.lock"}
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
        monkeypatch.setenv("SLURM_STEP_GPUS", "6")
        with gpu_lock.slots(folder=tmp_path, poll=0.01) as other:
            assert other == ["0"]


def hold_share(folder, events, seconds, jobs):
    with gpu_lock.slots(folder=folder, poll=0.01, jobs_per_device=jobs) as [name]:
        events.put((name, 1, time.monotonic()))
        time.sleep(seconds)
        events.put((name, -1, time.monotonic()))


def meet_in_share(folder, barrier):
    with gpu_lock.slots(folder=folder, poll=0.01, jobs_per_device=3):
        barrier.wait(600)


def test_as_many_jobs_share_a_device_as_may(monkeypatch, tmp_path):
    """Three that wait for each other while they hold it all get through."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(3)
    jobs = [context.Process(target=meet_in_share, args=(tmp_path, barrier)) for _ in range(3)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0, 0, 0]


def test_no_more_jobs_share_a_device_than_may_and_none_with_one_that_has_it_alone(two_devices, tmp_path):
    """Fails, tried out: where a share is locked without the device's own file, or a device by one share alone."""
    context = multiprocessing.get_context("fork")
    shared, alone = context.Queue(), context.Queue()
    jobs = [context.Process(target=hold_share, args=(tmp_path, shared, 0.2, 3)) for _ in range(12)]
    jobs += [context.Process(target=hold_share, args=(tmp_path, alone, 0.05, 1)) for _ in range(4)]
    for job in jobs:
        job.start()
    seen = [(*shared.get(timeout=600), False) for _ in range(24)] + [(*alone.get(timeout=600), True) for _ in range(8)]
    for job in jobs:
        job.join()
    for device in ("3", "GPU-b"):
        sharing = exclusive = 0
        # What ends comes first where two times are equal.
        for _, change, _, whole in sorted((each for each in seen if each[0] == device), key=lambda each: each[2:0:-1]):
            sharing, exclusive = (sharing, exclusive + change) if whole else (sharing + change, exclusive)
            assert sharing <= (0 if exclusive else 3)
            assert exclusive <= 1


def test_a_killed_holders_share_is_free_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    context = multiprocessing.get_context("fork")
    events = context.Queue()
    job = context.Process(target=hold_share, args=(tmp_path, events, 60, 2))
    job.start()
    events.get(timeout=600)
    os.kill(job.pid, signal.SIGKILL)
    job.join()
    with gpu_lock.slots(folder=tmp_path, poll=0.01) as held:
        assert held == ["0"]
