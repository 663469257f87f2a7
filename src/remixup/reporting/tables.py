"""Tables of the report: published numbers beside what became of them, claims, and the counts of the title page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from remixup.errors import UserError
from remixup.replication.results import ClaimResult, Entry, ExperimentResult, Recorded, RecordedClaim
from remixup.reporting import latex
from remixup.spec.config import Scale
from remixup.spec.experiment import Experiment, MetricInfo, Row, Table

VERDICTS = {
    "replicated": r"\Replicated",
    "not replicated": r"\NotReplicated",
    "inconclusive": r"\Inconclusive",
    "stand-in": r"\StandIn",
    "not run": r"\NotRun",
    "failed": r"\Failed",
    "diverged": r"\Diverged",
    "no published number": r"\NothingToCompare",
}
"""The commands, defined in paper/report.tex with their symbols, that print each verdict."""
DECISIONS = (r"\Confirmed", r"\Refuted", r"\DirectionShown", r"\DirectionNotShown", r"\Undecided")
"""Likewise, what is decided about a claim."""
Kind = Literal["paper", "reduced", "embedded", "stand-in", "none"]
KINDS: tuple[Kind, ...] = ("paper", "reduced", "embedded", "stand-in", "none")
"""Kinds of evidence, best first; "embedded" is a number measured there that stands in for nothing."""
NOTHING = "{--}"


def kind(scale: Scale, stand_in: str | None) -> Kind:
    """What a number that was measured counts as.

    At reduced scale the data is real and the schedule short, so that nearly all of its numbers stand in for others;
    "stand-in" is what stands in at any other scale.
    """
    return "stand-in" if stand_in and scale != "reduced" else scale


def best_record(entry: Entry) -> Recorded | None:
    """The recorded result that says most (best kind, no stand-in, most runs, newest), if not this report's own."""
    return min(
        (
            record
            for record in sorted(entry.recorded, key=lambda record: record.date, reverse=True)
            if record.replicated != entry.replicated
        ),
        key=lambda r: (KINDS.index(kind(r.scale, r.stand_in)), r.stand_in is not None, -r.replicated.n),
        default=None,
    )


def best_evidence(entry: Entry) -> tuple[Kind, str]:
    """Kind and verdict of the best evidence for a number: the best kind, then whole samples, then the larger."""
    samples: list[Entry | Recorded] = [entry, *filter(None, [best_record(entry)])]
    found: list[tuple[Kind, bool, int, str]] = [
        (kind(each.scale, each.stand_in), each.verdict in ("failed", "diverged"), -each.replicated.n, each.verdict)
        for each in samples
        if each.replicated
    ]
    best = min(found, key=lambda each: (KINDS.index(each[0]), *each[1:3]), default=("none", False, 0, entry.verdict))
    return best[0], best[3]


def best_test(claim: ClaimResult) -> ClaimResult | RecordedClaim | None:
    """The test of a claim on the best evidence, then the one with most seeds; None where there is none."""
    tests: list[ClaimResult | RecordedClaim] = [*([claim] if claim.n else []), *claim.recorded]
    return min(tests, key=lambda test: (KINDS.index(kind(test.scale, test.stand_in)), -test.n), default=None)


def count_numbers(entries: Iterable[Entry]) -> tuple[Counter[Kind], Counter[str]]:
    """Published numbers by kind of their best evidence, and by its verdict."""
    best = [best_evidence(entry) for entry in entries if entry.published is not None]
    return Counter(kind for kind, _ in best), Counter(verdict for _, verdict in best)


def count_claims(claims: Iterable[ClaimResult]) -> dict[Kind, Counter[str]]:
    """For each kind of best evidence: how many claims have each decision (one of `DECISIONS`)."""
    counts: dict[Kind, Counter[str]] = {name: Counter() for name in KINDS}
    for claim in claims:
        test = best_test(claim)
        counts[kind(test.scale, test.stand_in) if test else "none"][decision(test)] += 1
    return counts


def decision(test: ClaimResult | RecordedClaim | None) -> str:
    """The command that prints what a test decides; a stand-in neither confirms nor refutes."""
    if test is None or test.holds is None:
        return r"\Undecided"
    if test.stand_in:
        return r"\DirectionShown" if test.holds else r"\DirectionNotShown"
    return r"\Confirmed" if test.holds else r"\Refuted"


