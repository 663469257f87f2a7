"""The hash of every committed row at every scale; `make hashes` writes them after a change that is meant."""

import json
from pathlib import Path

from remixup.config.experiment import read_experiments
from remixup.config.settings import SCALES, Config
from remixup.planning.plan import plan_experiment

FILE = Path(__file__).with_name("hashes.json")


def committed_hashes():
    return {
        f"{name}/{row.row.id}/{scale}": row.run.digest()
        for name, (path, experiment) in read_experiments().items()
        for scale in SCALES
        for row in plan_experiment(path, experiment, Config(), scale).rows
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(committed_hashes(), indent=1, sort_keys=True) + "\n")
