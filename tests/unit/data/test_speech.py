"""Sound files of the publishers' layouts, a few milliseconds or a second long, and what becomes of them."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import tarfile
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import signal
from scipy.io import wavfile

from remixup.data import formant_words, load, prepare, speech
from remixup.data.built import Built, Material
from remixup.data.entry import File, Folder, Version
from remixup.data.registry import REGISTRY
from remixup.errors import UserError
from tests.unit.data.conftest import Enter, Publisher
from tests.unit.data.test_made import fingerprint


def wav(clip: np.ndarray, rate: int = 16_000, channels: int = 1, width: int = 2) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(clip.tobytes())
    return buffer.getvalue()


def noise(seed: int, count: int) -> np.ndarray:
    return np.random.RandomState(seed).randint(-20_000, 20_000, count).astype("<i2")


# Features


def test_a_tone_lies_in_its_band_and_is_as_loud_as_the_window_makes_it() -> None:
    # 1,000 Hz is 20 periods in a window of 20 ms. A sum over a Hamming window of 320 samples leaves of a cosine of
    # amplitude A in its band A/2 x 320 x 0.54, in both neighbours A/2 x 320 x 0.23, elsewhere nothing.
    amplitude = 0.5
    tone = np.rint(amplitude * 32_768 * np.cos(2 * np.pi * 1_000 * np.arange(16_000) / 16_000)).astype(np.int16)
    bands = speech.spectrogram(tone, 16_000, 101)[:, 50]
    assert bands.argmax() == 20
    silent = np.median(bands)
    expected = np.log1p(np.array([0.23, 0.54, 0.23]) * 160 * amplitude)
    assert (bands[19:22] - silent) / (bands[20] - silent) == pytest.approx(expected / expected[1], abs=1e-3)
    assert np.abs(np.delete(bands, [19, 20, 21]) - silent).max() < 0.01 * (bands[20] - silent)


@pytest.mark.parametrize("rate", [4_000, 8_000, 16_000])
@pytest.mark.parametrize("seconds", [0.137, 0.5, 1.0, 1.37])
def test_spectrograms_are_scipys(rate: int, seconds: float) -> None:
    clip = noise(rate, round(rate * seconds) + 3)
    window = signal.get_window("hamming", rate // 50)
    *_, transform = signal.stft(
        clip / 32_768, window=window, nperseg=rate // 50, noverlap=rate // 100, boundary="even", padded=False
    )
    logarithms = np.log1p(np.abs(transform) * window.sum())[:, :101]  # SciPy divides by the sum of the window
    assert logarithms.shape[1] == min(101, 1 + len(clip) // (rate // 100))
    filled = np.concatenate([logarithms, np.zeros((rate // 100 + 1, 101 - logarithms.shape[1]))], axis=1)
    expected = (filled - filled.mean()) / filled.std()
    assert np.allclose(speech.spectrogram(clip, rate, 101), expected, rtol=0, atol=1e-9)


def test_the_filling_takes_part_in_the_normalisation() -> None:
    features = speech.spectrogram(noise(0, 8_000), 16_000, 101)
    assert features.shape == (161, 101)
    assert features.mean() == pytest.approx(0, abs=1e-12)
    assert features.std() == pytest.approx(1)
    assert np.ptp(features[:, 51:]) == 0  # half a second has 51 frames
    assert features[0, 100] < features[:, :51].min()


def test_silence_and_the_shortest_clip_stay_finite() -> None:
    assert not speech.spectrogram(np.zeros(16_000, np.int16), 16_000, 101).any()
    assert np.isfinite(speech.spectrogram(np.array([5], np.int16), 16_000, 101)).all()


# Sound files


def test_samples_are_read_as_scipy_reads_them() -> None:
    content = wav(noise(1, 500))
    found = speech.samples(content, 16_000, Path("x.wav"))
    assert np.array_equal(found, wavfile.read(io.BytesIO(content))[1])
    assert np.array_equal(found, noise(1, 500))


GOOD = wav(noise(2, 100))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a whole wav file: it ends early"),
        (GOOD[:30], "not a whole wav file: (it ends early|fmt chunk)"),
        (GOOD[:-1], "it holds 99 of 100 samples"),
        (GOOD[:44], "it holds 0 of 100 samples"),
        (wav(noise(2, 0)), "it holds no samples"),
        (b"<html>sorry</html>" * 9, "does not start with RIFF"),
        (GOOD[:16] + b"\xff\xff" + GOOD[18:], "not a whole wav file"),
        (wav(noise(2, 100), channels=2), "2 channel.* of 16 bits at 16,000 Hz, not one of 16 bits at 16,000 Hz"),
        (wav(noise(2, 100), width=1), "1 channel.* of 8 bits"),
        (wav(noise(2, 100), rate=8_000), "at 8,000 Hz, not"),
    ],
)
def test_what_is_no_such_wav_file_is_named(content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        speech.samples(content, 16_000, Path("a/x.wav"))
    assert raised.value.where == "a/x.wav"


def test_no_damaged_header_is_taken_for_a_bug() -> None:
    stream = np.random.RandomState(0)
    refused = 0
    for _ in range(3_000):
        damaged = bytearray(GOOD)
        damaged[stream.randint(44)] = stream.randint(256)
        try:
            speech.samples(bytes(damaged), 16_000, Path("x.wav"))
        except UserError:
            refused += 1
    assert refused > 1_000


# Clips named by word and speaker

SPEAKERS = {"train": ("ann", "bob"), "validation": ("cy",), "test": ("di",)}


@pytest.fixture
def said(tmp_path: Path) -> Path:
    for number, name in enumerate(("2_ann_0", "10_ann_0", "2_bob_10", "2_bob_9", "10_cy_0", "2_di_0", "10_di_1")):
        (tmp_path / f"{name}.wav").write_bytes(wav(noise(number, 800), rate=8_000))
    (tmp_path / "notes.txt").write_text("no clip")
    return tmp_path


def test_clips_are_split_by_speaker_in_the_order_of_their_names(said: Path) -> None:
    built = speech.by_speaker(said, SPEAKERS, rate=8_000, frames=11)
    assert built.class_names == ("10", "2")
    assert {name: array.tolist() for name, array in built.tensors.items() if name.endswith("y")} == {
        "train_y": [0, 1, 1, 1],
        "validation_y": [0],
        "test_y": [0, 1],
    }
    order = ("10_ann_0", "2_ann_0", "2_bob_10", "2_bob_9", "10_cy_0", "10_di_1", "2_di_0")
    expected = [speech.spectrogram(wavfile.read(said / f"{name}.wav")[1], 8_000, 11) for name in order]
    found = np.concatenate([built.tensors[f"{part}_x"] for part in SPEAKERS])
    assert (found.shape, found.dtype) == ((7, 1, 81, 11), np.float16)
    assert np.array_equal(found[:, 0], np.array(expected).astype(np.float16))
    content = b"".join((said / f"{name}.wav").read_bytes() for name in order)
    assert built.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["2_eve_0.wav", "two.wav", "2_ann_x.wav", "2_ann_0_0.wav"])
def test_a_clip_that_does_not_say_whose_it_is(said: Path, name: str) -> None:
    (said / name).write_bytes(GOOD)
    with pytest.raises(UserError, match=r"does not tell its word and its speaker .*ann, bob, cy, di") as raised:
        speech.by_speaker(said, SPEAKERS, rate=8_000, frames=11)
    assert raised.value.where == str(said / name)


def test_a_part_without_clips(said: Path) -> None:
    (said / "10_cy_0.wav").unlink()
    with pytest.raises(UserError, match="no clip is by cy"):
        speech.by_speaker(said, SPEAKERS, rate=8_000, frames=11)


def test_spoken_digits_are_split_by_speaker(tmp_path: Path) -> None:
    speakers = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
    for number, speaker in enumerate(speakers):
        for digit in range(number + 1):
            (tmp_path / f"{digit}_{speaker}_0.wav").write_bytes(wav(noise(number, 100), rate=8_000))
    built = speech.fsdd(Material({"recordings": tmp_path}, tmp_path))
    assert {name: len(array) for name, array in built.tensors.items() if name.endswith("y")} == {
        "train_y": 1 + 2 + 3 + 4,
        "validation_y": 5,
        "test_y": 6,
    }
    assert built.tensors["test_x"].shape == (6, 1, 81, 101)


# Google Speech Commands, in small

ROOT = "speech_commands_v0.01"
CLIPS = ("bed/b_nohash_0", "bed/a_nohash_0", "bed/a_nohash_1", "cat/a_nohash_0", "cat/c_nohash_0", "cat/d_nohash_0")
LISTS = {"validation_list.txt": "bed/a_nohash_1.wav\ncat/a_nohash_0.wav\n", "testing_list.txt": "cat/d_nohash_0.wav\n"}
FOLDER = Folder(ROOT, train=3, validation=2, test=1)
IN_ORDER = ("bed/a_nohash_0", "bed/b_nohash_0", "cat/c_nohash_0", "bed/a_nohash_1", "cat/a_nohash_0", "cat/d_nohash_0")


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A mirror with the published layout: two words, noise, two lists."""
    root = tmp_path / "mirror" / ROOT
    for number, name in enumerate((*CLIPS, "_background_noise_/hum")):
        path = root / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav(noise(number, 16_000 - 100 * number)))
    for name, text in LISTS.items():
        (root / name).write_text(text)
    return tmp_path / "mirror"


