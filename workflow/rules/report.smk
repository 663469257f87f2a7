# The report is set where Snakemake runs, also on a cluster: there LaTeX is, and somebody to read it.
# A paper's experiments are drawn in one process: to start takes longer than to draw.
for paper, own in PAPERS.items():

    rule:
        name:
            f"assets_{paper}"
        input:
            [part(experiment) for experiment in own],
            [str(PLANS[experiment].path) for experiment in own],
            REPORTING,
        output:
            [assets(experiment)[0] for experiment in own],
            [
                report(path, caption="../report/figure.rst", category="Figures")
                for experiment in own
                for path in assets(experiment)[1:]
            ],
        log:
            f"{HOME}/logs/report-{paper}.log",
        localrule: True
        params:
            experiments=own,
        shell:
            "remixup report {params.experiments:q} > {log:q}"


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
