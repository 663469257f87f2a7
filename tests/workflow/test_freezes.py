"""A freeze from the command line to its records: only its seeds are trained, and the audit confirms them."""

import json

import yaml

from remixup.store.blocks import SeedBlock
from tests.workflow.conftest import JOINT, make_project

CLAIM = {
    "id": "lower",
    "statement": "mixup lowers the error under attack",
    "where": "Table 0",
    "metric": "attack.top1",
    "compare": [{"baseline": "erm", "treatment": "mixup"}],
    "smallest_effect": 0.5,
}
FREEZE = ("freeze", "joint", "--scale", "reduced-cpu", "--reason", "to decide")
ATTACK = {"name": "attack", "method": "fgsm", "eps": 0.1, "examples": 20}


def test_from_a_freeze_to_confirmatory_records(tmp_path):
    """Both rows are attacked with the networks of the other seeds of ERM."""
    rows = [{**row, "evaluate": [{**ATTACK, "source": "erm"}]} for row in JOINT["rows"]]
    metrics = {**JOINT["metrics"], "attack.top1": {"label": "Error under attack"}}
    scales = {**JOINT["scales"], "reduced-cpu": {"counts_as": "paper"}}
    document = {**JOINT, "rows": rows, "metrics": metrics, "scales": scales, "claims": [CLAIM]}
    project = make_project(tmp_path / "project", document)
    (project.folder / "evidence.yaml").write_text(yaml.safe_dump({"cpu": [{"freeze": "joint-1"}]}))
    project.git("init", "-q", "-b", "main")
    done = project.remixup(*FREEZE, check=False)
    assert (done.returncode, "clean source tree" in done.stderr) == (2, True)
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "start")

    project.remixup(*FREEZE, "--seeds", "2")
    frozen = project.json("protocols/joint-1.json")
    done = project.remixup("evidence", check=False)
    assert (done.returncode, "clean source tree" in done.stderr) == (2, True)
    assert len(frozen["evaluations"]) == 2
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "Freeze")
    project.remixup("evidence")
    assert "0 of them not on record" in project.remixup("evidence", "--list").stdout

    home = project.folder / "records/runs"
    blocks = {str(path.relative_to(home)): SeedBlock.read(path) for path in home.glob("*/*.json")}
    names = [f"{run}/seeds-{seed}-{seed}.json" for run in frozen["runs"].values() for seed in (1000, 1001)]
    assert sorted(blocks) == sorted(names)
    assert {block.provenance.freeze for block in blocks.values()} == {frozen["sha256"]}
    for key in frozen["evaluations"]:
        for seed in (1000, 1001):
            evaluated = project.json(f"records/evaluations/{key}/seeds-{seed}-{seed}.json")
            assert [each["seed"] for each in evaluated["measured"]] == [seed]
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "Records")
    done = project.remixup("audit")
    assert "2 of 2 seeds" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 freezes, 0 faults"

    # Training the ordinary seeds afterwards does not touch them.
    stored = project.blocks()
    project.remixup("train", "joint", "--set", "scale=reduced-cpu", "--seeds", "1")
    assert {name.split("/")[1] for name in project.blocks().keys() - stored.keys()} == {"seeds-0-0"}
    new = next(path for path in (project.folder / "results/runs").glob("*/seeds-0-0.json"))
    assert "freeze" not in json.loads(new.read_text())["provenance"]
