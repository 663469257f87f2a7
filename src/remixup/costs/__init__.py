"""Estimate what training takes: runs, seeds, operations and hours."""
