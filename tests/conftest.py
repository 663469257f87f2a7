import os

# Before NumPy and PyTorch are imported: as many processes test as there are cores, so each has one thread.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import hypothesis  # noqa: E402
import pytest  # noqa: E402

hypothesis.settings.register_profile("remixup", deadline=None, derandomize=True)
hypothesis.settings.load_profile("remixup")


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch):
    """Tests never depend on a mirror that this machine happens to have."""
    monkeypatch.delenv("REMIXUP_MIRROR", raising=False)
