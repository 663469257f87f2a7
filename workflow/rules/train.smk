# Runs are not outputs, because Snakemake would delete them before a job and after a failure. A job adds the missing seeds
# to the run store, and its manifest lists all of them. The name of a manifest contains the hash of what it lists. So data
# may be ancient: a changed dataset version has another manifest. A killed job gets a manifest, too, which names the
# unfinished runs; without it nothing could be collected.
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
    # Below 0, the priority of all short rules. Long jobs come first, so that no core is idle at the end.
    priority: lambda wildcards: -1 / (1 + JOBS[wildcards.job].seconds)
    threads: lambda wildcards: JOBS[wildcards.job].threads
    resources:
        gpu=lambda wildcards: gpus(wildcards.job),
    params:
        plan=PLAN,
        attempt=lambda wildcards: attempt(wildcards.job),
        # Snakemake does not rerun a job when a parameter that depends on resources changes. This one changes no results.
        processes=lambda wildcards, resources: max(1, resources.gpu),
    shell:
        "remixup train --plan {params.plan:q} --job {wildcards.job:q} --attempt {params.attempt:q}"
        " --processes {params.processes:q} > {log:q}"
        " || remixup train-ended $? --plan {params.plan:q} --job {wildcards.job:q} --attempt {params.attempt:q}"
        " --log {log:q} >> {log:q}"


# All training and evaluations.
rule runs:
    input:
        [job_manifest(job) for job in JOBS],
    localrule: True