def parts_of(stand_ins: Iterable[str | None]) -> list[str]:
    """What stands in for what, each once: a run may do so in several ways, which a semicolon parts."""
    return list(dict.fromkeys(part for text in stand_ins if text for part in text.split("; ")))


def marks(stand_ins: Iterable[str | None]) -> dict[str | None, str]:
    """The dagger for each of these, numbered where there are several ways of standing in."""
    texts = list(dict.fromkeys(stand_ins))
    parts = parts_of(texts)
    found: dict[str | None, str] = {None: ""}
    for text in filter(None, texts):
        numbers = [str(parts.index(part) + 1) for part in text.split("; ")]
        found[text] = rf"\standinmark{{{','.join(numbers) if len(parts) > 1 else ''}}}"
    return found


def notes(stand_ins: Iterable[str | None], *, recorded: bool, quoted: bool = False) -> str:
    """What stands in for what, and other marks, to be set below a table; empty where nothing is marked."""
    parts = [latex.prose(part) for part in parts_of(stand_ins)]
    lines = []
    if len(parts) == 1:
        lines.append(rf"\standinmark{{}}~Stand-in: {parts[0]}.")
    elif parts:
        numbered = (rf"\textsuperscript{{{number}}}\,{part}" for number, part in enumerate(parts, start=1))
        lines.append(rf"\standinmark{{}}~Stand-ins: {'; '.join(numbered)}.")
    if recorded:
        lines.append(r"\recordmark~On record: measured earlier, at that scale.")
    if quoted:
        lines.append(r"\quotedmark~Quoted by the paper from other work.")
    return rf"\tablenotes{{{' '.join(lines)}}}" if lines else ""


def results_table(table: Table, experiment: Experiment, result: ExperimentResult) -> str:
    """A table of an experiment file, with caption, notes, and label `tab:<experiment>-<table>`.

    Under a heading for each group, and metric if there are several, each row has a line for what was run and one for
    its best recorded result. Raises UserError where the result lacks a published number of the experiment file.
    """
    metrics = table.metrics or list(experiment.metrics)
    shown = _shown(table, experiment, result, metrics)
    records = [best_record(entry) for _, entry in shown]
    measured = [
        (entry if entry.replicated else None, record) for (_, entry), record in zip(shown, records, strict=True)
    ]
    stand_ins = [sample.stand_in for pair in measured for sample in pair if sample]
    daggers = marks(stand_ins)
    lines: list[list[str] | str] = []
    heading = ""
    for (row, entry), record in zip(shown, records, strict=True):
        info = experiment.metrics[entry.metric]
        above = [row.group] if row.group else []
        above += [_metric(info)] if len(metrics) > 1 else []
        if ": ".join(above) != heading:
            heading = ": ".join(above)
            lines.append(latex.prose(heading))
        # A row that was not run here shows what is on record in its place.
        samples: list[Entry | Recorded] = [entry] if record is None or entry.verdict != "not run" else []
        samples += [record] if record else []
        start = [latex.prose(row.label), *_published(entry, info)]
        for sample in samples:
            lines.append([*start, *_measured(sample, entry, info, daggers)])
            start = ["", "", ""]
    caption = table.caption.strip()
    if len(metrics) == 1:
        named = latex.prose(_metric(experiment.metrics[metrics[0]]))
        caption += f" {named[:1].upper()}{named[1:]}."
    below = notes(stand_ins, recorded=any(records), quoted=any(entry.quoted for _, entry in shown))
    versions = [sample.dataset_version for pair in measured for sample in pair if sample]
    columns = _columns([line for line in lines if isinstance(line, list)], [row.label for row, _ in shown], versions)
    head = ["", r"\multicolumn{2}{c}{Published}", "Evidence", "Data", r"\multicolumn{4}{c}{Mean $\pm$ std}", "$n$"]
    head += [r"{$\Delta$}", "Verdict"]
    return latex.table(columns, head, lines, caption=caption, label=f"tab:{experiment.id}-{table.id}", notes=below)


