"""Store runs, evaluations and their provenance on disk."""
