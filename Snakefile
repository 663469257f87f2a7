"""Replicate the mixup papers: data, training, evaluation, results, report.

snakemake                                      the report at the configured scale
snakemake --cores 8 --resources gpu=4          on four GPUs
snakemake data                                 the datasets alone
snakemake runs                                 all training and evaluation
snakemake --config 'experiments=[uci]'         one experiment
"""

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


localrules:
    all,


# It needs every manifest, because a job may have been killed before its results were collected by hand.
rule all:
    default_target: True
    input:
        [job_manifest(job) for job in JOBS],
        f"{HOME}/article.pdf",
        f"{HOME}/supplement.pdf",
        f"{HOME}/results.html",
        f"{HOME}/replication.json",
        RESULTS,


# Not when the workflow is read: a dry run, or a second call that finds the folder locked, must not change the plan that
# running jobs read.
onstart:
    WORKFLOW.write()


onsuccess:
    from remixup.reporting.article import reason_for_none

    for run, log in failures().items():
        print(
            f"{run} failed, see {log}; the next call tries it again",
            file=sys.stderr,
        )
    forget_unavailable()
    if reason := reason_for_none(CONFIG.scale, EXPERIMENTS):
        print(f"no article: {reason}", file=sys.stderr)
    for document in ("article.pdf", "supplement.pdf", "results.html"):
        if os.path.exists(f"{HOME}/{document}"):
            print(f"{HOME}/{document}", file=sys.stderr)


onerror:
    forget_unavailable()
    print(
        f"the same call goes on from here; `remixup collect --plan {PLAN}` collects what there is",
        file=sys.stderr,
    )
