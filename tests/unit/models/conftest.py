import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Bits are promised for one thread, which is also what runs use."""
    torch.set_num_threads(1)
