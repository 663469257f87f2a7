"""Names for the settings of surrogates, and the tables that define them."""

from __future__ import annotations

from collections.abc import Iterable

from remixup.analysis.result_schema import ClaimTest, ExperimentResult
from remixup.config.claims import Claim
from remixup.config.experiment import Experiment
from remixup.config.settings import Scale
from remixup.reporting import latex
from remixup.reporting.table_builder import NOTHING, Sample, TableBuilder


class Settings:
    """Name the surrogate settings s1, s2, ... in the order in which the tables use them.

    The letters of the article are of pairs of ERM and mixup, and follow another order.
    """

    def __init__(self, results: Iterable[ExperimentResult]) -> None:
        self._numbers: dict[str, int] = {}
        self._used: dict[str, dict[str, None]] = {}
        self._data: dict[str, dict[str, None]] = {}
        self._of_rows: dict[tuple[str, str, Scale], list[str]] = {}
        for entry in (entry for result in results for entry in result.entries):
            samples: list[Sample] = [entry, *entry.recorded]
            for sample in samples:
                if sample.surrogate:
                    self._of_rows.setdefault((entry.experiment, entry.row, sample.scale), []).append(sample.surrogate)
                    self._data.setdefault(sample.surrogate, {})[sample.dataset_version] = None

    def names(self, surrogates: Iterable[str], experiment: str) -> str:
        """Return the names of surrogates that an experiment uses."""
        numbers = set()
        for each in surrogates:
            numbers.add(self._numbers.setdefault(each, len(self._numbers) + 1))
            self._used.setdefault(each, {})[experiment] = None
        return ", ".join(f"s{number}" for number in sorted(numbers))

    def compared(self, claim: Claim, experiment: str, test: ClaimTest) -> str:
        """Return the names of the surrogates that a test of a claim compares; empty for the published setting."""
        if not test.surrogate:
            return ""
        compared = set(test.surrogate.split("; "))
        found = [text for row in claim.rows for text in self._of_rows.get((experiment, row, test.scale), [])]
        surrogates = [text for text in dict.fromkeys(found) if compared.issuperset(text.split("; "))]
        return self.names(surrogates or [test.surrogate], experiment)

    def table(self) -> str:
        """Print what each name stands for."""
        table = TableBuilder()
        for surrogate, number in self._numbers.items():
            used = ", ".join(rf"\ref{{exp:{each}}}" for each in self._used[surrogate])
            data = ", ".join(map(latex.escape, self._data.get(surrogate, [])))
            table.line(f"s{number}", data, latex.prose(surrogate), used)
        caption = (
            r"Settings: how surrogates differ from the published settings. Names follow the "
            r"order in which the tables use them; the letters of the article are others."
        )
        columns = "@{}L{6mm}L{39mm}L{102mm}L{25mm}@{}"
        return table.render(columns, r" & Data, version & Difference & Used in", caption, "tab:settings", "Settings")

    def fits(self, experiments: list[Experiment], results: dict[str, ExperimentResult]) -> str:
        """Print how well ERM fits in each setting that a table names, a line for each run."""
        lines: dict[int, list[list[str]]] = {number: [] for number in self._numbers.values()}
        seen: set[tuple[int, str]] = set()
        for experiment in experiments:
            for row in experiment.rows:
                for fit in results[experiment.id].fits.get(row.id, []):
                    number = self._numbers.get(fit.surrogate or "")
                    if number is None or fit.scale == "embedded" or not fit.erm or (number, fit.run) in seen:
                        continue
                    seen.add((number, fit.run))
                    percents = (fit.training_loss, fit.fits_at, fit.training_error, fit.corrupted_error)
                    values = (*percents, fit.test_error, fit.linear_error)
                    label = ": ".join(filter(None, [experiment.title, row.group, row.label]))
                    shown = (NOTHING if each is None else latex.number(latex.fixed(each, 1)) for each in values)
                    cells = [f"s{number}", latex.prose(label), str(fit.n), *shown, str(len(fit.failed_seeds))]
                    lines[number].append(cells)
        table = TableBuilder()
        for each in (cells for own in lines.values() for cells in own):
            table.line(*each)
        caption = (
            r"What decides whether a setting is informative: networks trained by ERM. \emph{Loss}: final training "
            r"loss, in \% of the logarithm of the number of classes; \emph{at}: \% of the schedule after which it "
            r"first is at most~5; then errors in \%: training, on corrupted training labels, test, and test error "
            r"of tuned logistic regression; \emph{failed}: seeds whose test error is nearly that of chance."
        )
        head = r" & ERM in & $n$ & Loss & At & Train &  Corr. & Test & Logist. & Failed"
        return table.render("@{}lL{89mm}R{5mm}*{6}{R{9mm}}R{8mm}@{}", head, caption, "tab:fits")
