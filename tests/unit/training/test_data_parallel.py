"""Several processes on the CPU (gloo) against one that does the same parts of every minibatch one after another."""

import atexit
import copy
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from remixup.config.run import RunSpec
from remixup.data import load, prepare
from remixup.planning.plan import FAST, merge
from remixup.store.run_store import Store
from remixup.training.batches import Batch, draw_epoch
from remixup.training.data_parallel import Share, team
from remixup.training.runner import Runner
from tests.unit.training.samples import CPU, MIXUP, image_spec, start

# 300 images in minibatches of 48: six whole ones of two parts each, and one of 12, for which one process has no part.
# 53 others validate: an odd number for two processes.
SPEC = image_spec(
    {"subset": 353, "validation": 0.15},
    model={"name": "preact_resnet", "width": 4, "blocks": [1, 1]},
    mixing=MIXUP,
    epochs=2,
    batch_size=48,
    micro_batch=24,
)


def in_one_process(spec, data):
    """The networks of two processes, kept apart here: the same weights, their own running statistics between epochs."""
    training = start(spec, data)
    networks = [training.model, copy.deepcopy(training.model)]
    for training.epoch in range(spec.epochs):
        for network in networks:
            network.train()
        steps = draw_epoch(training)
        for step, batches in enumerate(steps):
            training._set_rate(training.epoch + step / len(steps))
            examples = sum(batch.size for batch in batches)
            gradients = [torch.zeros_like(weight) for weight in networks[0].parameters()]
            for network, batch in zip(networks, batches, strict=False):
                rows = training.inputs.train.gather(1, batch.order)
                training.model = network
                x = training.augment(training.inputs.examples(rows), batch.uniforms)
                loss = training.loss(x, training.inputs.y[rows], batch) * (batch.size / examples)
                for total, found in zip(
                    gradients, torch.autograd.grad(loss.sum(), list(network.parameters())), strict=True
                ):
                    total += found
            for weight, gradient in zip(networks[0].parameters(), gradients, strict=True):
                weight.grad = gradient
            training.optimizer.step()
            networks[1].load_state_dict(dict(networks[0].named_parameters()), strict=False)
        for first, second in zip(networks[0].buffers(), networks[1].buffers(), strict=True):
            if first.is_floating_point():
                first.copy_((first + second) / 2)
                second.copy_(first)
    return networks[0].state_dict()


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    prepare("digits", folder=folder)
    return folder


def store(folder):
    """A store all of whose files are in a folder."""
    return Store(folder, folder / "checkpoints", folder / ".remixup")


@pytest.mark.slow
def test_two_processes_equal_one_that_does_both_halves(digits, tmp_path):
    runner = Runner(store(tmp_path), digits, CPU, lambda *_: None, processes=2)
    [block] = runner.train(SPEC, 1, keep_weights=True)
    assert block.provenance.processes == 2
    found = load_file(runner.store.checkpoint(SPEC.key(), [0]))
    expected = in_one_process(SPEC, load("digits", folder=digits))
    running = [name for name in expected if "running" in name]
    assert running
    for name in expected.keys() - {name for name in expected if "num_batches" in name}:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-6, atol=1e-7, msg=name)

    alone = Runner(store(tmp_path / "alone"), digits, CPU, lambda *_: None)
    [other] = alone.train(SPEC, 1, keep_weights=True)
    weights = load_file(alone.store.checkpoint(SPEC.key(), [0]))
    for name in expected.keys() - {*running, *(name for name in expected if "num_batches" in name)}:
        torch.testing.assert_close(found[name], weights[name], rtol=1e-6, atol=1e-7, msg=name)
    # The loss is the whole training set's, not that of the first process' share.
    history, theirs = block.history, other.history
    assert history["train_loss"] == pytest.approx(theirs["train_loss"], rel=1e-5)
    # Errors differ by what the running statistics do, and no more: every image is counted, and once.
    for part, count in (("test", 600), ("validation", 53)):
        for found, their in zip(history[f"{part}_error"], theirs[f"{part}_error"], strict=True):
            assert found == pytest.approx(their, abs=3 if part == "test" else 8)
            assert found / 100 * count == pytest.approx(round(found / 100 * count), abs=1e-6)


