"""What a run trains towards: objectives that an experiment file may name."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Lt

from remixup.config.run import RunSpec
from remixup.data.inputs import Inputs
from remixup.errors import UserError
from remixup.training.dp_sgd import PrivateTraining, ScaleNoiseBy
from remixup.training.gan import Game
from remixup.training.supervised import Training

NUMERICS = 1


def supervised(spec: RunSpec, seeds: list[int], inputs: Inputs, device: torch.device) -> Training:
    """Labels, by the loss of the dataset's task.

    Raises:
        UserError: the model says nothing about examples, or the vicinity mixes an example with its own views.
    """
    if spec.model["name"] == "gan":
        raise UserError("the model gan is trained by the objective gan", where="run.objective")
    training = Training(spec, seeds, inputs, device)
    if training.vicinity.within_example:
        raise UserError("only the objective private has several views of an example", where="run.vicinity.partner")
    return training


def gan(
    spec: RunSpec,
    seeds: list[int],
    inputs: Inputs,
    device: torch.device,
    *,
    iterations: Annotated[int, Ge(1)] = 100,
    critic_steps: Annotated[int, Ge(1)] = 5,
    pairs: Literal["real-fake", "batches"] = "real-fake",
) -> Game:
    """A generator against a discriminator (mixup paper, Figure 5); without a ratio the ordinary game.

    Args:
        spec: of the model `gan`.
        seeds: of the block.
        inputs: rows of features.
        device: where it is trained.
        iterations: outer iterations in an epoch.
        critic_steps: steps of the discriminator before each of the generator.
        pairs: what is mixed: real with made examples, as in the paper's equation, or two minibatches of both, as in its
            first author's example.

    Raises:
        UserError: the specification asks for what the game does not do.
    """
    return Game(spec, seeds, inputs, device, iterations=iterations, critic_steps=critic_steps, pairs=pairs)


def private(
    spec: RunSpec,
    seeds: list[int],
    inputs: Inputs,
    device: torch.device,
    *,
    epsilon: Annotated[float, Gt(0)],
    delta: Annotated[float, Gt(0), Lt(1)] = 1e-5,
    max_grad_norm: Annotated[float, Gt(0)] = 1.0,
    views: Annotated[int, Ge(1)] = 1,
    self_mixtures: Annotated[int, Ge(0)] = 0,
    pool_views: Annotated[int, Ge(0)] = 0,
    scale_noise_by: ScaleNoiseBy = "sensitivity",
) -> PrivateTraining:
    """Labels, under (ε, δ)-differential privacy: DP-SGD, perhaps with several views of each example (DP-Mix).

    Args:
        spec: of a network without batch norm.
        seeds: of the block, one.
        inputs: whose training part is private.
        device: where it is trained.
        epsilon: what all epochs together may spend.
        delta: the chance that the guarantee fails.
        max_grad_norm: the norm to which an example's gradient is clipped.
        views: augmented copies of an example, whose gradients are averaged (K_base of DP-Mix).
        self_mixtures: mixtures of two members of an example's own set, beside these (K_self).
        pool_views: synthetic images of the dataset's pool in the set (K_diff).
        scale_noise_by: whether the noise is for what an example can really change, or for the clipping norm whatever is
            mixed: then less noise, and an ε above the one asked for. The ε on record is the true one.

    Raises:
        UserError: the specification asks for what private training does not do, or for what would not be private.
    """
    return PrivateTraining(
        spec,
        seeds,
        inputs,
        device,
        epsilon=epsilon,
        delta=delta,
        max_grad_norm=max_grad_norm,
        views=views,
        self_mixtures=self_mixtures,
        pool_views=pool_views,
        scale_noise_by=scale_noise_by,
    )
