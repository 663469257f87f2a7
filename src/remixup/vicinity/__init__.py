"""Vicinal distributions as compositions of small parts: ratio, partner, blend and target.

The parts are pure functions on tensors with the randomness passed in; `Vicinity` composes them. This package
imports torch alone and knows nothing of the rest of the project, so that any training loop can use it.
"""

from remixup.vicinity.composition import ERM, Vicinity, soft_cross_entropy

__all__ = ["ERM", "Vicinity", "soft_cross_entropy"]
