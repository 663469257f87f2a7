"""What is measured on trained networks, beyond the errors that training itself records.

Each evaluation is a public function of one of these modules: it takes a `Training` with its weights loaded (its inputs
and seeds with it) and returns one JSON-able mapping for each seed. A module with `WEIGHTS = False` needs none.
"""
