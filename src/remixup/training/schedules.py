"""Learning-rate schedules that an experiment file may name: the factor on the rate, epoch by epoch."""

from typing import Annotated

NUMERICS = 1


def constant(epoch: int, epochs: int) -> float:
    """The same rate throughout."""
    return 1.0


def steps(
    epoch: int, epochs: int, *, milestones: tuple[int, ...], factor: Annotated[float, "> 0 and < 1"] = 0.1
) -> float:
    """The rate times `factor` from each milestone on.

    Args:
        epoch: the epoch about to be trained, from 0.
        epochs: how many there are.
        milestones: the first epoch at each lower rate.
        factor: what each milestone multiplies the rate by.
    """
    return factor ** sum(epoch >= milestone for milestone in milestones)