def _columns(cells: list[list[str]], labels: list[str], versions: list[str]) -> list[str]:
    """Column specifications that fit their content; labels and versions share 72 mm, and are broken beyond that."""
    label = min(50, max(20, *(round(1.6 * len(text)) for text in labels)))
    data = min(72 - label, max([12, *(round(1.6 * len(text)) for text in versions)]))
    published, mean, std, difference = (latex.column(line[index] for line in cells) for index in (1, 5, 7, 10))
    return [
        rf"@{{}}L{{{label}mm}}",
        rf"{published}@{{}}",
        "l",
        "l",
        rf"L{{{data}mm}}",
        rf"{mean}@{{\,}}",
        r"c@{\,}",
        rf"{std}@{{}}",
        "l",
        "r",
        difference,
        "l@{}",
    ]


def _shown(
    table: Table, experiment: Experiment, result: ExperimentResult, metrics: list[str]
) -> list[tuple[Row, Entry]]:
    """The entries of a table: by group, in the order of their first rows, then by metric, then by row."""
    entries = {(entry.row, entry.metric): entry for entry in result.entries}
    rows = experiment.select(table.rows)
    shown = []
    for group in dict.fromkeys(row.group for row in rows):
        for metric in metrics:
            for row in (row for row in rows if row.group == group):
                if (row.id, metric) in entries:
                    shown.append((row, entries[row.id, metric]))
                elif row.printed(metric) is not None:
                    what = f"the results lack {metric} of row {row.id}"
                    raise UserError(what, where=experiment.id, hint="collect again")
    return shown


def _metric(info: MetricInfo) -> str:
    return f"{info.label} ({info.unit})" if info.unit else info.label


def _published(entry: Entry, info: MetricInfo) -> list[str]:
    """Cells: the number, the mark of a quoted one."""
    if entry.published is None:
        return [NOTHING, ""]
    return [latex.printed(entry.published, info.decimals), r"\quotedmark{}" if entry.quoted else ""]


def _measured(sample: Entry | Recorded, entry: Entry, info: MetricInfo, daggers: dict[str | None, str]) -> list[str]:
    """Cells: evidence, data version, mean, sign, deviation, dagger, n, difference, verdict."""
    evidence = sample.scale if isinstance(sample, Entry) else rf"{sample.scale}\recordmark{{}}"
    verdict = VERDICTS[sample.verdict]
    runs = sample.replicated
    if runs is None:
        return ["--", "", NOTHING, "", "", "", "", NOTHING, verdict]
    shape = r"\itshape " if sample.stand_in else ""
    digits = latex.places(runs.std, info.decimals)
    difference = NOTHING
    if entry.published is not None and not sample.stand_in:
        difference = latex.fixed(runs.mean - entry.published, digits, sign=True)
    return [
        evidence,
        latex.escape(sample.dataset_version),
        shape + latex.fixed(runs.mean, digits),
        "" if runs.std is None else r"$\pm$",
        "" if runs.std is None else shape + latex.fixed(runs.std, digits),
        daggers[sample.stand_in],
        str(runs.n),
        difference,
        verdict,
    ]


def claims_table(experiment: Experiment, result: ExperimentResult) -> str:
    """The claims of an experiment: statement, effect and interval, what was decided and why; empty without claims."""
    if not result.claims:
        return ""
    decimals = {claim.id: experiment.metrics[claim.metric].decimals + 1 for claim in experiment.claims}
    tests: list[tuple[ClaimResult | RecordedClaim, ...]] = [(claim, *claim.recorded) for claim in result.claims]
    stand_ins = [test.stand_in for each in tests for test in each if test.n]
    daggers = marks(stand_ins)
    lines: list[list[str] | str] = []
    for claim in result.claims:
        where = f" ({latex.prose(claim.where)})" if claim.where else ""
        why = rf"\claimreason{{{latex.escape(claim.why)}}}" if claim.why else ""
        least = latex.number(f"{claim.smallest_effect:g}") + rf"\,{latex.escape(claim.unit)}"
        apart = r"\addlinespace[3pt] " if lines else ""
        first = [apart + latex.prose(claim.statement) + where + why, least]
        lines.append(first + _tested(claim, decimals[claim.id], daggers))
        lines += [["", "", *_tested(each, decimals[claim.id], daggers)] for each in claim.recorded]
    columns = ["@{}L{60mm}", "r", "l", "r@{\\enspace}", "l", "r", "r", "l@{}"]
    head = ["Claim", r"$\delta$", "Evidence", r"\multicolumn{2}{c}{Effect, 95\,\% interval}", "$p$", "$n$", "Decision"]
    caption, label = r"Claims. \claimscaption", f"claims:{experiment.id}"
    below = notes(stand_ins, recorded=any(claim.recorded for claim in result.claims))
    return latex.table(columns, head, lines, caption=caption, label=label, notes=below, long=12)


