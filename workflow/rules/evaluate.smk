rule evaluate:
    input:
        lambda wildcards: receipts(EVALUATED[wildcards.key]),
    output:
        receipt=f"{HOME}/evaluated/{{key}}.json",
    log:
        f"{HOME}/logs/evaluate-{{key}}.log",
    wildcard_constraints:
        key="|".join(EVALUATED) or "none",
    resources:
        gpu=GPU,
    params:
        experiment=lambda wildcards: EVALUATED[wildcards.key],
    shell:
        "remixup evaluate {params.experiment:q} --receipt {output.receipt:q} > {log:q}"


# One file for all records: every part of the report depends on them, and Snakemake looks at each input of each job that
# waits again and again.
rule records:
    input:
        RECORDS,
    output:
        f"{HOME}/records.cksum",
    log:
        f"{HOME}/logs/records.log",
    localrule: True
    # Without any records it would read what it is told by hand.
    shell:
        "cksum {input:q} /dev/null > {output:q} 2> {log:q}"


# Seconds of work: done where Snakemake runs, also on a cluster.
rule collect:
    input:
        lambda wildcards: str(PLANS[wildcards.experiment].path),
        lambda wildcards: receipts(wildcards.experiment),
        lambda wildcards: evaluated(wildcards.experiment),
        rules.records.output,
        COLLECTING,
    output:
        f"{HOME}/experiments/{{experiment}}.json",
    log:
        f"{HOME}/logs/collect-{{experiment}}.log",
    wildcard_constraints:
        experiment="|".join(PLANS),
    localrule: True
    shell:
        "remixup collect {wildcards.experiment:q} > {log:q}"


rule replication:
    input:
        [part(experiment) for experiment in PLANS],
    output:
        report(
            f"{HOME}/replication.json",
            caption="../report/replication.rst",
            category="Results",
        ),
        f"{HOME}/metrics.json",
        f"{HOME}/curves.json",
    log:
        f"{HOME}/logs/collect.log",
    localrule: True
    shell:
        "remixup collect > {log:q}"
