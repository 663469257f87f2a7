"""Benchmarks of speed and precision (`make bench`); docs/benchmarks.md describes them."""
