"""Learning-rate schedules that an experiment file may name: the factor on the rate, for each step."""

from typing import Annotated

from annotated_types import Ge, Gt, Lt

NUMERICS = 1


def constant(epoch: float, epochs: int) -> float:
    """Keep the rate constant."""
    return 1.0


def steps(
    epoch: float, epochs: int, *, milestones: tuple[int, ...], factor: Annotated[float, Gt(0), Lt(1)] = 0.1
) -> float:
    """Multiply the rate by `factor` at each milestone.

    Args:
        epoch: epochs trained so far, not necessarily whole; from 0.
        epochs: total number of epochs.
        milestones: the first epoch at each lower rate.
        factor: factor of the rate at each milestone.
    """
    return factor ** sum(epoch >= milestone for milestone in milestones)


def warmup_steps(
    epoch: float,
    epochs: int,
    *,
    milestones: tuple[int, ...],
    factor: Annotated[float, Gt(0), Lt(1)] = 0.1,
    warmup: Annotated[int, Ge(1)] = 5,
    start: Annotated[float, Gt(0), Lt(1)] = 0.25,
) -> float:
    """Rise linearly from `start` to the full rate over the first `warmup` epochs, then `steps` (Goyal et al., 2017).

    Args:
        epoch: epochs trained so far, not necessarily whole; from 0.
        epochs: total number of epochs.
        milestones: the first epoch at each lower rate.
        factor: factor of the rate at each milestone.
        warmup: epochs of the rise.
        start: the factor at the first step; 0.25 for the paper's 0.1 to 0.4.
    """
    rise = min(1.0, start + (1 - start) * epoch / warmup)
    return rise * steps(epoch, epochs, milestones=milestones, factor=factor)
