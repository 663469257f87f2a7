"""Theorems on mixup as functions: what a paper proves about a dataset or a model, computed for one that is given. All
mathematics is done in float64 whatever the inputs' dtype (an exception is stated where it stands), and a mistaken input
raises `remixup.errors.UserError`."""
