# Runs are not outputs: Snakemake would delete them before a job and after a failure. A job adds to the run store what it
# lacks, and its manifest lists what there is. Manifests are named by the hash of what they list, so that data may be
# ancient: a changed dataset version is another manifest. A job that is killed gets a manifest, too, which names the
# unfinished runs: else nothing could be collected.
rule train:
    input:
        lambda wildcards: [
            ancient(str(CONFIG.manifest(*each)))
            for each in JOBS[wildcards.job].datasets
        ],
        lambda wildcards: [job_manifest(each) for each in JOBS[wildcards.job].after],
    output:
        f"{HOME}/manifests/{{job}}.json",
    log:
        f"{HOME}/logs/{{job}}.log",
    wildcard_constraints:
        job="|".join(map(re.escape, JOBS)) or "none",
    # Below 0, which all that is short has; long ones first, so that no core is idle at the end.
    priority: lambda wildcards: -1 / (1 + JOBS[wildcards.job].seconds)
    threads: lambda wildcards: JOBS[wildcards.job].threads
    resources:
        gpu=lambda wildcards: gpus(wildcards.job),
    params:
        plan=PLAN,
        attempt=lambda wildcards: attempt(wildcards.job),
        # What depends on resources is none of the parameters whose change trains again: they are not what it computes.
        processes=lambda wildcards, resources: max(1, resources.gpu),
    shell:
        "remixup train --plan {params.plan:q} --job {wildcards.job:q} --attempt {params.attempt:q}"
        " --processes {params.processes:q} > {log:q}"
        " || remixup train-ended $? --plan {params.plan:q} --job {wildcards.job:q} --attempt {params.attempt:q}"
        " --log {log:q} >> {log:q}"


# Everything that computes: training and evaluations.
rule runs:
    input:
        [job_manifest(job) for job in JOBS],
    localrule: True
