import pytest
import torch
import torchvision.transforms.functional as torchvision_functional
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from remixup.data.inputs import make_inputs
from remixup.data.normalization import standardize
from remixup.errors import UserError
from remixup.training.supervised import SupervisedTrainer
from tests.unit.training.samples import image_spec, images, table, table_spec

CPU = torch.device("cpu")


def test_split_is_the_seeds_own_and_disjoint():
    inputs = make_inputs(table_spec(), [0, 1], table(rows=61), CPU)
    assert inputs.train.shape == (2, 31)
    assert inputs.test.shape == (2, 30)
    for member in range(2):
        rows = torch.cat([inputs.train[member], inputs.test[member]]) - 61 * member
        assert torch.equal(rows.sort().values, torch.arange(61))
    assert not torch.equal(inputs.train[0], inputs.train[1] - 61)


def test_tables_are_scaled_and_imputed_by_the_training_part_alone():
    data = table(missing=True)
    inputs = make_inputs(table_spec(), [3], data, CPU)
    train = inputs.train[0]
    imputer, scaler = SimpleImputer(), StandardScaler()
    expected_train = scaler.fit_transform(imputer.fit_transform(data.tensors["x"][train]))
    # the mean is that of the values that were seen; so is the deviation, which scikit-learn takes after imputation
    seen = data.tensors["x"][train, 1]
    seen = seen[~seen.isnan()]
    torch.testing.assert_close(inputs.x[train][:, 0], torch.tensor(expected_train[:, 0]).float())
    scale = seen.std(correction=0)
    present = ~data.tensors["x"][train, 1].isnan()
    torch.testing.assert_close(inputs.x[train][present, 1], (seen - seen.mean()) / scale)
    assert (inputs.x[train][~present, 1].abs() < 1e-6).all()


def test_raw_tables_are_imputed_but_not_scaled():
    data = table(missing=True)
    inputs = make_inputs(table_spec(normalization="raw"), [0], data, CPU)
    original = data.tensors["x"]
    torch.testing.assert_close(inputs.x[~original.isnan()], original[~original.isnan()])
    assert inputs.x.isfinite().all()


def test_images_are_standardized_by_channel():
    data = images(channels=3)
    inputs = make_inputs(image_spec(), [0], data, CPU)
    scaled = inputs.scale(inputs.x[inputs.train[0]])
    torch.testing.assert_close(scaled.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)
    assert torch.equal(inputs.x[inputs.test[0]], data.tensors["test_x"])


def test_given_constants():
    spec = image_spec(normalization={"name": "given", "mean": [0.5, 0.25, 0.0], "std": [0.5, 1.0, 2.0]})
    inputs = make_inputs(spec, [0], images(channels=3), CPU)
    white = torch.full((1, 3, 1, 1), 255, dtype=torch.uint8)
    assert inputs.scale(white).flatten().tolist() == pytest.approx([1.0, 0.75, 0.5])


def test_scaled_images_have_the_bits_of_torchvision():
    constants = {"mean": [0.4914, 0.4822, 0.4465], "std": [0.2023, 0.1994, 0.2010]}
    data = images(channels=3)
    inputs = make_inputs(image_spec(normalization={"name": "given", **constants}), [0], data, CPU)
    pixels = torchvision_functional.convert_image_dtype(data.tensors["test_x"], torch.float32)
    expected = torchvision_functional.normalize(pixels, **constants)
    assert torch.equal(inputs.scale(inputs.x[inputs.test[0]]), expected)


def test_padding_shows_as_black_not_as_the_mean():
    """The released code crops before it normalizes, so the border is (0 - mean) / std and not 0."""
    spec = image_spec(augmentation=["random_crop"], normalization={"name": "given", "mean": [0.5], "std": [0.25]})
    training = SupervisedTrainer(spec, [0], make_inputs(spec, [0], images(), CPU), CPU)
    batch = training.augment(training.inputs.examples(training.inputs.train[:, :4]), torch.zeros(1, 4, 1, 2))
    assert (batch[0, :, 0, 0, :] == -2).all()


def test_a_constant_column_is_left_at_zero():
    offset, divisor = standardize(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    assert offset.tolist() == [2.0, 5.0]
    assert divisor.tolist() == [1.0, 1.0]


def test_a_subset_is_chosen_by_the_seed():
    spec = table_spec(dataset={"name": "iris", "version": "uci", "holdout": 0.5, "subset": 10})
    first, again = (make_inputs(spec, [0], table(), CPU).train for _ in range(2))
    assert first.shape == (1, 10)
    assert torch.equal(first, again)
    whole = make_inputs(table_spec(), [0], table(), CPU).train
    assert set(first[0].tolist()) <= set(whole[0].tolist())


@pytest.mark.parametrize(
    ("spec", "data", "message"),
    [
        (table_spec(dataset={"holdout": None}), table(), "holdout"),
        (image_spec(dataset={"name": "digits", "holdout": 0.5}), images(), "published split"),
        (table_spec(dataset={"name": "iris", "holdout": 0.5, "subset": 99}), table(), "subset 99 exceeds the 31"),
        (
            image_spec(normalization={"name": "given", "mean": [0.1, 0.1], "std": [1.0, 1.0]}),
            images(channels=3),
            "2 constants",
        ),
    ],
)
def test_what_does_not_fit_the_dataset_is_refused(spec, data, message):
    with pytest.raises(UserError, match=message):
        make_inputs(spec, [0], data, CPU)
