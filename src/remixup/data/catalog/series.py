"""Time series of the body: the sets of the study of mixing (2309.09970) that can be had, UCI HAR, simulated rhythms."""

from __future__ import annotations

from remixup.data.catalog.descriptor import Dataset, File, Folder, Size, Version, versions

_UNITS = "Each channel less its mean and over its standard deviation in the training part."

_ECG_RHYTHMS = Dataset(
    "ecg-rhythms",
    "simulated electrocardiograms of five rhythms",
    "series",
    5,
    versions(
        Version(
            "generated",
            "synthetic.ecg_rhythms.ecg_rhythms",
            embedded=True,
            note="Six seconds of two leads at 40 Hz, 2 x 240: sinus rhythm, sinus tachycardia, atrial fibrillation, "
            "ventricular ectopy, and AV block. Each wave of a beat is a Gaussian, as in McSharry et al.; shapes, rate, "
            "noise and the wandering of the baseline are a patient's: 40 patients for training with two strips of "
            "each rhythm, 30 for validation and 50 for the test with one. Seeded; values are rounded from float64, "
            f"which makes them the same on every machine for all practical purposes. {_UNITS}",
        )
    ),
    licence="none needed",
    citation="mcsharry2003dynamical",
    homepage="https://doi.org/10.1109/TBME.2003.808805",
    size=Size((2, 240), 400, 250, 150),
)

_SUMS = (
    "Every file that is read is held against the publisher's SHA256SUMS.txt, which comes with it; the digest of the "
    "publisher's archive is not known."
)


def _physionet(builder: str, slug: str, archive: str, note: str) -> dict[str, Version]:
    """A project of PhysioNet, whose archive's name ends with the version."""
    url = f"https://physionet.org/static/published-projects/{slug}/{archive}.zip"
    return versions(
        Version(
            archive.rpartition("-")[2],
            builder,
            archive=File(f"{archive}.zip", url=url),
            folder=Folder(slug, packed_path=archive),
            note=f"{note} {_SUMS} {_UNITS}",
        )
    )


_PTB_XL = Dataset(
    "ptb-xl",
    "PTB-XL",
    "series",
    5,
    _physionet(
        "builders.physionet.ptb_xl",
        "ptb-xl",
        "ptb-xl-a-large-publicly-available-electrocardiography-dataset-1.0.3",
        "Electrocardiograms of ten seconds, twelve leads at 100 Hz, 12 x 1000: those of exactly one of the "
        "five diagnostic superclasses. Folds 1 to 8 for training, 9 for validation, 10 for the test. Guo et al. "
        "count 12,961, 1,637 and 1,650 of them, in an edition that they do not name: how many there are in this "
        "one is not checked.",
    ),
    licence="CC BY 4.0",
    citation="wagner2020ptbxl",
    homepage="https://physionet.org/content/ptb-xl/1.0.3/",
    size=Size((12, 1_000), 12_961, 1_650, 1_637),
)

_APNEA_ECG = Dataset(
    "apnea-ecg",
    "Apnea-ECG",
    "series",
    2,
    _physionet(
        "builders.physionet.apnea_ecg",
        "apnea-ecg",
        "apnea-ecg-database-1.0.0",
        "Minutes of one lead at 100 Hz, 1 x 6000, of the 35 recordings whose minutes are labelled for apnoea. "
        "Recordings whose number is a multiple of five are for the test, those before them for validation. About "
        "17,000 minutes; their number is not checked.",
    ),
    licence="ODC-By 1.0",
    citation="penzel2000apnea",
    homepage="https://physionet.org/content/apnea-ecg/1.0.0/",
    size=Size((1, 6_000), 10_200, 3_400, 3_400),
)

_SLEEP_EDF = Dataset(
    "sleep-edf",
    "Sleep-EDF",
    "series",
    5,
    _physionet(
        "builders.eeg.sleep_edf",
        "sleep-edfx",
        "sleep-edf-database-expanded-1.0.0",
        "Epochs of 30 s of the electroencephalogram of 78 healthy sleepers, one or two nights each (the "
        "cassette study of Sleep-EDF Expanded): Fpz-Cz and Pz-Oz at 100 Hz, 2 x 3000, not filtered. Wake, N1, N2, "
        "N3 (stages 3 and 4) and REM; epochs of movement and those that are not scored are left out, and of the "
        "wake all but half an hour before and after sleep. Subjects whose number is a multiple of five are for the "
        "test, those before them for validation. Others count about 195,000 epochs; their number is not checked.",
    ),
    licence="ODC-By 1.0",
    citation="kemp2000analysis",
    homepage="https://physionet.org/content/sleep-edfx/1.0.0/",
    size=Size((2, 3_000), 119_000, 43_000, 33_000),
)

