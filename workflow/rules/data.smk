rule prepare_embedded:
    output:
        EMBEDDED,
    log:
        f"{CONFIG.results}/logs/prepare.log",
    params:
        plan=PLAN,
    shell:
        "remixup prepare --plan {params.plan:q} > {log:q}"


# One real dataset: `snakemake data/prepared/mnist-idx/manifest.json`.
rule prepare:
    output:
        f"{CONFIG.data.folder}/prepared/{{dataset}}/manifest.json",
    log:
        f"{CONFIG.results}/logs/prepare-{{dataset}}.log",
    wildcard_constraints:
        dataset="|".join(DATASETS),
    params:
        plan=PLAN,
        name=lambda wildcards: DATASETS[wildcards.dataset][0],
        version=lambda wildcards: DATASETS[wildcards.dataset][1],
    shell:
        "remixup prepare {params.name:q} --version {params.version:q} --plan {params.plan:q} > {log:q}"


ruleorder: prepare_embedded > prepare


# The datasets of all rows whose data is available.
rule data:
    input:
        DATA,
    localrule: True