@pytest.mark.slow
def test_two_processes_that_compile_in_bfloat16_do_what_one_does(digits, tmp_path):
    how = {"precision": "bfloat16", "execution": {**FAST, "compile": True}}
    spec = RunSpec.model_validate(merge(SPEC.model_dump(), how))
    losses = []
    for processes in (1, 2):
        runner = Runner(store(tmp_path / str(processes)), digits, CPU, lambda *_: None, processes=processes)
        [block] = runner.train(spec, 1, keep_weights=False)
        losses.append(block.history["train_loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def share(rank, size):
    made = Share()
    made.rank, made.size = rank, size
    return made


def batches(*sizes):
    """Batches of these numbers of examples; nothing else about them matters."""
    return [Batch(torch.zeros(1, size), torch.zeros(1, size, 0, 2), None, [], []) for size in sizes]


def test_weights_make_the_mean_of_gradients_that_of_the_minibatch():
    step = batches(4, 4, 4, 4, 4, 2)
    # Six batches for two processes: the mean over both of the sums of weighted losses counts each example once.
    assert share(0, 2).of(step) == [(step[0], 8 / 22), (step[2], 8 / 22), (step[4], 8 / 22)]
    assert share(1, 2).of(step) == [(step[1], 8 / 22), (step[3], 8 / 22), (step[5], 4 / 22)]
    assert share(0, 1).of(step[4:]) == [(step[4], 4 / 6), (step[5], 2 / 6)]


def test_a_process_without_a_batch_takes_the_first_without_weight():
    [last] = batches(2)
    assert [share(rank, 3).of([last]) for rank in range(3)] == [[(last, 3.0)], [(last, 0.0)], [(last, 0.0)]]


@pytest.mark.parametrize(
    ("changes", "shares"),
    [
        ({"micro_batch": None}, 1),
        ({"batch_size": 50, "micro_batch": 24}, 3),
        ({"model": {"name": "preact_resnet", "width": 4, "blocks": [1, 1], "dropout": 0.3}}, 1),
        ({"mixing": {"noise": {"name": "gaussian", "sigma": 0.1}}}, 1),
    ],
)
def test_what_draws_one_after_another_is_not_shared(changes, shares):
    assert SPEC.shares == 2
    assert image_spec(**{**SPEC.model_dump(exclude_defaults=True), **changes}).shares == shares


def fail(device, message):
    threading.Thread(target=time.sleep, args=(3600,)).start()  # it takes its time to end, as on a busy machine
    raise ValueError(message)


@pytest.mark.slow
def test_a_members_failure_is_the_one_that_is_shown():
    """Fails, tried out: where the first process waits some seconds for the other one to end."""
    with pytest.raises(Exception, match="the other one broke"), team(2, CPU, fail, ("the other one broke",)):
        torch.distributed.all_reduce(torch.zeros(1))
    assert not torch.distributed.is_initialized()


def abort_at_exit(device):
    """Make the interpreter's shutdown abort, as a thread of torch that still runs does at times."""
    torch.distributed.all_reduce(torch.zeros(1))
    atexit.register(os.abort)


@pytest.mark.slow
def test_a_member_whose_shutdown_aborts_has_done_its_work():
    with team(2, CPU, abort_at_exit, ()):
        torch.distributed.all_reduce(torch.zeros(1))
    assert not torch.distributed.is_initialized()


def wait(device):
    torch.distributed.all_reduce(torch.zeros(1))
    time.sleep(600)


KILLED = """
import time, torch
from remixup.training.data_parallel import team
from tests.unit.training.test_data_parallel import wait
if __name__ == "__main__":
    with team(2, torch.device("cpu"), wait, ()):
        torch.distributed.all_reduce(torch.zeros(1))
        print("met", flush=True)
        time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds children by Linux's /proc")
def test_members_die_with_the_first_process(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    first = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment)
    assert first.stdout.readline() == "met\n"
    children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    members = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(members) == 1
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    deadline = time.monotonic() + 600
    while Path(f"/proc/{members[0]}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{members[0]}").exists()
