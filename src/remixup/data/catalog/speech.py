"""Spoken words, published and synthesised; the mixup article trains on the first of them (1710.09412, Section 3.3)."""

from __future__ import annotations

from remixup.data.catalog.descriptor import Dataset, File, Folder, Size, Version, versions

_FEATURES = (
    "Features as in GCommandsPytorch: magnitudes of a short-time Fourier transform (periodic Hamming windows of 20 ms "
    "centred on every 10 ms, the ends mirrored), log(1 + x), {frames} frames by zeros or cutting, then each clip to "
    "mean 0 and standard deviation 1."
)

_SPEECH_COMMANDS = Dataset(
    "speech-commands",
    "Google Speech Commands",
    "spectrograms",
    30,
    versions(
        Version(
            "v0.01",
            "builders.speech.speech_commands",
            archive=File(
                "speech_commands_v0.01.tar.gz",
                sha256="743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
                url="http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz",
                mirror_path="speech_commands_v0.01.tar.gz",
            ),
            folder=Folder("speech_commands_v0.01", train=51_088, validation=6_798, test=6_835),
            note="One-second clips of 30 words at 16 kHz, 1 x 161 x 101. Parts as validation_list.txt and "
            "testing_list.txt say, all other clips but the background noise for training. An archive is accepted by "
            "its sha256, as torchaudio states it; of an unpacked folder in a mirror the numbers of clips and of words "
            f"are checked, and the manifest then says `checked: structure`. {_FEATURES.format(frames=101)}",
        )
    ),
    licence="CC BY 4.0",
    citation="warden2018",
    homepage="https://research.google/blog/launching-the-speech-commands-dataset/",
    size=Size((1, 161, 101), 51_088, 6_835, 6_798),
)

_FSDD = Dataset(
    "fsdd",
    "Free Spoken Digit Dataset",
    "spectrograms",
    10,
    versions(
        Version(
            "recordings",
            "builders.speech.fsdd",
            archive=File(
                "v1.0.10.tar.gz",
                url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz",
            ),
            folder=Folder(
                "fsdd/recordings",
                train=2_000,
                validation=500,
                test=500,
                sha256="ff2900c958400f212923dc4e73af5292b595442f0ef792dd20e5debb72adac07",
                packed_path="free-spoken-digit-dataset-1.0.10/recordings",
            ),
            note="3,000 clips of the ten digits at 8 kHz, 1 x 81 x 101, split by speaker: george, jackson, lucas and "
            "nicolas for training, theo for validation, yweweler for the test. A folder in a mirror is accepted by the "
            "sha256 of the copy that was at hand. Whether the publisher's archive has the same bytes is not known: "
            "others are accepted from there if there are as many clips of each part, and the manifest then says "
            "`checked: structure`. Test error measured: logistic regression 43 % (the best of three penalties), a "
            "VGG-11 of an eighth of the width after 6 epochs 23.5 +- 1.9 % (3 seeds); chance is 90 %. "
            f"{_FEATURES.format(frames=101)}",
        )
    ),
    licence="CC BY-SA 4.0",
    citation="jackson2018free",
    homepage="https://github.com/Jakobovski/free-spoken-digit-dataset",
    size=Size((1, 81, 101), 2_000, 500, 500),
)

_FORMANT_WORDS = Dataset(
    "formant-words",
    "synthesised words of two vowels",
    "spectrograms",
    10,
    versions(
        Version(
            "generated",
            "synthetic.formant_words.formant_words",
            embedded=True,
            note="Ten pairs of vowels at 4 kHz in half a second, 1 x 41 x 51: harmonics of a gliding pitch through two "
            "resonances that move from the formants of one vowel to those of the other, at a random place in noise. "
            "Pitch, pace, size of the vocal tract and noise are a speaker's; each of 60 speakers says each word once: "
            "30 for training, 10 for validation, 20 for the test. Seeded; samples and features are rounded from "
            "float64, which makes them the same on every machine for all practical purposes. Test error measured: "
            "logistic regression 41 to 47 % with a weak or moderate penalty, a LeNet of two convolutions 27.4 +- 3.6 % "
            "after 10 epochs and 15.9 +- 2.3 % after 20, a VGG-11 of an eighth of the width after 10 epochs 7.1 +- 2.6 "
            f"% (4 seeds each); chance is 90 %. {_FEATURES.format(frames=51)}",
        )
    ),
    licence="none needed",
    citation="peterson1952control",
    homepage="https://doi.org/10.1121/1.1906875",
    size=Size((1, 41, 51), 300, 200, 100),
)

SPEECH = (_FORMANT_WORDS, _FSDD, _SPEECH_COMMANDS)
