"""A disk that fills: a small tmpfs, really mounted.

Who may not mount gets a limit on the size of files instead, which also fails inside the real write, and is told so.
"""

import resource
import subprocess
import warnings
from contextlib import contextmanager, suppress


class SmallDisk:
    """A folder whose space a test takes away and gives back."""

    def __init__(self, folder, mounted):
        self.folder, self.mounted = folder, mounted
        self.limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, leave):
        """Leave this number of bytes free (or room for files of this size)."""
        if not self.mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (leave, self.limits[1]))
            return
        with (self.folder / "ballast").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
        with (self.folder / "ballast").open("r+b") as file:
            file.truncate((self.folder / "ballast").stat().st_size - leave)

    def free(self):
        """Gives the space back."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self.limits)
        (self.folder / "ballast").unlink(missing_ok=True)


@contextmanager
def small_disk(folder, size):
    """A disk of this number of bytes, mounted on the folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True).returncode == 0
    if not mounted:
        warnings.warn("no right to mount: a limit on the size of files stands in for a full disk", stacklevel=1)
    disk = SmallDisk(folder, mounted)
    try:
        yield disk
    finally:
        disk.free()
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
