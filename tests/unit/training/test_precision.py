"""What a run's precision is on a GPU, of which there is none here: PyTorch's own settings say."""

import os
import subprocess
import sys

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


def test_float32_is_not_rounded_to_tensor_float32():
    """Whatever the environment asks for. Fails, tried out: where only the setting of convolutions is changed."""
    asked = {"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1", "NVIDIA_TF32_OVERRIDE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SETTINGS], capture_output=True, text=True, check=True, env=os.environ | asked
    )
    # The first line is why anything is set at all.
    assert done.stdout.splitlines() == ["True True high 1", "False False highest 0 1", "False False highest 0 2"]
