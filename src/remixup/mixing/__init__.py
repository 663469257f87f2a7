"""Vicinal distributions as compositions of small parts: ratio, partner, blend, target, noise, and where.

The parts are pure functions on tensors with the randomness passed in; `Vicinity` composes them. This package
imports torch alone (and SciPy, when an assignment is solved) and knows nothing of the rest of the project, so that any
training loop can use it.
"""

from remixup.mixing.composition import ALL_KEPT, ERM, Vicinity, soft_cross_entropy, take
from remixup.mixing.partner.training_set import TrainingSet

__all__ = ["ALL_KEPT", "ERM", "TrainingSet", "Vicinity", "soft_cross_entropy", "take"]
