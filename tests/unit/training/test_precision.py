"""What a run's precision is on a GPU, of which there is none here: PyTorch's own settings say."""

import os
import subprocess
import sys

import pytest

SETTINGS = """
import os
import torch
from remixup.training.runner import prepare_process
from tests.unit.training.samples import table_spec
def settings():
    flags = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    return *flags, torch.get_float32_matmul_precision(), os.environ.get("NVIDIA_TF32_OVERRIDE")
print(*settings())
prepare_process(table_spec())
print(*settings(), torch.get_num_threads())
prepare_process(table_spec(execution={'threads': 2}))
print(*settings(), torch.get_num_threads())
"""


# The first line is why anything is set at all.
@pytest.mark.parametrize(
    ("variables", "before"),
    [
        ({}, "True False highest None"),
        ({"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1"}, "True True high None"),
        ({"NVIDIA_TF32_OVERRIDE": "1"}, "True False highest 1"),
    ],
)
def test_float32_is_not_rounded_to_tensor_float32(variables, before):
    """Fails, tried out: where only the setting of convolutions is changed."""
    environment = {key: value for key, value in os.environ.items() if "TF32" not in key} | variables
    done = subprocess.run([sys.executable, "-c", SETTINGS], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines() == [before, "False False highest 0 1", "False False highest 0 2"]
