"""Datasets of image files that are decoded while a network trains: ImageNet and its small stand-ins."""

from __future__ import annotations

from remixup.data.catalog.descriptor import Dataset, Folder, Size, Version, versions

_IMAGENET_TERMS = "terms of image-net.org: non-commercial research and educational use; not to be passed on"

_IMAGENET = Dataset(
    "imagenet",
    "ImageNet-2012",
    "image-files",
    1000,
    versions(
        Version(
            "ilsvrc2012",
            "builders.image_files.in_folder",
            folder=Folder("imagenet", 1_281_167, 50_000),
            note="The training and validation images of the 2012 challenge, from a mirror only: its publisher asks for "
            "an account. `train/<wnid>/` as the archive of each class unpacks; `val/<wnid>/` as the validation ground "
            "truth sorts them. Classes in the order of their WordNet ids; the validation part is the test part. The "
            "files' digests are not known: the numbers of images and classes are checked, every file is decoded once, "
            "and the digest of what was packed is in the manifest.",
        )
    ),
    licence=_IMAGENET_TERMS,
    citation="russakovsky2015",
    homepage="https://image-net.org/challenges/LSVRC/2012/",
    size=Size((), 1_281_167, 50_000),
)

_IMAGENETTE_64 = Dataset(
    "imagenette64",
    "Imagenette at 64 pixels",
    "image-files",
    10,
    versions(
        Version(
            "jpeg",
            "builders.image_files.in_folder",
            folder=Folder(
                "imagenette64", 9_469, 3_925, "eed0acd2818204ede68d3123f1b141963d10792165a347b58c0407a38781f96c"
            ),
            note="From a mirror only: Imagenette, ten classes of ImageNet with their own split, resized to 64 x 64 "
            "from a copy at 224 pixels and stored as JPEG at quality 85.",
        )
    ),
    licence=f"those of ImageNet ({_IMAGENET_TERMS})",
    citation="russakovsky2015",
    homepage="https://github.com/fastai/imagenette",
    size=Size((), 9_469, 3_925),
)

_PHOTO_DIGITS_JPEG = Dataset(
    "photo-digits-jpeg",
    "digits over photographs, in JPEG files",
    "image-files",
    10,
    versions(
        Version(
            "generated",
            "synthetic.photo_digits.photo_digits_jpeg",
            embedded=True,
            note="scikit-learn's 8 x 8 digits in white, enlarged to 28, 32 or 36 pixels, at a random place of a patch "
            "of 40 x 40 pixels of one of its two sample photographs at half size and a third of the brightness; JPEG "
            "at quality 90. Seeded. 400 + 500 images, each of a digit of its own; patches may overlap. The pixels "
            "drawn are the same everywhere, the bytes of the JPEG files may differ between builds of libjpeg. Test "
            "error measured at 24 pixels: logistic regression on the crops of an evaluation 45 % (the best of three "
            "penalties), a residual network of width 8 with three blocks, trained with random_resized_crop (area 0.5), "
            "16 +- 6 % after 15 epochs and 9 +- 3 % after 20 (4 seeds); chance is 90 %.",
        )
    ),
    licence="digits CC BY 4.0; photographs CC BY 2.0 (danielbuechele, vultilion)",
    citation="pedregosa2011scikit",
    homepage="https://scikit-learn.org/stable/datasets.html",
    size=Size((), 400, 500),
)

FILES = (_IMAGENET, _IMAGENETTE_64, _PHOTO_DIGITS_JPEG)
