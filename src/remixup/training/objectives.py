"""What a run trains towards: objectives that an experiment file may name."""

from typing import Annotated, Literal

import torch

from remixup.errors import UserError
from remixup.spec.run import RunSpec
from remixup.training.game import Game
from remixup.training.inputs import Inputs
from remixup.training.loop import Training

NUMERICS = 1


def supervised(spec: RunSpec, seeds: list[int], inputs: Inputs, device: torch.device) -> Training:
    """Labels, by the loss of the dataset's task.

    Raises:
        UserError: the model says nothing about examples.
    """
    if spec.model["name"] == "gan":
        raise UserError("the model gan is trained by the objective gan", where="run.objective")
    return Training(spec, seeds, inputs, device)


def gan(
    spec: RunSpec,
    seeds: list[int],
    inputs: Inputs,
    device: torch.device,
    *,
    iterations: Annotated[int, ">= 1"] = 100,
    critic_steps: Annotated[int, ">= 1"] = 5,
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
