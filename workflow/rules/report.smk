# The report is made where Snakemake runs, also on a cluster, because LaTeX is installed there.
rule draw:
    input:
        RESULTS,
        f"{HOME}/replication.json",
        [str(plan.path) for plan in PLANS],
        REPORTING,
    output:
        [
            report(
                path,
                caption="../report/figure.rst",
                category="Figures",
                subcategory=paper,
                labels=labels,
            )
            for path, (paper, labels) in FIGURES.items()
        ],
    log:
        f"{HOME}/logs/draw.log",
    localrule: True
    threads: 2
    params:
        plan=PLAN,
        experiments=EXPERIMENTS,
    shell:
        "remixup draw {params.experiments:q} --plan {params.plan:q} --processes {threads:q} > {log:q}"


# If the configured experiments are not those that the text is about, the article is one page that says so.
rule article:
    input:
        RESULTS,
        f"{HOME}/replication.json",
        PAPER,
        REPORTING,
    output:
        report(
            f"{HOME}/article.pdf",
            caption="../report/article.rst",
            category="Documents",
        ),
    log:
        f"{HOME}/logs/article.log",
    localrule: True
    params:
        plan=PLAN,
    shell:
        "remixup article --plan {params.plan:q} > {log:q}"


rule supplement:
    input:
        RESULTS,
        list(FIGURES),
        [str(plan.path) for plan in PLANS],
        f"{HOME}/replication.json",
        PAPER,
        REPORTING,
    output:
        report(
            f"{HOME}/supplement.pdf",
            caption="../report/supplement.rst",
            category="Documents",
        ),
    log:
        f"{HOME}/logs/supplement.log",
    localrule: True
    params:
        plan=PLAN,
    shell:
        "remixup supplement --plan {params.plan:q} > {log:q}"


rule page:
    input:
        RESULTS,
        f"{HOME}/replication.json",
        [str(plan.path) for plan in PLANS],
        multiext(
            "paper/templates/results",
            ".html",
            "-details.html",
            "-words.html",
            ".css",
            ".js",
        ),
        "paper/references.bib",
        REPORTING,
    output:
        report(f"{HOME}/results.html", caption="../report/page.rst", category="Results"),
    log:
        f"{HOME}/logs/page.log",
    localrule: True
    params:
        plan=PLAN,
    shell:
        "remixup page --plan {params.plan:q} > {log:q}"
