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


# It needs every manifest, because results that were collected by hand may lack those of killed jobs.
rule all:
    default_target: True
    input:
        [job_manifest(job) for job in JOBS],
        [f"{HOME}/{document}" for document in DOCUMENTS],
        rules.collect.output,


# The plan is not written while the workflow is read: a dry run, or a second call that finds the folder locked, must not
# change the plan that running jobs read.
onstart:
    WORKFLOW.write()
    keep_documents()
    announce()


# A failed run does not stop the rest: it is named here, and the exit status is 3.
onsuccess:
    failed = failures(training(workflow.dag.jobs))
    for run, log in failed.items():
        logger.error(
            f"error: {run} failed, see {log}; the next call trains it again"
        )
    forget_unavailable()
    if any(job.rule.name == "page" for job in workflow.dag.jobs):
        for line in outcome(CONFIG, EXPERIMENTS, BEFORE):
            logger.info(line)
    if failed:
        sys.exit(FAILED_RUNS)


onerror:
    forget_unavailable()
    restore_documents()
    logger.info(
        "the same command continues from here;"
        f" `remixup collect --plan {PLAN}` collects what there is"
    )
