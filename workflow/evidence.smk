"""The evidence queue: one job for each task, the most valuable first. `remixup evidence` writes the queue and calls this."""

import json
import shlex
import shutil
import sys
import time
from pathlib import Path

FOLDER = config["folder"]
QUEUE = json.loads(Path(FOLDER, "queue.json").read_text())
TASKS = QUEUE["tasks"]
ORDER = {name: index for index, name in enumerate(TASKS)}
BASELINES = ["linear-baselines"] if QUEUE["linear_baselines"] else []
UNTIL = int(QUEUE["until"] or 10**12)
REMIXUP = f"{shlex.quote(sys.executable)} -m remixup"


def done(task: str) -> str:
    """Return the file that marks a task as ended: recorded, not informative, or stopped by the time limit."""
    return f"{FOLDER}/done/{task}"


rule all:
    input:
        [done(task) for task in [*TASKS, *BASELINES]],
    localrule: True


# After the time limit the remaining tasks end at once, without starting Python for each.
rule task:
    input:
        lambda wildcards: [done(each) for each in TASKS[wildcards.task]["after"]],
    output:
        touch(done("{task}")),
    wildcard_constraints:
        task=r"\d{4}-.*",
    priority: lambda wildcards: -ORDER[wildcards.task]
    params:
        queue=f"{FOLDER}/queue.json",
        until=UNTIL,
    shell:
        "if [ $(date +%s) -lt {params.until} ]; then"
        " {REMIXUP} evidence-task {wildcards.task:q} --queue {params.queue:q}; fi"


# Tasks that train come first.
rule linear_baselines:
    output:
        touch(done("linear-baselines")),
    priority: -len(TASKS)
    params:
        queue=f"{FOLDER}/queue.json",
    shell:
        "{REMIXUP} evidence-baselines --queue {params.queue:q}"


onsuccess:
    if time.time() > UNTIL:
        print("the time is over; the next call continues from here")
    shutil.rmtree(FOLDER)


onerror:
    print("a task failed; the same command continues from there", file=sys.stderr)
    shutil.rmtree(FOLDER)
