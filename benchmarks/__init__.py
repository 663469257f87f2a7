"""Speed, measured side by side: `make bench`. What is measured and how: docs/benchmarks.md."""
