"""The pool beside private digits: whose images it is made of, what it shows, and what another generator must give."""

import hashlib
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression

from remixup.config.run import RunSpec
from remixup.data import load, prepare
from remixup.data.catalog.descriptor import Arrays, RawFiles
from remixup.data.diffusion import Diffusion
from remixup.data.inputs import make_inputs
from remixup.data.synthetic import image_pool
from remixup.errors import UserError


def digests(images):
    return {hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest() for image in images}


@pytest.fixture(scope="module")
def seen():
    """What the diffusion model was given, and the dataset that came of it."""
    given = []

    class Watched(Diffusion):
        def __init__(self, images, labels, classes, seed):
            given.append((images.copy(), labels.copy()))
            super().__init__(images, labels, classes, seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("remixup.data.diffusion.Diffusion", Watched)
        built = image_pool.private_digits(RawFiles({}, Path(), Path()))
    [(images, labels)] = given
    return images, labels, built.tensors


def test_no_private_or_test_image_is_in_the_pool_or_was_shown_to_its_generator(seen):
    public, labels, tensors = seen
    private, held, drawn = (digests(tensors[name]) for name in ("train_x", "test_x", "pool_x"))
    assert [len(public), len(private), len(held)] == [300, 1_000, 497]
    assert np.bincount(labels).tolist() == [30] * 10
    assert not digests(public) & (private | held)
    assert not private & held
    assert not drawn & (private | held | digests(public))


def test_together_the_parts_are_scikit_learns_digits(seen):
    public, _, tensors = seen
    images, *_ = image_pool.split_digits()
    assert digests(public) | digests(tensors["train_x"]) | digests(tensors["test_x"]) == digests(images)
    assert np.bincount(tensors["train_y"]).tolist() == [100] * 10


def test_synthetic_images_resemble_their_class_and_differ_from_each_other(seen):
    public, labels, tensors = seen

    def flat(images):
        return images.reshape(len(images), -1) / 255

    made, wanted = flat(tensors["pool_x"]), tensors["pool_y"]
    real = LogisticRegression(max_iter=500).fit(flat(public), labels)
    assert real.score(made, wanted) == pytest.approx(0.94, abs=0.03)  # as the dataset's note says
    alone = LogisticRegression(max_iter=500).fit(made, wanted)
    assert alone.score(flat(tensors["test_x"]), tensors["test_y"]) == pytest.approx(0.93, abs=0.03)
    for label in range(10):
        spread, there = made[wanted == label].std(0).mean(), flat(public)[labels == label].std(0).mean()
        assert 0.6 * there < spread < 1.6 * there


def test_a_seed_decides_the_images_and_another_decides_others(monkeypatch):
    monkeypatch.setattr("remixup.data.diffusion._UPDATES", 20)
    images, labels, public, *_ = image_pool.split_digits()
    some = public[::10]

    def drawn(seed, first=0):
        return Diffusion(images[some], labels[some], 10, seed).draw(np.arange(10)[first:])

    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one = drawn(0)
    assert torch.equal(before, torch.random.get_rng_state())
    assert np.array_equal(one, drawn(0))
    assert not np.array_equal(one, drawn(1))


def test_training_reads_the_pool_beside_its_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("remixup.data.diffusion._UPDATES", 20)
    prepare("private-digits", folder=tmp_path)
    data = load("private-digits", folder=tmp_path)
    assert data.manifest["tensors"]["pool_x"] == {"shape": [500, 1, 8, 8], "dtype": "uint8"}
    spec = RunSpec.model_validate(
        {
            "dataset": {"name": "private-digits", "version": "generated", "validation": 0.2},
            "model": "mlp",
            "optimizer": {"name": "sgd", "lr": 1.0},
            "epochs": 1,
            "batch_size": 1,
        }
    )
    inputs = make_inputs(spec, [0, 1], data, torch.device("cpu"))
    assert inputs.pool is not None
    assert inputs.pool.shape == (2, 500)
    assert torch.equal(inputs.x[inputs.pool[1]], data.tensors["pool_x"])
    assert torch.equal(inputs.y[inputs.pool[1]], data.tensors["pool_y"])
    assert inputs.validation is not None
    for rows in (inputs.train, inputs.test, inputs.validation):
        assert not np.isin(rows.numpy(), inputs.pool.numpy()).any()


class Pipeline:
    """Stands in for a text-to-image pipeline: gray of a brightness that the prompt and the generator decide."""

    @classmethod
    def from_pretrained(cls, folder, local_files_only):
        assert local_files_only
        assert Path(folder).is_dir()
        return cls()

    def __call__(self, prompt, generator):
        self.prompts = [*getattr(self, "prompts", []), prompt]
        gray = len(prompt) + int(torch.randint(100, (), generator=generator))
        return types.SimpleNamespace(images=[Image.new("RGB", (64, 64), (gray, gray, gray))])


@pytest.fixture
def diffusers(monkeypatch):
    module = types.ModuleType("diffusers")
    module.DiffusionPipeline = Pipeline
    monkeypatch.setitem(sys.modules, "diffusers", module)


def test_a_pipeline_is_prompted_with_the_names_of_the_classes(diffusers, tmp_path):
    generator = image_pool.TextToImage(tmp_path, ("cat", "dog"), side=16, seed=3)
    found = image_pool.draw_pool(generator, 2, each=2)
    assert generator.pipeline.prompts == ["a photo of a cat", "a photo of a dog"] * 2
    assert found["pool_y"].tolist() == [0, 1, 0, 1]
    assert found["pool_x"].shape == (4, 3, 16, 16)
    assert found["pool_x"].dtype == np.uint8
    assert len(np.unique(found["pool_x"][:, 0, 0, 0])) > 1
    again = image_pool.TextToImage(tmp_path, ("cat", "dog"), side=16, seed=3)
    assert np.array_equal(image_pool.draw_pool(again, 2, each=2)["pool_x"], found["pool_x"])


def test_a_pipeline_that_is_not_there_is_one_message(monkeypatch, tmp_path):
    with pytest.raises(UserError, match="folder of a pipeline does not exist"):
        image_pool.TextToImage(tmp_path / "none", ("cat",), 8)
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(UserError, match="needs the package diffusers"):
        image_pool.TextToImage(tmp_path, ("cat",), 8)


def test_cifar_gets_a_pool_from_the_weights_in_the_raw_folder(diffusers, tmp_path, monkeypatch):
    monkeypatch.setattr(image_pool, "_CIFAR_POOL", 2)
    real = {"train_x": np.zeros((1, 3, 32, 32), np.uint8)}
    monkeypatch.setattr(image_pool, "cifar10_binary", lambda _: Arrays(real, ("x",) * 10))
    with pytest.raises(UserError, match="folder of a pipeline does not exist") as caught:
        image_pool.cifar10_text_to_image(RawFiles({}, tmp_path, tmp_path))
    assert caught.value.where == str(tmp_path / "text-to-image")
    (tmp_path / "text-to-image").mkdir()
    built = image_pool.cifar10_text_to_image(RawFiles({}, tmp_path, tmp_path))
    assert set(built.tensors) == {"train_x", "pool_x", "pool_y"}
    assert built.tensors["pool_x"].shape == (20, 3, 32, 32)
    assert built.tensors["pool_y"].tolist() == [*range(10)] * 2
