"""The report as a whole: set by LaTeX from made-up results."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from remixup.analysis.best_evidence import summary
from remixup.analysis.result_schema import Code, Cost, Replication
from remixup.config.experiment import Experiment
from remixup.costs.estimate import SeedCosts
from remixup.errors import UserError
from remixup.planning.plan import overlaid_run
from remixup.reporting import build
from remixup.reporting.experiment_section import section
from remixup.reporting.missing_runs import Lacking, Outstanding
from remixup.reporting.table_builder import TableBuilder
from remixup.reporting.typeset import OPTIONS, _surroundings, typeset

from .minimal_report import PAPER, minimal
from .pdf_text import pages
from .sample_evaluations import evaluated, words
from .sample_results import COMMIT, environment, noise, replication, tabular


@dataclass
class Report:
    """A report that was set."""

    generated: Path
    log: str
    pdf: bytes

    def read(self, name: str) -> str:
        return (self.generated / name).read_text(encoding="utf-8")


def empty(code: Code) -> Replication:
    """A report of nothing."""
    return Replication(scale="paper", code=code, summary=summary([], []), entries=[], claims=[])


def wanting(*experiments: Experiment) -> Outstanding:
    """What experiments lack."""
    costs = SeedCosts({"run": 1e18}, {"run": 3600.0}, "NVIDIA H100")
    return Outstanding([Lacking(each, 12, 3, {"run": 5}) for each in experiments], costs)


def set_report(folder: Path) -> Report:
    generated = folder / "generated"
    both = (noise(), tabular(), evaluated(), words())
    for experiment, result in both:
        build.write_assets(experiment, result, generated)
    experiments, results = zip(*both, strict=True)
    whole = replication(*results)
    build.write_front(list(results), list(experiments), whole, environment(), wanting(experiments[0]), generated)
    typeset(PAPER / "supplement.tex", generated, folder / "work", folder / "out" / "supplement.pdf")
    log = (folder / "work" / "supplement.log").read_text(encoding="utf-8", errors="replace")
    return Report(generated, log, (folder / "out" / "supplement.pdf").read_bytes())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return set_report(tmp_path_factory.mktemp("report"))


def test_every_page_names_the_scale(report: Report) -> None:
    count = re.search(r"Output written on \S+ \((\d+) pages", report.log)
    assert count
    found = pages(report.pdf)
    assert len(found) == int(count[1]) >= 8
    assert all("Scale:embedded" in text for text in found)
    assert all("withuncommittedchanges" in text for text in found)


def test_what_the_evidence_says_stands_before_the_papers(report: Report) -> None:
    found = pages(report.pdf)
    (chapter,) = [index for index, text in enumerate(found) if "Whatwassupported." in text]
    assert "Whatwasnot." in found[chapter]
    assert chapter < max(index for index, text in enumerate(found) if "Corruptedlabels&memorization" in text)
    text = report.read("evidence.tex")
    assert [text.count(rf"\ref{{exp:{name}}}") for name in ("made-up", "evaluated", "words")] == [2, 1, 0]
    assert r"\hyperref[claims:evaluated]{no-more}" in text


def test_nothing_sticks_out(report: Report) -> None:
    boxes = re.findall(r"Overfull \\[hv]box \(([0-9.]+)pt too \w+\).*", report.log)
    assert [width for width in boxes if float(width) > 1] == []
    assert "Float too large" not in report.log
    assert "LaTeX Font Warning" not in report.log
    assert "undefined" not in report.log


def test_tables_stay_in_place_and_leave_room_for_figures(report: Report, tmp_path: Path) -> None:
    """Set a table below a figure, then a figure that no longer fits, then a table that the page has no room for."""
    figure = r"\begin{figure}[!%s]\rule{1mm}{%dmm}\caption{F.}\end{figure}" + "\n\n"
    table = TableBuilder([])
    for number in range(8):
        table.line(f"line {number}", *[""] * 11)
    first, second = (table.render("results.tex", "T.", label, more=["note"]) for label in "tu")
    body = [figure % ("t", 60), "alpha\n\n", first, "\n\nbeta\n\n", figure % ("htbp", 130)]
    body += [r"\rule{1mm}{70mm}" + "\n\n", "gamma\n\n", second, "\n\ndelta"]
    preamble = (PAPER / "supplement.tex").read_text(encoding="utf-8").partition(r"\begin{document}")[0]
    source = preamble + "\\begin{document}\n" + "".join(body) + "\n\\end{document}\n"
    (tmp_path / "small.tex").write_text(source, encoding="utf-8")
    environment = _surroundings(PAPER, report.generated)
    command = ["pdflatex", *OPTIONS, "small.tex"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout
    assert "too high" not in done.stdout
    one, two = pages((tmp_path / "small.pdf").read_bytes())
    places = [one.index(word) for word in ("alpha", "T.", "Published", "line7", "note", "beta", "gamma")]
    assert places == sorted(places)
    assert "line" not in one[places[-1] :], "there is no room for its eight lines"
    assert two.index("Published") < two.index("line0") < two.index("line7") < two.index("delta")
    assert "continued" not in one + two


def test_numbers_and_notes_reach_the_page(report: Report) -> None:
    text = "".join(pages(report.pdf))
    assert "Surrogate:scikit-learn'sdigitsforCIFAR-10,andanarrownetwork" in text
    assert "Quotedbythepaper" in text
    assert "188.94" in text


def test_counts_on_the_title_page(report: Report) -> None:
    # Published: 6 rows x 2 metrics made up for the noise, 6 x 2 rows for the tabular sets. Of the noise's, ERM at 20 %
    # has surrogates alone, dropout at 20 % failed, and the other 8 are on record; two of those, at paper scale too, far
    # off. All 12 tabular ones are at paper scale. The evaluated experiment adds one, on a surrogate. Runs: a and b, and
    # two of three seeds. The evaluated claims are open: they have three seeds.
    text = " ".join(report.read("title.tex").split())
    for said in (
        r"compares \counted{25}{published number}{published numbers} from \counted{1}{paper}{papers}",
        r"in \counted{3}{experiment}{experiments}",
        r"published protocol exist for 20 of the numbers",
        r"\counted{18}{is}{are} replicated, \counted{2}{is}{are} not, and \counted{0}{is}{are} inconclusive",
        r"\counted{3}{rests}{rest} on a surrogate (0 on real data",
        r"\counted{2}{has}{have} no complete runs",
        r"Of \counted{8}{claim}{claims}",
        "support~1, contradict~1 and show no effect of interest for~1; 0 show the claimed sign",
        "agree with 0 and disagree with~0; 4 are open on them",
        r"\counted{1}{claim has}{claims have} no runs",
        "No run decides 2 definitions",
        "1 further sentences",
        r"The \counted{4}{run}{runs} behind this report took \num{2581} seconds",
    ):
        assert said in text, said
    assert r"All & 25 & 20 & 18 & 2 & 0 & 3 & 0 & 2 \\" in text
    macros = dict(re.findall(r"\\newcommand\{\\(\w+)\}\{(.*)\}", report.read("macros.tex")))
    assert (macros["ScaleName"], macros["DirtyNote"]) == ("embedded", "with uncommitted changes")
    assert macros["CommitDate"] == "undated", "git does not know the made-up commit"


def test_every_macro_is_used(report: Report) -> None:
    sources = [PAPER / "supplement.tex", *(PAPER / "sections").glob("*.tex"), *(PAPER / "templates").glob("*.tex")]
    source = "".join(path.read_text() for path in sources)
    for name in re.findall(r"\\newcommand\{(\\\w+)\}", report.read("macros.tex")):
        assert re.search(re.escape(name) + r"(?![A-Za-z])", source), name


def test_appendix_holds_the_provenance(report: Report) -> None:
    text = report.read("appendix.tex")
    plain = text.replace(r"\allowbreak{}", "")
    assert rf"Commit of the sources & \texttt{{{COMMIT}}}" in plain
    assert "State of the sources & differed from it" in plain
    assert rf"\texttt{{{'cd' * 32}}}" in plain
    assert "torch 2.13.0, scikit-learn 1.9.0" in plain
    assert rf"\texttt{{digits}} \citep{{uci}} & \texttt{{scikit-learn}} & \texttt{{{'ab' * 6}}} & CC BY 4.0 \\" in plain
    # Two experiments share run a: 1 run of 2 seeds, 12.4 s; b has 3 seeds, 100 s; two more have 3 each, 1234.5 s.
    row = r"Corrupted labels \& memorization & \num{1} & \num{1} & \num{2} & \num{12} & cpu, Some CPU, 2 cores"
    assert row in plain
    assert r"Small networks on tabular data & \num{2} & \num{1} & \num{5} & \num{112} &" in plain
    assert r"What is measured afterwards & \num{2} & \num{0} & \num{6} & \num{2469} & cuda, Card erm; " in plain
    assert r"counted once & \num{4} & \num{1} & \num{11} & \num{2581} &" in plain
    assert "What else is said" not in plain, "an experiment without rows takes no time"
    assert rf"2025-11-03 & reduced & \texttt{{{COMMIT[::-1][:12]}}} & bfloat16 & NVIDIA H100 80GB HBM3 & 8" in plain


def test_section_has_its_parts_in_order(report: Report) -> None:
    text = " ".join(report.read("made-up.tex").split())
    places = [
        text.index(part)
        for part in (
            r"\experiment{Corrupted labels \& memorization}{made-up}{Replicates Table 9.}",
            r"\citep{he2016}",
            r"Table~\ref{tab:made-up-verdicts} (verdicts), Table~\ref{claims:made-up} (claims) and Figure",
            r"Its \num{1}~run (\num{2}~seeds) took \num{12}~seconds of training on cpu, Some CPU, 2 cores.",
            r"\troubles{",
            r"\begin{choices}",
            r"\label{tab:made-up-all}",
            r"\label{claims:made-up}",
            r"\includegraphics{made-up-curves.pdf}",
        )
    ]
    assert places == sorted(places)
    assert re.search(r"\\caption\{Test error by epoch\..*\\surrogatemark\{\}~Surrogate: scikit-learn's digits", text)
    assert "Surrogate" not in report.read("tabular.tex")


def test_an_experiment_of_sentences_has_summary_and_list(report: Report) -> None:
    text = report.read("words.tex")
    opening, _, items = text.partition(r"\begin{sentences}")
    wanted = r"\experiment{What else is said}{words}{Throughout.} Sentences that no run decides."
    assert " ".join(opening.split()) == wanted, "no results, no time"
    assert items.count(r"\item") == 2


def test_tables_of_another_scale_leave_one_line(report: Report) -> None:
    text = report.read("evaluated.tex")
    assert r"\elsewhere{paper}{What takes days.}" in text
    assert "tab:evaluated-elsewhere" not in text, "a table that is not there is not referred to"
    assert r"Table~\ref{tab:evaluated-grid}" in text


def test_time_is_told_machine_by_machine() -> None:
    experiment, result = evaluated()

    def text(*costs: Cost) -> str:
        return " ".join(section(experiment, result.model_copy(update={"costs": list(costs)})).split())

    first, second = (rf"\num{{1234}}~seconds of training on cuda, Card {name}" for name in ("erm", "mixup"))
    assert rf"Its \num{{2}}~runs (\num{{6}}~seeds) took {first} and {second}." in text(*result.costs)
    short = result.costs[0].model_copy(update={"seeds": [4], "seconds": 3.14})
    took = r"\num{3.1}~seconds of training on cuda, Card erm"
    assert rf"Its \num{{1}}~run (\num{{1}}~seed) took {took}." in text(short)
    assert r"\num{1}~run (\num{2}~seeds) took \num{6.3}" in text(short, short.model_copy(update={"seeds": [5]}))
    assert "Nothing was run for it at this scale." in text()


def test_an_experiment_without_tables_still_shows_its_numbers(tmp_path: Path) -> None:
    experiment, result = tabular()
    bare = experiment.model_copy(update={"tables": [], "figures": []})
    (section,) = build.write_assets(bare, result, tmp_path)
    text = section.read_text()
    assert r"\label{tab:tabular-results}" in text
    assert "74.0" in text


def test_figures_see_the_settings_that_a_row_takes_from_elsewhere() -> None:
    document = tabular()[0].model_dump()
    document["run"] = {"epochs": 10, "mixing": {"partner": "permutation"}}
    ratio = {"mixing": {"ratio": {"name": "beta", "alpha": 1.0}}}
    shorter = {"embedded": {"run": {"epochs": 3}}}
    document["variations"] = {"mixup": {"run": ratio, "scales": shorter}}
    document["rows"][0] |= {"use": ["mixup"], "run": {"mixing": {"ratio": {"alpha": 0.5}}}}
    experiment = type(tabular()[0]).model_validate(document)
    row = experiment.rows[0]
    mixed = {"ratio": {"name": "beta", "alpha": 0.5}, "partner": "permutation"}
    assert overlaid_run(experiment, row, "embedded") == {"epochs": 3, "mixing": mixed}
    assert overlaid_run(experiment, row, "paper") == {"epochs": 10, "mixing": mixed}


def test_assets_are_listed_and_nothing_else_is_left(tmp_path: Path) -> None:
    experiment, result = tabular()
    written = build.write_assets(experiment, result, tmp_path / "deep" / "folder")
    assert [path.name for path in written] == ["tabular-sweep.pdf", "tabular-surfaces.pdf", "tabular.tex"]
    assert sorted(written) == sorted((tmp_path / "deep" / "folder").iterdir())


@pytest.mark.slow
def test_another_process_at_another_place_gives_the_same_bytes(tmp_path: Path, report: Report) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.unit.reporting.test_build import set_report\n"
        "set_report(Path(sys.argv[1]))"
    )
    changed = {**os.environ, "PYTHONHASHSEED": "12345", "SOURCE_DATE_EPOCH": "1000000000", "TZ": "Asia/Tokyo"}
    place = tmp_path / "another place"
    subprocess.run([sys.executable, "-c", program, str(place)], env=changed, cwd=PAPER.parent, check=True)
    names = sorted(path.name for path in report.generated.iterdir())
    assert {"tabular-sweep.pdf", "tabular-surfaces.pdf", "made-up-curves.pdf", "tabular.tex"} <= set(names)
    for name in names:
        assert (place / "generated" / name).read_bytes() == (report.generated / name).read_bytes(), name
    assert (place / "out" / "supplement.pdf").read_bytes() == report.pdf
    assert b"CreationDate" not in (report.generated / "tabular-sweep.pdf").read_bytes()


@pytest.mark.parametrize(
    ("code", "commit", "note", "state"),
    [
        (Code(commit=COMMIT, dirty=False), r"\texttt{0123456789ab}", "", "as committed"),
        (Code(commit=COMMIT, dirty=True), r"\texttt{0123456789ab}", "with uncommitted changes", "differed from it"),
        (Code(commit=None, dirty=None), "outside a repository", "state unknown", "not known"),
    ],
)
def test_origin_is_told_as_it_is(tmp_path: Path, code: Code, commit: str, note: str, state: str) -> None:
    whole = empty(code)
    build.write_front([], [noise()[0]], whole, {**environment(), "lock": None}, wanting(), tmp_path)
    macros = (tmp_path / "macros.tex").read_text()
    assert rf"\newcommand{{\Commit}}{{{commit}}}" in macros
    assert rf"\newcommand{{\DirtyNote}}{{{note}}}" in macros
    assert r"\newcommand{\ScaleName}{paper}" in macros
    appendix = (tmp_path / "appendix.tex").read_text()
    assert f"State of the sources & {state}" in appendix
    assert "no lock file" in appendix
    assert "Results on record" not in appendix


def test_the_day_is_that_of_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "GIT_COMMITTER_DATE": "2021-02-03T12:00:00Z",
        "GIT_AUTHOR_DATE": "2020-01-01T12:00:00Z",
    }.items():
        monkeypatch.setenv(name, value)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "-m", "m"], check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    whole = Replication(
        scale="paper", code=Code(commit=commit, dirty=False), summary=summary([], []), entries=[], claims=[]
    )
    build.write_front([], [], whole, environment(), wanting(), tmp_path / "generated")
    assert r"\newcommand{\CommitDate}{2021-02-03}" in (tmp_path / "generated" / "macros.tex").read_text()
    surroundings = _surroundings(PAPER, tmp_path / "generated")
    assert surroundings["SOURCE_DATE_EPOCH"] == "1612310400", "midnight of that day, UTC"


def test_sections_stand_under_their_papers(tmp_path: Path) -> None:
    first, second = noise()[0], tabular()[0]
    between = second.model_copy(update={"id": "between", "paper": "zhang2021"})
    whole = Replication(
        scale="paper", code=Code(commit=None, dirty=None), summary=summary([], []), entries=[], claims=[]
    )
    build.write_front([], [first, between, second], whole, environment(), wanting(), tmp_path)
    assert (tmp_path / "experiments.tex").read_text().split() == [
        r"\papersection{zhang2018mixup}",
        r"\input{made-up.tex}",
        r"\input{tabular.tex}",
        r"\papersection{zhang2021}",
        r"\input{between.tex}",
    ]


def test_a_latex_error_names_log_and_line(tmp_path: Path) -> None:
    arguments = minimal(tmp_path, "fine\n\\nosuchcommand")
    arguments["target"].parent.mkdir()
    arguments["target"].write_bytes(b"the old one")
    with pytest.raises(UserError) as caught:
        typeset(**arguments)
    assert caught.value.where == str(tmp_path / "work" / "short.log")
    assert "short.tex:4: Undefined control sequence" in str(caught.value)
    assert arguments["target"].read_bytes() == b"the old one"
    assert [path.name for path in arguments["target"].parent.iterdir()] == ["short.pdf"]
    # What it left behind does not spoil the next build.
    arguments["source"].write_text("\\documentclass{article}\\begin{document}x\\end{document}")
    typeset(**arguments)
    assert arguments["target"].read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("body", [r"\cite{nobody2020}", r"\ref{nowhere}"])
def test_a_reference_to_nothing_is_an_error(tmp_path: Path, body: str) -> None:
    with pytest.raises(UserError, match=r"nobody2020|nowhere"):
        typeset(**minimal(tmp_path, body))
    assert not (tmp_path / "out").exists()


def test_without_latex_the_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = minimal(tmp_path, "x")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"latexmk and pdflatex not found.*paper/get-latex.*texlive-latex-recommended"):
        typeset(**arguments)
