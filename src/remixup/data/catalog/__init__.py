"""Descriptors of the datasets: names, versions, licenses and how each is built."""
