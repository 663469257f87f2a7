"""Check, prune and reproduce what is stored."""
