"""Training objectives that an experiment file may name."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Lt

from remixup.config.requirements import Refusal
from remixup.config.run import RunSpec
from remixup.data.inputs import Inputs
from remixup.mixing.partner.augmented_views import own_views
from remixup.mixing.partner.minibatch import permutation
from remixup.training.dp_sgd import DPTrainer, ScaleNoiseBy
from remixup.training.gan import GANTrainer
from remixup.training.supervised import SupervisedTrainer

NUMERICS = 1
_ALL = (
    "dataset",
    "normalization",
    "model",
    "mixing",
    "optimizer",
    "schedule",
    "epochs",
    "batch_size",
    "objective",
    "execution",
)
_PRIVATE = ("augmentation", "micro_batch", "passes", "measure_training", "measure_f1", "choose_epoch")
USES = {
    "gan": {
        "run": _ALL,
        "run.dataset": ("name", "version", "holdout", "subset"),
        "run.mixing": ("ratio",),
    },
    "dp_sgd": {
        "run": (*_ALL, *_PRIVATE),
        "run.dataset": ("name", "version", "holdout", "subset", "validation"),
        "run.mixing": ("ratio", "partner", "blend", "target", "smoothing"),
    },
}
"""The settings that an objective uses, where it does not use all."""

_MIXES_EXAMPLES = {"mixes": True, "partner.scope": {"not": "example"}}
_MIXTURES = "mixtures need a ratio and partners among the own views, and these need mixtures"
REFUSES = {
    "supervised": [
        Refusal({"model": "gan"}, "objective", "the model gan is trained by the objective gan"),
        Refusal({"partner.scope": "example"}, "mixing.partner", "only the objective dp_sgd has several views"),
    ],
    "gan": [
        Refusal({"model": {"not": "gan"}}, "model.name", "it trains the model gan, not {model}"),
        Refusal({"ratio.several": True}, "mixing.ratio", "it mixes two examples, not several"),
    ],
    "dp_sgd": [
        Refusal(
            {"vectorized": True},
            "model",
            "it trains one seed at a time, and the seeds of {model} are vectorized",
            "a model without vectorized seeds",
        ),
        Refusal(
            {"normalization": "standardize"},
            "normalization",
            "the mean and the deviation would reveal the private examples",
            "use `given`, with constants that do not come from them, or `raw`",
        ),
        Refusal(
            {"objective.views": "> 1", "augmentation": False},
            "objective.views",
            "without augmentation all views are the same",
            "name an `augmentation`",
        ),
        Refusal(
            {**_MIXES_EXAMPLES, "partner": {"not": permutation.__name__}},
            "mixing.partner",
            "what an example can change under this partner is not known",
            f"use {own_views.__name__}",
        ),
        Refusal({"objective.self_mixtures": "> 0", "mixes": False}, "objective.self_mixtures", _MIXTURES),
        Refusal({"objective.self_mixtures": "> 0", **_MIXES_EXAMPLES}, "objective.self_mixtures", _MIXTURES),
        Refusal(
            {"objective.self_mixtures": "<= 0", "mixes": True, "partner.scope": "example"},
            "objective.self_mixtures",
            _MIXTURES,
        ),
        Refusal(
            {"objective.self_mixtures": "> 0", "objective.views": "<= 1", "objective.pool_views": "<= 0"},
            "objective",
            "a set of one has nothing to mix",
            "ask for more views",
        ),
        Refusal({"objective.pool_views": "> 0", **_MIXES_EXAMPLES}, "objective.pool_views", "naive mixing has no pool"),
        Refusal({"blend.position": "> 0"}, "mixing.blend", "its blends do not paste windows"),
        Refusal({"ratio.several": True}, "mixing.ratio", "it mixes two examples at a time"),
    ],
}


def supervised(spec: RunSpec, seeds: list[int], inputs: Inputs, device: torch.device) -> SupervisedTrainer:
    """Train on labels, by the loss of the dataset's task.

    Raises:
        UserError: if the specification does not fit the data or the network.
    """
    return SupervisedTrainer(spec, seeds, inputs, device)


def gan(
    spec: RunSpec,
    seeds: list[int],
    inputs: Inputs,
    device: torch.device,
    *,
    iterations: Annotated[int, Ge(1)] = 100,
    critic_steps: Annotated[int, Ge(1)] = 5,
    pairs: Literal["real-fake", "batches"] = "real-fake",
) -> GANTrainer:
    """Train a generator against a discriminator (mixup paper, Figure 5); without a ratio, a standard GAN.

    Args:
        spec: specification with the model `gan`.
        seeds: seeds of the block.
        inputs: rows of features.
        device: where to train.
        iterations: outer iterations in an epoch.
        critic_steps: steps of the discriminator before each step of the generator.
        pairs: what to mix: real with generated examples, as in the paper's equation, or two minibatches of both, as in
            its first author's example.
    """
    return GANTrainer(spec, seeds, inputs, device, iterations=iterations, critic_steps=critic_steps, pairs=pairs)


def dp_sgd(
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
) -> DPTrainer:
    """Train on labels under (ε, δ)-differential privacy: DP-SGD, perhaps with several views of each example (DP-Mix).

    Args:
        spec: specification with a network without batch norm.
        seeds: seeds of the block, one.
        inputs: data whose training part is private.
        device: where to train.
        epsilon: the privacy budget of all epochs together.
        delta: the probability that the guarantee fails.
        max_grad_norm: the norm to which each example's gradient is clipped.
        views: augmented copies of an example, whose gradients are averaged (K_base of DP-Mix).
        self_mixtures: additional mixtures of two members of an example's own set (K_self).
        pool_views: synthetic images of the dataset's pool in the set (K_diff).
        scale_noise_by: whether the noise covers what an example can really change, or the clipping norm whatever is
            mixed. In the second case there is less noise, and ε exceeds `epsilon`; the true ε is recorded.

    Raises:
        UserError: if the specification does not fit the data or the network.
    """
    return DPTrainer(
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
