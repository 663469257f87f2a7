# Runs are not outputs: Snakemake would delete them before a job and after a failure. A job adds to the run store what it
# lacks, and its receipt lists what there is. Receipts are named by the hash of what they list, so that data may be
# ancient: a changed dataset version is another receipt.
rule train:
    input:
        lambda wildcards: [
            ancient(manifest(*each)) for each in PACKS[wildcards.pack].datasets
        ],
    output:
        receipt=f"{HOME}/receipts/{{pack}}.json",
    log:
        f"{HOME}/logs/{{pack}}.log",
    wildcard_constraints:
        pack="|".join(PACKS) or "none",
    # Below 0, which all that is short has; long ones first, so that no core waits at the end.
    priority: lambda wildcards: -1 / PACKS[wildcards.pack].passes
    threads: lambda wildcards: PACKS[wildcards.pack].threads
    resources:
        gpu=lambda wildcards: gpus(wildcards.pack),
    params:
        experiment=lambda wildcards: PACKS[wildcards.pack].experiment,
        name=lambda wildcards: PACKS[wildcards.pack].name,
        attempt=lambda wildcards: attempt(wildcards.pack),
        processes=lambda wildcards: max(1, gpus(wildcards.pack)),
    shell:
        "remixup train {params.experiment:q} --pack {params.name:q} --attempt {params.attempt:q}"
        " --processes {params.processes:q} --receipt {output.receipt:q} > {log:q}"


# All that computes: runs, and what is measured on them.
rule receipts:
    input:
        [path for name in PLANS for path in receipts(name) + evaluated(name)],
