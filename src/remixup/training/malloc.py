"""How freed memory is kept on a CPU."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of options of `mallopt`, from glibc's malloc.h."""


def keep_freed() -> bool:
    """Has glibc keep what tensors free for the next ones, instead of giving it back to the system at every step.

    A training step allocates the same tensors as the one before. By default memory of more than some megabytes is
    returned when it is freed, and the system clears it page by page when it is asked for again: a quarter of the time
    of a step of PreAct ResNet-18 on a virtual machine. Numbers do not change; a process may hold more memory.

    Returns:
        Whether it was done; not on other C libraries.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    # Both: the second alone is taken back by the first, and the first alone makes small tensors slower.
    return all(libc.mallopt(option, 2**31 - 1) for option in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))
