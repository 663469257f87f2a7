"""What of a run's execution is possible, what is said about the rest, and what is recorded."""

import os
import subprocess
import sys

import pytest
import torch
from torch._dynamo.exc import BackendCompilerFailed

from remixup.config.run import RunSpec
from remixup.planning.plan import FAST
from remixup.training import execution
from remixup.training.execution import COMPILES, release, supported
from remixup.training.supervised import SupervisedTrainer
from tests.unit.training.samples import CPU, MIXUP, image_spec, images, start, table_spec

GPU = torch.device("cuda")
ALL = {**FAST, "compile": True}
TRANSPORT = {**MIXUP, "partner": {"name": "transport", "k": 4}}
SIDE_BY_SIDE = {"name": "preact_resnet", "width": 8, "blocks": [1], "dropout": 0.3}


@pytest.fixture(autouse=True)
def _new_process(monkeypatch):
    """A process that has said nothing, with triton and a version of PyTorch whose compiled steps are right."""
    execution.note.cache_clear()
    monkeypatch.setattr(execution, "_has_triton", lambda: True)
    monkeypatch.setattr(torch, "__version__", "2.13.0")


def used(spec, device):
    """The parts that are left of all."""
    left = supported(spec, device).execution
    return {part for part, value in ALL.items() if getattr(left, part) == value}


@pytest.mark.parametrize(
    ("spec", "lost"),
    [
        (image_spec(execution=ALL, mixing=MIXUP), set()),
        (table_spec(execution=ALL), set()),
        (image_spec(execution=ALL, mixing=TRANSPORT), {"compile", "cuda_graph"}),
        (image_spec(execution={**ALL, "vectorize_seeds": True}, model=SIDE_BY_SIDE), {"compile", "cuda_graph"}),
    ],
)
def test_parts_that_a_run_does_not_allow_are_named_in_a_line_each(spec, lost, capsys):
    assert used(spec, GPU) == set(ALL) - lost
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[0] for line in lines) == sorted(f"execution.{part}" for part in lost)
    supported(spec, GPU)
    assert capsys.readouterr().out == "", "said once"


def test_without_a_gpu_what_needs_none_is_left(capsys):
    assert used(image_spec(execution=ALL), CPU) == {"memory_format", "fused", "compile"}
    said = capsys.readouterr().out
    assert "execution.cuda_graph is not used: there is no GPU" in said
    assert "execution.cudnn_benchmark is not used: there is no GPU" in said


def test_without_a_compiler_nothing_is_compiled(monkeypatch):
    monkeypatch.setattr(execution.shutil, "which", lambda name: None)
    monkeypatch.setattr(execution, "_has_triton", lambda: False)
    for device in (CPU, GPU):
        assert "compile" not in used(image_spec(execution=ALL), device)


def test_nothing_is_said_about_parts_that_nobody_asked_for(capsys):
    spec = image_spec(mixing=TRANSPORT)
    assert supported(spec, CPU) == spec
    assert capsys.readouterr().out == ""


def test_a_captured_step_is_fused():
    with pytest.raises(ValueError, match=r"set execution\.fused"):
        image_spec(execution={"cuda_graph": True})


def failing(error):
    """A trainer whose compiled step fails."""

    class Failing(SupervisedTrainer):
        def _compiled(self, *given):
            raise error

    return Failing


def test_a_run_goes_on_where_the_compiler_fails(capsys):
    spec, data = image_spec(mixing=MIXUP), images()
    asked = RunSpec.model_validate({**spec.model_dump(), "execution": {"compile": True}})
    plain = start(spec, data)
    fallen = failing(BackendCompilerFailed(print, RuntimeError("no Triton"), None))(asked, [0], plain.inputs, CPU)
    for training in (plain, fallen):
        training.run(lambda _: None)
    assert fallen.history == plain.history
    assert not fallen.spec.execution.compile
    assert "execution.compile is not used" in capsys.readouterr().out


def test_other_errors_of_a_step_are_no_fallback():
    asked = image_spec(execution={"compile": True})
    training = failing(torch.OutOfMemoryError("CUDA out of memory"))(asked, [0], start(asked, images()).inputs, CPU)
    with pytest.raises(torch.OutOfMemoryError):
        training.run(lambda _: None)


def test_a_release_of_pytorch_that_computes_other_values_compiles_nothing(monkeypatch, capsys):
    asked = RunSpec.model_validate({**image_spec().model_dump(), "execution": {"compile": True}})
    monkeypatch.setattr(torch, "__version__", "2.11.0+cu130")
    assert not supported(asked, CPU).execution.compile
    assert "PyTorch 2.11.0+cu130 compiles steps that compute other values" in capsys.readouterr().out
    monkeypatch.setattr(torch, "__version__", "2.13.0")
    assert supported(asked, CPU).execution.compile


@pytest.mark.slow
@pytest.mark.skipif(release() < COMPILES, reason="an older PyTorch is not asked to compile")
def test_where_compiled_code_cannot_be_loaded_the_loop_goes_on(tmp_path):
    """A temporary folder that is mounted without the right to execute."""
    folder = tmp_path / "noexec"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("no right to mount")
    code = (
        "from tests.unit.training.samples import image_spec, images, start\n"
        "training = start(image_spec(epochs=1, execution={'compile': True}), images(), [0])\n"
        "training.run(lambda _: None)\n"
        "print(training.spec.execution.compile, len(training.history))"
    )
    try:
        own = {"TMPDIR": str(folder), "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor")}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=True)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    said, result = done.stdout.splitlines()
    assert said.startswith("execution.compile is not used: OSError: ")
    assert result == "False 1"
