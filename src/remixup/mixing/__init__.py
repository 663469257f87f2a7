"""Mixing as a composition of small components: ratio, partner, blend, target, noise and layer.

The components are pure functions on tensors with the randomness passed in; `Mixing` composes them. This package
imports torch alone (and SciPy, when it solves an assignment). It does not depend on the rest of the project, so any
training loop can use it.
"""

from remixup.mixing.composition import ERM, Mixing, Partner, soft_cross_entropy, take
from remixup.mixing.partner.training_set import TrainingSet

__all__ = ["ERM", "Mixing", "Partner", "TrainingSet", "soft_cross_entropy", "take"]
