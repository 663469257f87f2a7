import pytest
import torch
from remixup_benchmarks import mixing_call, run
from remixup_benchmarks.mixing_call import LIBRARIES, MixingCall


@pytest.mark.parametrize("library", LIBRARIES)
def test_each_library_mixes_a_minibatch(library, monkeypatch):
    monkeypatch.setattr(mixing_call, "keep_freed", lambda: None)
    contender = MixingCall(library, 32)
    assert contender.run(1) > 0
    mixed, *_ = found = contender.call(contender.x.clone(), contender.y)
    assert len(found) >= 2, "images and targets"
    assert mixed.shape == contender.x.shape
    assert not torch.equal(mixed, contender.x)


def test_the_peer_is_the_faster_of_the_other_libraries(monkeypatch):
    class Hosted:
        def __init__(self, make, *arguments):
            pass

        def ask(self, method, calls):
            raise AssertionError("turns are made up")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    times = {"remixup": [1.0, 1.0], "timm": [2.0, 5.0], "torchvision": [3.0, 4.0]}
    monkeypatch.setattr(run, "Hosted", Hosted)
    monkeypatch.setattr(run, "interleave", lambda named, repeats: {each: times[each.split("-")[0]] for each in named})
    found = run.mixing_call(2)
    assert found.keys() == {f"{name}-{side}" for name in (*LIBRARIES, "peer") for side in (32, 224)}
    assert found["peer-32"] == found["peer-224"] == [2.0, 4.0]
