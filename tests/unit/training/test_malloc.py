import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from remixup.training.malloc import keep_freed
assert sys.argv[1] == "default" or keep_freed()
def work():
    for _ in range(4):
        for megabytes in (2, 40, 80):
            torch.ones(megabytes << 18).add_(1)
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is set is glibc's")
def test_tensors_of_a_step_find_the_memory_of_the_one_before():
    faults = {}
    for how in ("default", "kept"):
        done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
        faults[how] = int(done.stdout)
    # Every page of every large tensor is cleared anew by default: 120 MB in pages of 4 kB, four times.
    assert faults["default"] > 100_000
    assert faults["kept"] < faults["default"] / 100
