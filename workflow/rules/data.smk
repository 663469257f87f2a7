rule prepare:
    output:
        manifest=f"{CONFIG.data.folder}/prepared/{{dataset}}/manifest.json",
    log:
        f"{CONFIG.results}/logs/prepare-{{dataset}}.log",
    wildcard_constraints:
        dataset="|".join(DATASETS),
    params:
        name=lambda wildcards: DATASETS[wildcards.dataset][0],
        version=lambda wildcards: DATASETS[wildcards.dataset][1],
    shell:
        "remixup prepare {params.name:q} --version {params.version:q} > {log:q}"


# A target for each dataset, for people and for DVC: `snakemake data_mnist-idx`. Without data at hand there is nothing to do.
for dataset, (name, version) in DATASETS.items():

    rule:
        name:
            f"data_{dataset}"
        input:
            manifest(name, version) if CONFIG.at_hand(name, version) else [],
