import hypothesis
import pytest

hypothesis.settings.register_profile("remixup", deadline=None, derandomize=True)
hypothesis.settings.load_profile("remixup")


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch):
    """Tests never depend on a mirror that this machine happens to have."""
    monkeypatch.delenv("REMIXUP_MIRROR", raising=False)
