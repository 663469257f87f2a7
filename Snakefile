"""Replicates the mixup papers: data, training, evaluation, results, report.

snakemake                                      the report at the configured scale
snakemake --cores 8 --resources gpu=4          on four GPUs
snakemake data_cifar10-python                  one dataset
snakemake results/embedded/experiments/uci.json    one experiment
"""

from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


include: "workflow/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


localrules:
    all,


rule all:
    default_target: True
    input:
        f"{HOME}/report.pdf",
        "paper/report.pdf",
        f"{HOME}/replication.json",


onstart:
    # DVC tracks this folder, and no evaluation may need a job of its own.
    Path(HOME, "evaluated").mkdir(parents=True, exist_ok=True)
    # Elsewhere than on Linux the system's libraries do not survive a fork.
    if (
        sys.platform == "linux"
        and CONFIG.scale == "embedded"
        and workflow.local_exec
        and len(workflow.dag) > 20
    ):
        share_start()


onsuccess:
    for run, log in failures().items():
        print(
            f"{run} failed, see {log}; the next call tries it again",
            file=sys.stderr,
        )
