import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from remixup.training.malloc import keep_freed
def work():
    for _ in range(4):
        for megabytes in (2, 40, 80):
            torch.ones(megabytes << 18).add_(1)
def faults():
    work()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults())
assert keep_freed()
print(faults())
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is set is glibc's")
def test_tensors_of_a_step_find_the_memory_of_the_one_before():
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    default, kept = map(int, done.stdout.split())
    # Every page of every large tensor is cleared anew by default: 120 MB in pages of 4 kB, four times.
    assert default > 100_000
    assert kept < default / 100
