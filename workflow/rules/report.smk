# The report is set where Snakemake runs, also on a cluster: there LaTeX is, and somebody to read it.
for experiment in PLANS:

    rule:
        name:
            f"assets_{experiment}"
        input:
            part(experiment),
            str(PLANS[experiment].path),
            REPORTING,
        output:
            assets(experiment)[0],
            [
                report(path, caption="../report/figure.rst", category="Figures")
                for path in assets(experiment)[1:]
            ],
        log:
            f"{HOME}/logs/report-{experiment}.log",
        localrule: True
        params:
            experiment=experiment,
        shell:
            "remixup report {params.experiment:q} > {log:q}"


rule pdf:
    input:
        [path for experiment in PLANS for path in assets(experiment)],
        f"{HOME}/replication.json",
        PAPER,
        REPORTING,
    output:
        report(f"{HOME}/report.pdf", caption="../report/report.rst", category="Report"),
        "paper/report.pdf",
    log:
        f"{HOME}/logs/report.log",
    localrule: True
    shell:
        "remixup report > {log:q}"
