"""Training: one loop for CPU and GPU, one network or a population of seeds, and the store that keeps the runs."""
