"""Whom an example is mixed with: somebody of its minibatch, or of the whole training set."""
