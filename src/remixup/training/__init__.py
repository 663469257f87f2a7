"""Training on a CPU or GPU, of one network or a population of seeds."""
