"""Say in words what a classifier is trained on and how, and recognize plain mixup."""

from __future__ import annotations

from collections.abc import Iterator

from remixup.analysis.result_schema import Domain, Setting
from remixup.config.registry import load_registry
from remixup.config.run import Dataset, RunSpec, amount, short_digest
from remixup.planning.plan import comparable, without_mixing

DATASETS = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "svhn": "SVHN",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "imagenet": "ImageNet",
    "imagenette64": "Imagenette",
    "fsdd": "spoken digits",
    "speech-commands": "Speech Commands",
    "uci-har": "UCI HAR",
    "ptb-xl": "PTB-XL",
    "apnea-ecg": "Apnea-ECG",
    "pamap2": "PAMAP2",
    "sleep-edf": "Sleep-EDF",
    "mmidb-eeg": "MMIDB-EEG",
    "htru2": "HTRU2",
    "website-phishing": "Phishing",
}
"""Names in print; of others with capitals and spaces."""
MODELS = {
    "preact_resnet": "PreAct ResNet",
    "wide_resnet": "Wide ResNet",
    "densenet_bc": "DenseNet",
    "resnet": "ResNet",
    "resnet1d": "ResNet",
    "mlp": "MLP",
    "small_cnn": "CNN",
    "lenet": "LeNet",
    "vgg11": "VGG-11",
}
DOMAINS: dict[str, Domain] = {
    "images": "image",
    "image-files": "image",
    "spectrograms": "speech",
    "series": "time series",
    "tabular": "table",
}
"""Task of a dataset -> domain."""
USUAL_DECAY = 1e-4
SAMPLED_ALIKE = ("permutation", "uniform", "second_loader")
"""Partners that are any other training example with equal chance."""


def setting(run: RunSpec) -> Setting:
    """Return what a run trains on, and how, but for mixing and dropout."""
    task = load_registry()["datasets"][run.dataset.name]["task"]
    return Setting(
        digest=short_digest(comparable(without_mixing(run))),
        protocol=short_digest(comparable(run)),
        dataset=DATASETS.get(run.dataset.name, run.dataset.name.replace("-", " ").capitalize()),
        domain=DOMAINS.get(task),
        training_examples=training_examples(run.dataset),
        passes=run.epochs * run.passes,
        words=", ".join(_words(run)),
    )


def training_examples(dataset: Dataset) -> int:
    """Return the number of examples that a network is trained on."""
    count: int = load_registry()["datasets"][dataset.name]["train"]
    if dataset.holdout is not None:
        count -= amount(count, dataset.holdout)
    count = dataset.subset or count
    return count if dataset.validation is None else count - amount(count, dataset.validation)


def plain_alpha(run: RunSpec) -> float | None:
    """Return the strength of plain mixup: of inputs and labels, with any other example, and no other technique.

    None where the run is another method. A uniform weight is one of strength 1.
    """
    mixing, ratio = run.mixing, run.mixing.ratio
    others = {"ratio", "partner", "warmup_epochs"}
    plain = mixing.model_dump(exclude=others) == type(mixing)().model_dump(exclude=others)
    if ratio is None or not plain or mixing.partner["name"] not in SAMPLED_ALIKE or run.model.get("dropout"):
        return None
    if run.objective["name"] != "supervised":
        return None
    if ratio["name"] == "uniform":
        return 1.0 if (ratio.get("low", 0.0), ratio.get("high", 1.0)) == (0.0, 1.0) else None
    return float(ratio["alpha"]) if ratio["name"] == "beta" else None


def _words(run: RunSpec) -> Iterator[str]:
    passes, task = run.epochs * run.passes, load_registry()["datasets"][run.dataset.name]["task"]
    kind: str = run.model["name"]
    name = "ResNeXt" if run.model.get("groups", 1) > 1 else MODELS.get(kind, kind)
    yield f"{name} of width {run.model['width']}" if "width" in run.model else name
    yield "1 pass" if passes == 1 else f"{passes} passes"
    if run.dataset.label_noise is not None:
        share = f"{100 * run.dataset.label_noise:.0f} %"
        yield f"{share} {'random' if run.dataset.noise_classes == 'all' else 'wrong'} labels"
    yield from ["second view"] if run.dataset.second_view else []
    resized = run.dataset.decode is not None and "crop" in run.dataset.decode["name"]
    if resized or any("crop" in part["name"] for part in run.augmentation):
        yield "crops"
    if task == "spectrograms":
        yield f"minibatches of {run.batch_size}"
    if task == "tabular":
        yield from ["not scaled"] if run.normalization["name"] == "raw" else []
        yield from ["SGD"] if run.optimizer["name"] == "sgd" else []
    elif run.optimizer["name"] == "sgd" and (decay := run.optimizer.get("weight_decay", 0)) > USUAL_DECAY:
        yield f"weight decay {decay:g}"
