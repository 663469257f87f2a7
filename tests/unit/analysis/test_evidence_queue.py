"""What `make evidence` says before it starts: how long each piece takes, and what a budget leaves."""

from types import SimpleNamespace

from remixup.analysis import evidence_queue


class Piece(SimpleNamespace):
    def __str__(self):
        return self.name


def test_a_budget_leaves_what_would_end_after_it():
    missing = [Piece(name="a", seconds=30.0), Piece(name="b", seconds=90.0), Piece(name="c", seconds=6.0)]
    assert list(evidence_queue.described(missing, None, 1)) == [
        "  a, 0.5 min",
        "  b, 1.5 min",
        "  c, 0.1 min",
        "  all of them: 2.1 min",
    ]
    assert list(evidence_queue.described(missing, 1.5, 1)) == [
        "  a, 0.5 min",
        "  b, 1.5 min, left for later",
        "  c, 0.1 min, left for later",
        "  all of them: 2.1 min",
        "  1.5 minutes leave 2 of them: 1.6 min",
    ]


def test_two_workers_take_the_next_piece_when_they_are_free():
    """The second has all that is left at 0.1 minutes, where the first is busy until 1.5."""
    seconds = {"a": 90.0, "b": 6.0, "c": 30.0, "d": 60.0, "e": 24.0}
    missing = [Piece(name=name, seconds=each) for name, each in seconds.items()]
    assert list(evidence_queue.described(missing, 1.5, 2)) == [
        "  a, 1.5 min",
        "  b, 0.1 min",
        "  c, 0.5 min",
        "  d, 1.0 min, left for later",
        "  e, 0.4 min, left for later",
        "  all of them, 2 at a time: 1.9 min",
        "  1.5 minutes leave 2 of them: 1.0 min",
    ]


def test_a_piece_of_unknown_length_is_not_promised_a_time():
    missing = [Piece(name="a", seconds=None), Piece(name="b", seconds=60.0)]
    lines = list(evidence_queue.described(missing, 1, 1))
    assert lines[0] == "  a, time not known"
    assert lines[1:] == ["  b, 1.0 min", "  all of them: more than 1.0 min"]
