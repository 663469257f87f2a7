"""Training on a CPU or GPU, of one seed or of vectorized seeds."""
