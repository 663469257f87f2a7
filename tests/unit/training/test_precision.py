"""What a run's precision is on a GPU, of which there is none here: PyTorch's own settings say."""

import subprocess
import sys

SETTINGS = """
import torch
from remixup.training.runner import prepare_process
from tests.unit.training.samples import table_spec
def settings():
    return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
print(*settings())
prepare_process(table_spec())
print(*settings(), torch.get_num_threads())
prepare_process(table_spec(execution={'threads': 2}))
print(*settings(), torch.get_num_threads())
"""


def test_float32_is_not_rounded_to_tensor_float32():
    done = subprocess.run([sys.executable, "-c", SETTINGS], capture_output=True, text=True, check=True)
    # The first line is why anything is set at all.
    assert done.stdout.splitlines() == ["True False", "False False 1", "False False 2"]
