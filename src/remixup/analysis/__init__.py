"""Derive results from runs: statistics, verdicts, claims, provenance and records."""
