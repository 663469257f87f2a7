"""Image datasets, published and made from what scikit-learn carries, and one toy of points."""

from __future__ import annotations

from dataclasses import replace

from remixup.data.catalog.descriptor import Dataset, File, Size, Version, versions

_CIFAR = "https://www.cs.toronto.edu/~kriz"

_CIFAR_10_PYTHON_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_CIFAR_10_RECONSTRUCTED_SHA256 = {
    "data_batch_1.bin": "0def081c410489f98b3935c2d405fc7436d23377894a5d6a710ce1fad8082588",
    "data_batch_2.bin": "4d0a9f6a8434c9b3b3de28d817dc3d360a3f82d86a14f3c7bf6d2d8fc64188e2",
    "data_batch_3.bin": "1a4d0920ea06101641902b09fdac800cad7b5105963deee31ddff8e83fbabe6c",
    "data_batch_4.bin": "20de2186179cc65bcf69a83ca83e90a40786cf2384963ee3419764ef9d41b7ff",
    "data_batch_5.bin": "ce4b8267c2f77f8915b4299443568f52defe265996f0a8b7966b63b7adf6d4d2",
    "test_batch.bin": "123ca0dad8f960344d9149742165d4215093c84c8c4bdc5922af93b614bdb501",
}
_CIFAR_100_MD5 = {
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}
_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_FASHION_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
_KMNIST = {  # name: bytes, sha256, md5, all of the packed file
    "train-images-idx3-ubyte.gz": (
        18_165_135,
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "bdb82020997e1d708af4cf47b453dcf7",
    ),
    "train-labels-idx1-ubyte.gz": (
        29_497,
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "e144d726b3acfaa3e44228e80efcd344",
    ),
    "t10k-images-idx3-ubyte.gz": (
        3_041_136,
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "5c965bf0a639b31b8f53240b1b52f4d7",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        5_120,
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
}
_SVHN = {
    "train_32x32.mat": (
        182_040_794,
        "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        "e26dedcc434d2e4c54c9b2d4a06d8373",
    ),
    "test_32x32.mat": (
        64_275_384,
        "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
        "eb5a983be6a315427106f1b164d9cef3",
    ),
}


def _cifar_archive(name: str, md5: str, size: int) -> File:
    return File(name, md5=md5, size=size, url=f"{_CIFAR}/{name}", mirror_path=name)


def _idx(folder: str, host: str, digests: dict[str, str]) -> tuple[File, ...]:
    return tuple(
        File(name, sha256=digest, url=f"{host}/{name}.gz", mirror_path=f"{folder}/{name}")
        for name, digest in digests.items()
    )


def _as_served(folder: str, host: str, known: dict[str, tuple[int, str, str]]) -> tuple[File, ...]:
    return tuple(
        File(name, sha256=sha256, md5=md5, size=size, url=f"{host}/{name}", mirror_path=f"{folder}/{name}")
        for name, (size, sha256, md5) in known.items()
    )


CIFAR_10 = Dataset(
    "cifar10",
    "CIFAR-10",
    "images",
    10,
    versions(
        Version(
            "python",
            "builders.cifar.cifar10_python",
            tuple(File(n, md5=md5, mirror_path=f"cifar-10-batches-py/{n}") for n, md5 in _CIFAR_10_PYTHON_MD5.items()),
            _cifar_archive("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", 170_498_071),
            note="The publisher's archive for Python. Its tensors are those of version binary.",
        ),
        Version(
            "binary",
            "builders.cifar.cifar10_binary",
            tuple(File(name, size=30_730_000) for name in _CIFAR_10_RECONSTRUCTED_SHA256),
            _cifar_archive("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171),
            note="The publisher's archive of plain records. Its tensors are those of version python.",
        ),
        Version(
            "reconstructed",
            "builders.cifar.cifar10_binary",
            tuple(
                File(name, sha256=digest, size=30_730_000, mirror_path=f"cifar-10-batches-bin/{name}")
                for name, digest in _CIFAR_10_RECONSTRUCTED_SHA256.items()
            ),
            note="From a mirror only. 59,907 images are the published ones to the byte; 93 (73 of the training part, "
            "20 of the test part; 88 ships, 5 horses) carry pixels that went through JPEG. All labels are right.",
        ),
    ),
    licence="none stated",
    citation="krizhevsky2009learning",
    homepage=f"{_CIFAR}/cifar.html",
    size=Size((3, 32, 32), 50_000, 10_000),
)

_CIFAR_100 = Dataset(
    "cifar100",
    "CIFAR-100",
    "images",
    100,
    versions(
        Version(
            "python",
            "builders.cifar.cifar100",
            tuple(File(n, md5=md5, mirror_path=f"cifar-100-python/{n}") for n, md5 in _CIFAR_100_MD5.items()),
            _cifar_archive("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", 169_001_437),
            note="The publisher's archive for Python, with the 100 fine labels.",
        ),
    ),
    licence="none stated",
    citation="krizhevsky2009learning",
    homepage=f"{_CIFAR}/cifar.html",
    size=Size((3, 32, 32), 50_000, 10_000),
)

_MNIST = Dataset(
    "mnist",
    "MNIST",
    "images",
    10,
    versions(
        Version(
            "idx",
            "builders.idx.mnist",
            _idx("mnist", "https://ossci-datasets.s3.amazonaws.com/mnist", _MNIST_SHA256),
            note="The four published files, fetched from PyTorch's copy of them.",
        )
    ),
    licence="CC BY-SA 3.0, as commonly stated",
    citation="lecun1998gradient",
    homepage="http://yann.lecun.com/exdb/mnist/",
    size=Size((1, 28, 28), 60_000, 10_000),
)

_FASHION_MNIST = Dataset(
    "fashion-mnist",
    "Fashion-MNIST",
    "images",
    10,
    versions(
        Version(
            "idx",
            "builders.idx.fashion_mnist",
            _idx("fashion-mnist", "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com", _FASHION_MNIST_SHA256),
            note="The four published files.",
        )
    ),
    licence="MIT",
    citation="xiao2017fashion",
    homepage="https://github.com/zalandoresearch/fashion-mnist",
    size=Size((1, 28, 28), 60_000, 10_000),
)

_KUZUSHIJI_MNIST = Dataset(
    "kmnist",
    "Kuzushiji-MNIST",
    "images",
    10,
    versions(
        Version(
            "idx",
            "builders.idx.kmnist",
            _as_served("kmnist", "http://codh.rois.ac.jp/kmnist/dataset/kmnist", _KMNIST),
            note="The four published files, cursive Japanese characters of ten kinds. Those on record are the digests "
            "of the packed files, so a mirror holds them as .gz too.",
        )
    ),
    licence="CC BY-SA 4.0",
    citation="clanuwat2018deep",
    homepage="http://codh.rois.ac.jp/kmnist/index.html.en",
    size=Size((1, 28, 28), 60_000, 10_000),
)

_STREET_VIEW = Dataset(
    "svhn",
    "SVHN",
    "images",
    10,
    versions(
        Version(
            "cropped",
            "builders.svhn.svhn",
            _as_served("svhn", "http://ufldl.stanford.edu/housenumbers", _SVHN),
            note="The publisher's training and test part of cropped digits, 32 x 32, without the 531,131 extra ones. "
            "Label 10 of the files is the digit 0 and is 0 here.",
        )
    ),
    licence="non-commercial use only",
    citation="netzer2011reading",
    homepage="http://ufldl.stanford.edu/housenumbers/",
    size=Size((3, 32, 32), 73_257, 26_032),
)

DIGITS = Dataset(
    "digits",
    "scikit-learn's digits",
    "images",
    10,
    versions(
        Version(
            "scikit-learn",
            "builders.scikit_learn.digits",
            embedded=True,
            note="1,200 of the 1,797 images that scikit-learn carries, 1 x 8 x 8, their 17 grey levels stretched to "
            "0..255. A permutation is drawn with seed 0 and walked through: the first 60 images of each class are the "
            "training part (600), the next 60 the test part (600), both in the order of the permutation.",
        )
    ),
    licence="CC BY 4.0",
    citation="alpaydin1998optical",
    homepage="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
    size=Size((1, 8, 8), 600, 600),
    numerics=2,
)


_DIGITS_20 = replace(
    DIGITS,
    name="digits-20",
    title="scikit-learn's digits, upright and turned",
    classes=20,
    versions=versions(
        Version(
            "scikit-learn",
            "builders.scikit_learn.digits_20",
            embedded=True,
            note="The images of `digits` in its two parts. Every other image of each class, in the part's order, is "
            "turned by a quarter counter-clockwise and is then of a class of its own: 600 + 600 images.",
        )
    ),
)

_PHOTO_DIGITS = Dataset(
    "photo-digits",
    "digits over photographs",
    "images",
    10,
    versions(
        Version(
            "generated",
            "synthetic.photo_digits.photo_digits",
            embedded=True,
            note="scikit-learn's 8 x 8 digits, enlarged to 14 x 14 and moved by at most one pixel, over patches of its "
            "two sample photographs at half size: white ink on a dark patch, black on a bright one, four fifths "
            "opaque; 16 x 16 RGB. Seeded. No digit of the training part occurs in the test part; patches may overlap. "
            "1,200 + 1,000 images. The class is the digit. Test error measured: logistic regression 63 %, a residual "
            "network of width 8 with three blocks after 25 epochs without augmentation 12.1 +- 1.1 % (4 seeds); chance "
            "is 90 %.",
        )
    ),
    licence="digits CC BY 4.0; photographs CC BY 2.0 (danielbuechele, vultilion)",
    citation="pedregosa2011scikit",
    homepage="https://scikit-learn.org/stable/datasets.html",
    size=Size((3, 16, 16), 1_200, 1_000),
)

_BLOB_AND_RING = Dataset(
    "blob-and-ring",
    "a blob inside a ring",
    "points",
    2,
    versions(
        Version(
            "generated",
            "synthetic.points.blob_and_ring",
            embedded=True,
            note="A toy in the manner of Figure 1b of the mixup article, whose own data are not given: class 1 is 150 "
            "points uniform in the disc of radius 1, class 0 is 150 points uniform in the annulus from 1.4 to 2.4. "
            "Seeded.",
        )
    ),
    licence="none needed",
    citation="zhang2018mixup",
    homepage="https://arxiv.org/abs/1710.09412",
    size=Size((2,), 300),
)

IMAGES = (
    DIGITS,
    _DIGITS_20,
    _PHOTO_DIGITS,
    _BLOB_AND_RING,
    CIFAR_10,
    _CIFAR_100,
    _MNIST,
    _FASHION_MNIST,
    _KUZUSHIJI_MNIST,
    _STREET_VIEW,
)
