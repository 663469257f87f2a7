"""Theorems on mixup as functions of a dataset or a model.

Inputs may have any real dtype; computations are in float64 on the CPU (exceptions are documented). An argument whose
shape, dtype or value is not as documented raises `remixup.errors.UserError`, which names it.
"""
