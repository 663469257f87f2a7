"""The state machine of the store, and faults that it must find."""

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from remixup.data import prepare
from remixup.store import provenance
from tests.workflow.store_machine import StoreMachine
from tests.workflow.store_steps import CLEAN, FAULTS


@pytest.fixture
def machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(provenance, "code", lambda: CLEAN)
    prepare("iris", "scikit-learn", folder=tmp_path / "data")
    monkeypatch.setattr(StoreMachine, "data", tmp_path / "data", raising=False)
    return StoreMachine


def explore(machine, **more):
    """Without looking for the smallest example, which takes minutes: remove `phases` to find it."""
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=200,
            stateful_step_count=15,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
            **more,
        ),
    )


def test_the_store_is_what_a_dictionary_says(machine):
    explore(machine)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault, machine, monkeypatch):
    monkeypatch.setattr(machine, "fault", fault)
    FAULTS[fault](monkeypatch.setattr)
    with pytest.raises(AssertionError):
        explore(machine)