def small(folder: Folder = FOLDER, archive: File | None = None) -> Version:
    return Version("v0.01", "speech.speech_commands", archive=archive, folder=folder, note="small")


def packed(root: Path, prefix: str = "./") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(root, arcname=prefix)
    return buffer.getvalue()


def digest_in_order(root: Path) -> str:
    return hashlib.sha256(b"".join((root / f"{name}.wav").read_bytes() for name in IN_ORDER)).hexdigest()


def test_the_lists_split_the_clips(enter: Enter, commands: Path, tmp_path: Path) -> None:
    enter(small(), task="spectrograms")
    manifest = json.loads(prepare("toy", folder=tmp_path, mirror=commands).read_text())
    tensors = load("toy", folder=tmp_path).tensors
    assert {name: tensor.tolist() for name, tensor in tensors.items() if name.endswith("y")} == {
        "train_y": [0, 0, 1],
        "validation_y": [0, 1],
        "test_y": [1],
    }
    clips = [wavfile.read(commands / ROOT / f"{name}.wav")[1] for name in IN_ORDER]
    expected = np.array([speech.spectrogram(clip, 16_000, 101) for clip in clips]).astype(np.float16)
    found = np.concatenate([tensors[f"{part}_x"].numpy() for part in ("train", "validation", "test")])
    assert found.shape == (6, 1, 161, 101)
    assert np.array_equal(found[:, 0], expected)
    assert manifest["class_names"] == ["bed", "cat"]
    assert "mean" not in manifest
    said = [{"file": ROOT, "sha256": digest_in_order(commands / ROOT), "checked": "structure"}]
    assert manifest["sources"] == said


