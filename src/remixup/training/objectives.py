"""Training objectives that an experiment file may name, each the class of its trainer."""

from remixup.training.dp_sgd import DPTrainer as dp_sgd  # noqa: N813
from remixup.training.gan import GANTrainer as gan  # noqa: N813
from remixup.training.supervised import SupervisedTrainer as supervised  # noqa: N813

__all__ = ["dp_sgd", "gan", "supervised"]

NUMERICS = 1
REQUIREMENTS = "remixup.training.requirements"
