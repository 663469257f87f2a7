"""Learning-rate schedules that an experiment file may name: the factor on the rate, step by step."""

from typing import Annotated

from annotated_types import Ge, Gt, Lt

NUMERICS = 1


def constant(epoch: float, epochs: int) -> float:
    """The same rate throughout."""
    return 1.0


def steps(
    epoch: float, epochs: int, *, milestones: tuple[int, ...], factor: Annotated[float, Gt(0), Lt(1)] = 0.1
) -> float:
    """The rate times `factor` from each milestone on.

    Args:
        epoch: how many epochs have been trained, parts of one included; from 0.
        epochs: how many there are.
        milestones: the first epoch at each lower rate.
        factor: what each milestone multiplies the rate by.
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
    """From `start` linearly to the whole rate over the first `warmup` epochs, then `steps` (Goyal et al., 2017).

    Args:
        epoch: how many epochs have been trained, parts of one included; from 0.
        epochs: how many there are.
        milestones: the first epoch at each lower rate.
        factor: what each milestone multiplies the rate by.
        warmup: how many epochs the rise takes.
        start: the factor at the very first step; 0.25 for the paper's 0.1 to 0.4.
    """
    rise = min(1.0, start + (1 - start) * epoch / warmup)
    return rise * steps(epoch, epochs, milestones=milestones, factor=factor)
