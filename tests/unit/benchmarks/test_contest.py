import os

import pytest
from remixup_benchmarks.contest import Hosted, interleave


class Counter:
    def __init__(self, start):
        if start < 0:
            raise ValueError("below zero")
        self.count = start

    def add(self, number):
        self.count += number
        return self.count

    def process(self):
        return os.getpid()

    def leave(self):
        os._exit(7)


def test_contenders_take_turns_and_the_first_round_does_not_count():
    calls = []
    values = {"a": iter([9, 1, 2]), "b": iter([9, 3, 4])}

    def measure(name):
        calls.append(name)
        return next(values[name])

    found = interleave({"a": lambda: measure("a"), "b": lambda: measure("b")}, repeats=2)
    assert calls == ["a", "b"] * 3
    assert found == {"a": [1, 2], "b": [3, 4]}


def test_an_object_lives_in_a_process_of_its_own_and_keeps_its_state():
    with Hosted(Counter, 3) as counter:
        assert counter.ask("process") != os.getpid()
        assert [counter.ask("add", 2), counter.ask("add", 5)] == [5, 10]
        process = counter.ask("process")
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_failure_is_told_with_its_traceback():
    with pytest.raises(RuntimeError, match=r"(?s)Counter failed.*__init__.*below zero"):
        Hosted(Counter, -1)
    with Hosted(Counter, 0) as counter, pytest.raises(RuntimeError, match="TypeError"):
        counter.ask("add", "text")


def test_a_process_that_ends_is_told():
    with Hosted(Counter, 0) as counter, pytest.raises(RuntimeError, match="Counter ended with 7"):
        counter.ask("leave")