_MMIDB_EEG = Dataset(
    "mmidb-eeg",
    "MMIDB-EEG",
    "series",
    2,
    _physionet(
        "builders.eeg.mmidb_eeg",
        "eegmmidb",
        "eeg-motor-movementimagery-dataset-1.0.0",
        "The left or the right fist, opened and closed in imagination (runs 4, 8 and 12 of the EEG Motor "
        "Movement/Imagery Dataset): four seconds from the cue of 64 channels at 160 Hz, 64 x 640, not filtered; "
        "trials that end sooner are left out. So are six of the 109 subjects: 88, 92 and 100 (128 Hz, and trials "
        "of another length) and 89, 104 and 106 (others report labels that do not fit). Subjects whose number is a "
        "multiple of five are for the test, those before them for validation: 63 + 20 + 20 subjects of about 45 "
        "trials, whose number is not checked.",
    ),
    licence="ODC-By 1.0",
    citation="schalk2004bci2000",
    homepage="https://physionet.org/content/eegmmidb/1.0.0/",
    size=Size((64, 640), 2_835, 900, 900),
)

_UCI = "https://archive.ics.uci.edu"

_UCI_HAR = Dataset(
    "uci-har",
    "UCI HAR",
    "series",
    6,
    versions(
        Version(
            "uci",
            "builders.human_activity.uci_har",
            archive=File(
                "human+activity+recognition+using+smartphones.zip",
                url=f"{_UCI}/static/public/240/human+activity+recognition+using+smartphones.zip",
            ),
            folder=Folder(
                "UCI HAR Dataset",
                train=5_962,
                validation=1_390,
                test=2_947,
                sha256="aefa650687b87110b6994a933ea1bf60f2cf5418f6233d46bae7650cd7317e6c",
            ),
            note="Six activities with a smartphone at the waist: acceleration of the body, rotation and all "
            "acceleration, 9 x 128, 2.56 s at 50 Hz. The published parts have no subject in common; of the 21 subjects "
            "for training every fifth (7, 16, 23 and 29) is kept for validation. Windows of a subject overlap by half. "
            f"A folder in a mirror is accepted by the sha256 of the copy that was at hand. {_UNITS}",
        )
    ),
    licence="CC BY 4.0",
    citation="anguita2013public",
    homepage=f"{_UCI}/dataset/240/human+activity+recognition+using+smartphones",
    size=Size((9, 128), 5_962, 2_947, 1_390),
)

_PAMAP2 = Dataset(
    "pamap2",
    "PAMAP2",
    "series",
    12,
    versions(
        Version(
            "uci",
            "builders.human_activity.pamap2",
            archive=File(
                "pamap2+physical+activity+monitoring.zip",
                url=f"{_UCI}/static/public/231/pamap2+physical+activity+monitoring.zip",
            ),
            folder=Folder("PAMAP2_Dataset"),
            note="Twelve activities with sensors on hand, chest and ankle: acceleration, rotation and magnetic field, "
            "27 x 128, 5.12 s at 25 Hz (means of four samples), every 2.56 s within an activity; what the radio lost "
            "is interpolated. Subject 105 for validation, 106 for the test. About 7,500 windows; their number is not "
            f"checked, and the publisher's digests are not known. {_UNITS}",
        )
    ),
    licence="CC BY 4.0",
    citation="reiss2012introducing",
    homepage=f"{_UCI}/dataset/231/pamap2+physical+activity+monitoring",
    size=Size((27, 128), 5_500, 960, 1_050),
)

SERIES = (_APNEA_ECG, _ECG_RHYTHMS, _MMIDB_EEG, _PAMAP2, _PTB_XL, _SLEEP_EDF, _UCI_HAR)
