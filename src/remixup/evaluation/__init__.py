"""Evaluations of trained networks, beyond the errors that training records.

Each evaluation is a public function in one of these modules. It takes a `Training` with its weights loaded and returns
one JSON-serializable mapping for each seed. A module with `WEIGHTS = False` reads the data alone.
"""