@pytest.mark.parametrize("known", [True, False])
def test_the_archive_gives_the_same_tensors(
    enter: Enter, publisher: Publisher, commands: Path, tmp_path: Path, known: bool
) -> None:
    content = packed(commands / ROOT)
    publisher.files["sc.tar.gz"] = content
    sha256 = hashlib.sha256(content).hexdigest() if known else None
    archive = File("sc.tar.gz", sha256=sha256, url=f"{publisher.url}/sc.tar.gz", mirror_path="sc.tar.gz")
    enter(small(archive=archive), task="spectrograms")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sc.tar.gz").write_bytes(content)
    made = [
        prepare("toy", folder=tmp_path / "a", mirror=commands),
        prepare("toy", folder=tmp_path / "b", mirror=tmp_path / "other"),
        prepare("toy", folder=tmp_path / "c", download=True),
    ]
    sources = [json.loads(manifest.read_text())["sources"][0] for manifest in made]
    checked = "archive" if known else "structure"
    assert [source["checked"] for source in sources] == ["structure", checked, checked]
    assert len({source["sha256"] for source in sources}) == 1
    assert len({manifest.with_name("tensors.safetensors").read_bytes() for manifest in made}) == 1
    assert publisher.asked == [None]


def test_a_folder_inside_an_archive(enter: Enter, publisher: Publisher, commands: Path, tmp_path: Path) -> None:
    publisher.files["v1.tar.gz"] = packed(commands, "project-1/data")
    folder = Folder("speech", 3, 1, validation=2, packed_path=f"project-1/data/{ROOT}")
    enter(small(folder, File("v1.tar.gz", url=f"{publisher.url}/v1.tar.gz")), task="spectrograms")
    prepare("toy", folder=tmp_path, download=True)
    assert load("toy", folder=tmp_path).tensors["train_y"].tolist() == [0, 0, 1]