def _tested(test: ClaimResult | RecordedClaim, decimals: int, daggers: dict[str | None, str]) -> list[str]:
    """Cells: evidence, effect, interval, p, n, decision."""
    recorded = isinstance(test, RecordedClaim)
    if test.effect is None:
        return ["--" if test.n == 0 else test.scale, "--", "", "--", str(test.n), decision(test)]
    effect = latex.number(latex.fixed(test.effect, decimals, sign=True))
    if test.stand_in:
        effect = rf"\textit{{{effect}}}{daggers[test.stand_in]}"
    return [
        test.scale + (r"\recordmark{}" if recorded else ""),
        effect,
        latex.interval(*test.ci95, decimals) if test.ci95 else "",
        "--" if test.p is None else _probability(test.p),
        str(test.n),
        decision(test),
    ]


def _probability(p: float) -> str:
    return r"$<\num{0.001}$" if p < 0.001 else latex.number(f"{p:.3f}")


def troubles(experiment: Experiment, result: ExperimentResult) -> str:
    """One sentence for each row whose run failed or diverged, with its log; empty where there is none."""
    labels = {row.id: row.label for row in experiment.rows}
    found = {entry.row: entry for entry in result.entries if entry.verdict in ("failed", "diverged")}
    lines = []
    for row, entry in found.items():
        log = rf"; see {latex.code(entry.log)}" if entry.log else ""
        lines.append(rf"{latex.prose(labels.get(row, row))} ({latex.code(row)}) {entry.verdict}{log}.")
    return rf"\troubles{{{' '.join(lines)}}}" if lines else ""


def numbers_front(entries: list[Entry], papers: list[str]) -> str:
    """The title page's table: published numbers of each paper by best evidence, and by verdict."""
    kinds = [name for name in KINDS if name != "embedded" or count_numbers(entries)[0][name]]
    judged = ["replicated", "not replicated", "inconclusive"]
    lines: list[list[str] | str] = []
    for paper in papers:
        lines.append([rf"\citet{{{paper}}}", *_counts([e for e in entries if e.paper == paper], kinds, judged)])
    lines.append([r"\midrule All", *_counts(entries, kinds, judged)])
    columns = ["@{}l", "r", *["r"] * len(kinds), *["r"] * len(judged), "r@{}"]
    over = rf"& & \multicolumn{{{len(kinds)}}}{{c}}{{Best evidence}} & \multicolumn{{4}}{{c}}{{Its verdict}} \\" + "\n"
    over += rf"\cmidrule(lr){{3-{2 + len(kinds)}}}\cmidrule(l){{{3 + len(kinds)}-{6 + len(kinds)}}}" + "\n"
    head = [over + "Paper", "Numbers", *kinds, *(VERDICTS[name] for name in judged), "none"]
    return latex.table(columns, head, lines)


def _counts(entries: list[Entry], kinds: list[Kind], judged: list[str]) -> list[str]:
    by_kind, by_verdict = count_numbers(entries)
    total = sum(by_kind.values())
    numbers = [total, *(by_kind[name] for name in kinds), *(by_verdict[name] for name in judged)]
    return [str(number) for number in [*numbers, total - sum(by_verdict[name] for name in judged)]]


def claims_front(claims: list[ClaimResult]) -> str:
    """The title page's second table: claims by best evidence and decision."""
    counts = count_claims(claims)
    shown = [name for name in KINDS if name != "embedded" or counts[name]]
    lines: list[list[str] | str] = [
        [name, *(str(counts[name][what]) for what in DECISIONS), str(counts[name].total())] for name in shown
    ]
    totals = [sum(counts[name][what] for name in KINDS) for what in DECISIONS]
    lines.append([r"\midrule All", *map(str, totals), str(sum(totals))])
    return latex.table(["@{}l", *["r"] * len(DECISIONS), "r@{}"], ["Best evidence", *DECISIONS, "Claims"], lines)
