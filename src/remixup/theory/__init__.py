"""Theorems on mixup as functions of a dataset or a model.

All computations are in float64, whatever the dtype of the inputs (exceptions are documented). Invalid input raises
`remixup.errors.UserError`.
"""
