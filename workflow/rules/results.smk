# One file for all records and freezes, because Snakemake checks each input of each waiting job repeatedly.
rule records:
    input:
        RECORDS,
    output:
        f"{HOME}/records.cksum",
    log:
        f"{HOME}/logs/records.log",
    localrule: True
    # With /dev/null, because without a file `cksum` would read its standard input.
    shell:
        "cksum {input:q} /dev/null > {output:q} 2> {log:q}"


# It takes half a minute, so it runs where Snakemake runs, also on a cluster.
rule collect:
    input:
        [str(plan.path) for plan in PLANS],
        [job_manifest(job) for job in JOBS],
        rules.records.output,
        COLLECTING,
    output:
        RESULTS,
        report(
            f"{HOME}/replication.json",
            caption="../report/replication.rst",
            category="Results",
        ),
        f"{HOME}/metrics.json",
        f"{HOME}/means.json",
        f"{HOME}/curves.json",
    log:
        f"{HOME}/logs/collect.log",
    localrule: True
    params:
        plan=PLAN,
    shell:
        "remixup collect --plan {params.plan:q} > {log:q}"
