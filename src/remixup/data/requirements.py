"""What augmentations require of a run. Nothing here imports torch, because runs are checked when a file is read."""

from collections.abc import Iterator

from remixup.config.requirements import Problem
from remixup.config.run import RunSpec


def random_crop(spec: RunSpec) -> Iterator[Problem]:
    """Check that the border of a crop is black."""
    if spec.dataset.second_view:
        yield "run.augmentation", "a second view is scaled before it is cropped: the border would not be black"


def view_weights(spec: RunSpec) -> Iterator[Problem]:
    """Check that there are two views."""
    if not spec.dataset.second_view:
        yield "run.augmentation", "it weighs two views, and dataset.second_view is off"
