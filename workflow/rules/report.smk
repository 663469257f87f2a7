DOCUMENTS = ("article.pdf", "supplement.pdf", "results.html")


# Snakemake deletes a document before it is made again, and after a failure. The last one stays until there is a new one.
def keep_documents() -> None:
    """Copy the documents that there are."""
    for document in DOCUMENTS:
        if os.path.exists(f"{HOME}/{document}"):
            with write_atomically(Path(HOME, ".last", document)) as part:
                shutil.copyfile(f"{HOME}/{document}", part)


def restore_documents() -> None:
    """Put back the documents that were not made again, so old that the next call tries it again."""
    for document in DOCUMENTS:
        last, target = Path(HOME, ".last", document), Path(HOME, document)
        if last.exists() and not target.exists():
            with write_atomically(target) as part:
                shutil.copyfile(last, part)
                os.utime(part, (1, 1))
            # Snakemake has noted that it is made of the present inputs, although the job failed.
            workflow.persistence.cleanup_metadata(IOFile(str(target)))


# The report is made where Snakemake runs, also on a cluster: there LaTeX is, and somebody to read it.
rule draw:
    input:
        RESULTS,
        f"{HOME}/replication.json",
        [str(plan.path) for plan in PLANS],
        REPORTING,
    output:
        report(FIGURES, caption="../report/figure.rst", category="Figures"),
    log:
        f"{HOME}/logs/draw.log",
    localrule: True
    threads: 2
    params:
        plan=PLAN,
        experiments=EXPERIMENTS,
    shell:
        "remixup draw {params.experiments:q} --plan {params.plan:q} --processes {threads:q} > {log:q}"


# Where the run has other experiments than the text speaks about, its one page says so.
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
        FIGURES,
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
