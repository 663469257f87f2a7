"""Strategies for choosing mixing partners: from the minibatch, the training set, or an example's own views."""
