"""The audit: which records are confirmatory, and whether freezes, claims and records agree with the history in git."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from remixup.analysis import freezes
from remixup.analysis.freezes import Freeze
from remixup.analysis.history import Commit, Version, content, descends, edited, read_history
from remixup.analysis.on_record import OnRecord
from remixup.analysis.records import HOME
from remixup.analysis.thresholds import thresholds
from remixup.config.claims import Claim
from remixup.config.expansion import expand
from remixup.config.experiment import parse_experiment, read_experiments
from remixup.config.settings import Config
from remixup.config.yaml_loader import parse_yaml
from remixup.errors import UserError
from remixup.files import listed, visible
from remixup.store.blocks import Damaged, EvaluatedBlock, SeedBlock
from remixup.store.run_store import Store, span


@dataclass(frozen=True)
class CommittedFreeze:
    """A freeze that was committed once and never changed."""

    name: str
    freeze: Freeze
    commit: Commit

    def __str__(self) -> str:
        return f"{self.name}, {self.commit}"


@dataclass(frozen=True)
class Line:
    """What the audit says about a claim."""

    claim: str
    first_commit: Commit | None
    frozen: CommittedFreeze | None
    first_run: str | None
    """ISO 8601 time at which the first record of one of its rows was started."""
    last_change: Commit | None
    """The last commit since the freeze that changed the claim."""
    confirmatory: int
    """Seeds of the freeze that all rows of the claim have confirmatory records of."""


def why_exploratory(block: SeedBlock, frozen: CommittedFreeze | None) -> str | None:
    """Say why a record is exploratory; None: it is confirmatory.

    Args:
        block: the record.
        frozen: the freeze that its provenance names, if that is an intact one.
    """
    made = block.provenance
    if made.freeze is None:
        return "it was trained under no freeze"
    if frozen is None:
        return "its freeze is not in protocols/, or was edited"
    if not made.code.clean:
        return f"the tree was dirty when it was trained under {frozen.name}"
    if datetime.fromisoformat(made.started) < frozen.commit.time:
        return f"its run is older than its freeze {frozen.name}"
    if not descends(made.code.commit or "", frozen.commit.id):
        return f"its commit does not descend from that of its freeze {frozen.name}"
    return None if frozen.freeze.fits(block) else f"its freeze {frozen.name} has another run or other seeds"


class Audit:
    """Compare freezes, claims and records with the history in git.

    Args:
        config: says which versions of datasets rows have.

    Raises:
        UserError: there is no whole history, or an experiment file or a record is damaged.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.experiments = read_experiments()
        self.versions = read_history("experiments", str(freezes.HOME))
        self.faults: list[str] = []
        self.frozen = sorted(self._intact(), key=lambda each: each.commit.position)
        """The intact freezes, by commit."""
        self._by_digest = {each.freeze.digest: each for each in self.frozen}
        self._confirmatory: set[tuple[str, str, int]] = set()
        """Digest of a freeze, run and seed of each confirmatory record."""
        self._check_records()
        self._check_evaluations()
        self._check_seeds()
        self._check_files()
        for each in self.frozen:
            self._check_claims(each)

    def _intact(self) -> Iterator[CommittedFreeze]:
        """Yield the freezes that are as they were committed, and note what is wrong with the others."""
        history: dict[str, list[Version]] = {}
        for version in self.versions:
            if version.path.startswith(f"{freezes.HOME}/") and version.path.endswith(".json"):
                history.setdefault(Path(version.path).stem, []).append(version)
        for name in sorted({*history, *freezes.names()}):
            path, commits = freezes.path(name), history.get(name, [])
            try:
                freeze = Freeze.read(path)
            except Damaged as error:
                self.faults.append(f"{error}; a freeze is never edited or removed")
                continue
            if len(commits) > 1:
                self.faults.append(f"{path}: it was edited: {len(commits)} commits changed it")
            elif not commits:
                self.faults.append(f"{path}: it is not committed")
            elif commits[0].content != path.read_bytes():
                self.faults.append(f"{path}: it differs from its commit {commits[0].commit}")
            else:
                yield CommittedFreeze(name, freeze, commits[0].commit)

    @cached_property
    def _blocks(self) -> list[tuple[Path, SeedBlock]]:
        """All files of records, also those of seeds that were trained again."""
        store = Store(HOME)
        return [(path, SeedBlock.read(path)) for run in visible(store.runs, "*") for path in store.files(run.name)]

    def _check_records(self) -> None:
        """Note records that name a freeze and are not confirmatory."""
        wrong: dict[str, list[Path]] = {}
        for path, block in self._blocks:
            digest = block.provenance.freeze or ""
            reason = why_exploratory(block, self._by_digest.get(digest))
            if reason is None:
                self._confirmatory |= {(digest, block.run, seed) for seed in block.seeds}
            elif digest:
                wrong.setdefault(reason, []).append(path)
        for reason, paths in wrong.items():
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            self.faults.append(f"{paths[0]}{more}: {reason}")

    def _check_evaluations(self) -> None:
        """Note evaluations of frozen runs that were not measured by clean sources that descend from the freeze."""
        store = Store(HOME)
        for each in self.frozen:
            for key in each.freeze.evaluations:
                for path in listed(store.evaluations / key):
                    made = EvaluatedBlock.read(path).provenance
                    own = (found := span(path)) and set(range(found[0], found[1] + 1)) <= set(each.freeze.seeds)
                    if made and own and not (made.code.clean and descends(made.code.commit or "", each.commit.id)):
                        self.faults.append(f"{path}: it was not measured by clean sources that descend from {each}")

    def _check_seeds(self) -> None:
        """Note seeds of a freeze that a record or another freeze of the same run had before."""
        used: dict[tuple[str, int], str] = {}
        for each in self.frozen:
            pairs = {(run, seed) for run in each.freeze.runs.values() for seed in each.freeze.seeds}
            before = {pair: used[pair] for pair in pairs & used.keys()}
            for path, block in self._blocks:
                foreign = block.provenance.freeze != each.freeze.digest
                if foreign and datetime.fromisoformat(block.provenance.started) < each.commit.time:
                    before |= {(block.run, seed): str(path) for seed in block.seeds if (block.run, seed) in pairs}
            for (run, seed), where in sorted(before.items()):
                self.faults.append(f"{freezes.path(each.name)}: seed {seed} of {run} was used before, in {where}")
            used |= dict.fromkeys(pairs, str(freezes.path(each.name)))

    def _check_files(self) -> None:
        """Note seeds of a freeze that were recorded twice, and files of its results that were edited or removed."""
        changed = [(Path(name), seeds) for name in edited(str(HOME)) if (seeds := span(Path(name)))]
        for each in self.frozen:
            where, frozen = freezes.path(each.name), each.freeze
            pairs = {(run, seed) for run in frozen.runs.values() for seed in frozen.seeds}
            first: dict[tuple[str, int], Path] = {}
            for path, block in self._blocks:
                own = pairs & {(block.run, seed) for seed in block.seeds}
                for other in sorted({first[pair] for pair in own & first.keys()}):
                    self.faults.append(f"{path}: has seeds of {where} that {other} has, too")
                first |= dict.fromkeys(own, path)
            results = {*frozen.runs.values(), *frozen.evaluations}
            for path, (lowest, highest) in changed:
                if path.parent.name in results and lowest <= frozen.seeds[-1] and highest >= frozen.seeds[0]:
                    self.faults.append(f"{path}: a result of {where} was edited or removed")

    def _latest(self, experiment: str, claim: str) -> dict[str, CommittedFreeze]:
        """Return the last freeze of a claim at each scale."""
        own = (each for each in self.frozen if each.freeze.experiment == experiment and claim in each.freeze.claims)
        return {each.freeze.scale: each for each in own}

    def _check_claims(self, frozen: CommittedFreeze) -> None:
        """Note claims whose last freeze this is and that are not as they were, and other rows and thresholds."""
        freeze, path = frozen.freeze, freezes.path(frozen.name)
        own = [name for name in freeze.claims if self._latest(freeze.experiment, name)[freeze.scale] is frozen]
        if not own:
            return
        if freeze.experiment not in self.experiments:
            self.faults.append(f"{path}: there is no experiment {freeze.experiment} any more")
            return
        file, experiment = self.experiments[freeze.experiment]
        claims = {claim.id: freezes.frozen_fields(claim) for claim in experiment.claims}
        for name in own:
            if claims.get(name) != freeze.claims[name]:
                done = "edited" if name in claims else "removed"
                self.faults.append(f"{freeze.experiment}/{name}: the claim was {done} since its freeze {frozen}")
        now = thresholds()
        for name, value in freeze.thresholds.items():
            if now.get(name) != value:
                self.faults.append(f"{path}: the threshold {name} was {value:g}, and is {now.get(name)} now")
        try:
            plan = freezes.frozen_plan(freeze, file, experiment, self.config)
        except UserError as error:
            self.faults.append(f"{path}: {error}")
            return
        frozen_claims = [claim for claim in experiment.claims if claim.id in freeze.claims]
        primary = freezes.primary_claims(experiment, frozen_claims)
        judged_by = {**freezes.judged_by(plan, freeze.runs), "primary_claims": primary}
        for key, then in self._judged_by(frozen, file).items():
            if changed := _changed(then, judged_by[key]):
                self.faults.append(f"{path}: its {key.replace('_', ' ')} changed: {', '.join(changed)}")

    def _judged_by(self, frozen: CommittedFreeze, file: Path) -> dict[str, Any]:
        """Return what else verdicts depend on, as of a freeze.

        A freeze of schema version 1 says nothing of it: the experiment file of its commit does, if it can be read.
        """
        freeze = frozen.freeze
        if freeze.schema_version > 1:
            return {name: getattr(freeze, name) for name in freezes.FIXED_SINCE_2}
        try:
            experiment = parse_experiment(content(frozen.commit.id, str(file)).decode(), str(file))
            return freezes.judged_by(freezes.frozen_plan(freeze, file, experiment, self.config), freeze.runs)
        except UserError:
            return {}

    @cached_property
    def _claims(self) -> dict[str, list[tuple[Commit, dict[str, Any]]]]:
        """Experiment -> each commit of its file, wherever it was, and its claims by id, without `where`."""
        found: dict[str, list[tuple[Commit, dict[str, Any]]]] = {}
        for version in self.versions:
            try:
                document = expand(parse_yaml(version.content.decode(), version.path))
                claims = {claim.pop("id"): claim | {"where": ""} for claim in document.get("claims", [])}
                found.setdefault(document["id"], []).append((version.commit, claims))
            except (UserError, AttributeError, LookupError, TypeError):  # it was removed, or had another format
                continue
        return found

    def _last_change(self, claim: str, frozen: CommittedFreeze) -> Commit | None:
        """Return the last commit since a freeze that changed a claim, also if another one changed it back."""
        last = before = None
        for commit, claims in self._claims.get(frozen.freeze.experiment, []):
            if commit.position > frozen.commit.position and claims.get(claim) != before:
                last = commit
            before = claims.get(claim)
        return last

    def lines(self) -> Iterator[Line]:
        """Yield a line for each claim that has a freeze or a record, and for each of its freezes."""
        for name, (path, experiment) in self.experiments.items():
            on_record = OnRecord(path, experiment, self.config)
            for claim in experiment.claims:
                measured = (each for row in claim.rows for each in on_record.found[row].values())
                blocks = (block for results, planned in measured for block in results.blocks(planned))
                started = (block.provenance.started for block in blocks)
                first_run = min(started, key=datetime.fromisoformat, default=None)
                own = self._latest(name, claim.id).values() or ([None] if first_run else [])
                for each in own:
                    changed = self._last_change(claim.id, each) if each else None
                    count = self._count(claim, each) if each else 0
                    commits = (commit for commit, claims in self._claims.get(name, []) if claim.id in claims)
                    yield Line(f"{name}/{claim.id}", next(commits, None), each, first_run, changed, count)

    def _count(self, claim: Claim, frozen: CommittedFreeze) -> int:
        runs, digest = [frozen.freeze.runs.get(row, "") for row in claim.rows], frozen.freeze.digest
        return sum(all((digest, run, seed) in self._confirmatory for run in runs) for seed in frozen.freeze.seeds)


def _changed(then: Any, now: Any) -> list[str]:
    """Return the keys whose values differ, or the items of two lists that are in one of them only."""
    if isinstance(then, dict):
        return sorted(key for key in {*then, *now} if then.get(key) != now.get(key))
    return [str(each) for each in [*then, *now] if (each in then) != (each in now)]
