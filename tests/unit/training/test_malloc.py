import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from remixup.training import malloc

OFFERED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
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
def test_tensors_of_a_step_find_the_memory_of_the_one_before(monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0")  # a huge page is one fault instead of 512
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    default, kept = map(int, done.stdout.split())
    # Every page of every large tensor is cleared anew by default: 120 MB in pages of 4 kB, four times.
    assert default > 100_000
    assert kept < default / 100


HUGE = """
import torch
from pathlib import Path
from remixup.training.malloc import keep_freed
assert keep_freed()
weights = torch.ones(64 << 18)
print(Path("/proc/self/smaps_rollup").read_text())
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is set is glibc's")
@pytest.mark.skipif(
    not OFFERED.exists() or "[madvise]" not in OFFERED.read_text(), reason="the system offers no huge pages on demand"
)
def test_the_memory_of_a_process_that_is_started_is_in_huge_pages(monkeypatch):
    def kilobytes():
        done = subprocess.run([sys.executable, "-c", HUGE], capture_output=True, text=True, check=True)
        return int(re.search(r"AnonHugePages: +(\d+) kB", done.stdout)[1])

    monkeypatch.setenv("GLIBC_TUNABLES", "")
    monkeypatch.delenv("GLIBC_TUNABLES")  # what is set below is removed at the end
    assert kilobytes() < 32_000
    malloc.use_huge_pages()
    assert kilobytes() > 32_000, "more than half of 64 MiB"


def test_a_setting_of_the_environment_stays(monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0")
    malloc.use_huge_pages()
    assert os.environ["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=0"
