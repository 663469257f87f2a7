import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Bits depend on the number of threads; runs have one unless they say otherwise."""
    torch.set_num_threads(1)