def test_a_folder_on_record_must_have_its_bytes(
    enter: Enter, publisher: Publisher, commands: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Folder(ROOT, 3, 1, digest_in_order(commands / ROOT), validation=2)
    enter(small(folder, File("sc.tar.gz", url=f"{publisher.url}/sc.tar.gz")), task="spectrograms")
    publisher.files["sc.tar.gz"] = packed(commands / ROOT)
    for place, given in (("a", {"mirror": commands}), ("b", {"download": True})):
        manifest = prepare("toy", folder=tmp_path / place, **given)  # type: ignore[arg-type]
        assert json.loads(manifest.read_text())["sources"][0]["checked"] == "sha256"

    clip = commands / ROOT / "cat" / "c_nohash_0.wav"
    clip.write_bytes(clip.read_bytes()[:-1] + b"\x01")
    with pytest.raises(UserError, match=f"not the files on record: .*{digest_in_order(commands / ROOT)}"):
        prepare("toy", folder=tmp_path / "c", mirror=commands)
    assert list((tmp_path / "c" / "prepared").glob("[!.]*")) == []

    publisher.files["sc.tar.gz"] = packed(commands / ROOT)
    with caplog.at_level(logging.WARNING):
        manifest = prepare("toy", folder=tmp_path / "d", download=True)
    assert json.loads(manifest.read_text())["sources"][0]["checked"] == "structure"
    assert "not the files on record" in caplog.text


@pytest.mark.parametrize(("stated", "classes"), [((2, 2, 1), 2), ((3, 2, 2), 2), ((3, 1, 1), 2), ((3, 2, 1), 3)])
def test_the_numbers_of_clips_and_words_must_be_as_stated(
    enter: Enter, commands: Path, tmp_path: Path, stated: tuple[int, int, int], classes: int
) -> None:
    train, validation, test = stated
    enter(small(Folder(ROOT, train, test, validation=validation)), task="spectrograms", classes=classes)
    what = rf"3 \+ 2 \+ 1 clips of 2 classes, not {train} \+ {validation} \+ {test} of {classes}"
    with pytest.raises(UserError, match=what):
        prepare("toy", folder=tmp_path, mirror=commands)


def added(name: str, text: str) -> Callable[[Path], object]:
    return lambda root: (root / name).write_text(LISTS.get(name, "") + text)


@pytest.mark.parametrize(
    ("damage", "file", "message"),
    [
        (lambda root: (root / "testing_list.txt").unlink(), "testing_list.txt", "it is missing"),
        (
            lambda root: (root / "testing_list.txt").write_bytes(b"\xff\xfe"),
            "testing_list.txt",
            "cannot be read: .*codec",
        ),
        (
            added("validation_list.txt", "cat/z.wav\n"),
            "validation_list.txt",
            r"line 3 names 'cat/z\.wav', and there is no",
        ),
        (added("testing_list.txt", "_background_noise_/hum.wav\n"), "testing_list.txt", "line 2 names .* no such clip"),
        (
            added("testing_list.txt", "cat/a_nohash_0.wav\n"),
            "testing_list.txt",
            "line 2 .* the validation list has too",
        ),
        (added("testing_list.txt", "cat/d_nohash_0.wav\n"), "testing_list.txt", "line 2 .* the test list has too"),
        (lambda root: (root / "dog").mkdir(), "dog", "there are no wav files here"),
        (
            lambda root: (root / "cat" / "d_nohash_0.wav").write_bytes(GOOD[:99]),
            "cat/d_nohash_0.wav",
            "not a whole wav",
        ),
        (lambda root: (root / "cat" / "e.wav").mkdir(), "cat/e.wav", "it cannot be read"),
    ],
)
def test_what_is_wrong_with_a_mirror_is_named(
    enter: Enter, commands: Path, tmp_path: Path, damage: Callable[[Path], object], file: str, message: str
) -> None:
    enter(small(), task="spectrograms")
    damage(commands / ROOT)
    with pytest.raises(UserError, match=message) as raised:
        prepare("toy", folder=tmp_path, mirror=commands)
    assert raised.value.where == str(commands / ROOT / file)
    assert list((tmp_path / "prepared").iterdir()) == []


# Synthesised words


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Built]:
    raw = tmp_path_factory.mktemp("raw")
    return raw, formant_words.formant_words(Material({}, raw))


