rule prepare_embedded:
    output:
        EMBEDDED,
    log:
        f"{CONFIG.results}/logs/prepare.log",
    # The plan is no parameter: another plan gives the same data, and Snakemake would make it again.
    shell:
        "remixup prepare --plan {PLAN:q} > {log:q}"


# One real dataset: `snakemake data/prepared/mnist-idx/manifest.json`.
rule prepare:
    output:
        f"{CONFIG.data.folder}/prepared/{{dataset}}/manifest.json",
    log:
        f"{CONFIG.results}/logs/prepare-{{dataset}}.log",
    wildcard_constraints:
        dataset="|".join(DATASETS),
    params:
        name=lambda wildcards: DATASETS[wildcards.dataset][0],
        version=lambda wildcards: DATASETS[wildcards.dataset][1],
    shell:
        "remixup prepare {params.name:q} --version {params.version:q} --plan {PLAN:q} > {log:q}"


ruleorder: prepare_embedded > prepare


# The datasets of all rows whose data is available.
rule data:
    input:
        DATA,
    localrule: True
