"""Mixing as a composition of small components: ratio, partner, blend, target, noise and layer.

The components are pure functions on tensors with the randomness passed in; `Mixing` composes them and is called on a
minibatch. This package imports torch and annotated-types alone (and SciPy, when it solves an assignment). It does not
depend on the rest of the project, so any training loop can use it: see `docs/library.md`.
"""

from remixup.mixing.composition import ERM, Mixing, Partner, soft_cross_entropy, take
from remixup.mixing.module import MixingModule
from remixup.mixing.partner.training_set import TrainingSet

__all__ = ["ERM", "Mixing", "MixingModule", "Partner", "TrainingSet", "soft_cross_entropy", "take"]
