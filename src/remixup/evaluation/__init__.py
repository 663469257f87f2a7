"""Evaluations of trained networks, beyond the errors that training records.

Each evaluation is a public function in one of these modules. Its first argument is the trainer of a seed block with the
trained weights loaded. It returns one JSON-serializable mapping for each seed. A value that does not exist is None, for
example because the network's outputs are not finite. A module with `WEIGHTS = False` reads the data alone; one with
`CLASSES = 2` needs that many classes. Whether a run fits an evaluation is checked when the experiment file is read. A
dataset or a network that does not fit raises `remixup.errors.UserError`.
"""