def test_the_words_have_not_moved(words: tuple[Path, Built]) -> None:
    _, built = words
    assert built.sha256 is not None
    golden = (REGISTRY["formant-words"].numerics, built.sha256[:12], fingerprint(built))
    assert golden == (1, "94a8a8e8f925", "95451bbdc0e9")


def test_every_speaker_says_every_word_once_and_is_in_one_part(words: tuple[Path, Built]) -> None:
    raw, built = words
    assert [path.name for path in raw.iterdir()] == ["formant-words"]
    said = {tuple(path.stem.split("_")[:2]) for path in (raw / "formant-words").iterdir()}
    assert len(said) == 600
    assert built.class_names == tuple(sorted({word for word, _ in said}))
    names = sorted({speaker for _, speaker in said})
    for part, speakers in (("train", names[:30]), ("validation", names[30:40]), ("test", names[40:])):
        x, y = built.tensors[f"{part}_x"], built.tensors[f"{part}_y"]
        assert x.shape == (10 * len(speakers), 1, 41, 51)
        assert y.tolist() == np.repeat(np.arange(10), len(speakers)).tolist()
        for place, speaker in ((0, speakers[0]), (-1, speakers[-1])):  # the order is by word, then by speaker
            word = built.class_names[y[place]]
            rate, clip = wavfile.read(raw / "formant-words" / f"{word}_{speaker}_0.wav")
            assert (rate, len(clip)) == (4_000, 2_000)
            assert np.array_equal(x[place, 0], speech.spectrogram(clip, 4_000, 51).astype(np.float16))
    assert (
        len({clip.tobytes() for part in ("train", "validation", "test") for clip in built.tensors[f"{part}_x"]}) == 600
    )


def test_the_resonances_go_from_one_vowel_to_the_other() -> None:
    # of hod (730 and 1,090 Hz) and had (660 and 1,720): the energy moves from about 1,090 to about 1,720 Hz and back
    speaker = formant_words._Speaker(pitch_hz=100, scale=1.0, pace=1.0, noise=0.0)
    for word, rises in (("ae", True), ("ea", False)):
        voice = formant_words._voice(word, speaker, np.random.RandomState(0))
        assert 0.16 * 4_000 - 1 <= len(voice) <= 0.30 * 4_000
        assert np.abs(voice).max() == 1
        balance = []
        for third in (voice[: len(voice) // 3], voice[-len(voice) // 3 :]):
            power = np.abs(np.fft.rfft(third * np.hanning(len(third)))) ** 2
            hertz = np.fft.rfftfreq(len(third), 1 / 4_000)
            low, high = (power[np.abs(hertz - centre) < 150].sum() for centre in (1_090, 1_720))
            balance.append(high / low)
        assert (balance[1] > 20 * balance[0]) if rises else (balance[0] > 20 * balance[1])


def test_noise_is_as_loud_as_the_speaker_has_it() -> None:
    loudness, place = [], []
    for seed in range(40):
        stream = np.random.RandomState(seed)
        speaker = formant_words._Speaker(pitch_hz=150, scale=1.0, pace=1.0, noise=0.1)
        clip = formant_words._clip("uo", speaker, stream)
        assert (clip.dtype, clip.shape) == (np.int16, (2_000,))
        voiced = np.flatnonzero(np.abs(clip) > 0.7 * np.abs(clip).max())
        outside = np.concatenate([clip[: max(voiced[0] - 800, 0)], clip[voiced[-1] + 800 :]])
        if len(outside) > 200:
            loudness.append(outside.std() / np.abs(clip).max())
        place.append(voiced[0])
    assert np.mean(loudness) == pytest.approx(0.1 / 1.1, rel=0.2)  # the loudest sample is the voice's 1 and some noise
    assert np.ptp(place) > 800


def test_a_speakers_scale_moves_the_resonances() -> None:
    def peak(scale: float) -> float:
        speaker = formant_words._Speaker(pitch_hz=100, scale=scale, pace=1.0, noise=0.0)
        voice = formant_words._voice("ee", speaker, np.random.RandomState(3))
        power = np.abs(np.fft.rfft(voice)) ** 2
        hertz = np.fft.rfftfreq(len(voice), 1 / 4_000)
        upper = hertz > 1_200
        return float((power * hertz)[upper].sum() / power[upper].sum())

    assert peak(1.1) / peak(0.9) == pytest.approx(1.1 / 0.9, rel=0.06)
