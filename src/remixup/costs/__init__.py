"""Estimate what a scale costs: runs, operations and hours."""
