"""A workload that was in the cluster before the run: found, changed with the run's mark on it, noted in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakdrill.errors import BadInput
from leakdrill.record.journal_header import MARK_LABEL
from leakdrill.targets.kubernetes.api import RUN_LABEL
from leakdrill.targets.kubernetes.workload import Workload, state_of
from leakdrill.targets.kubernetes.workload_kind import DEPLOYMENT, KINDS, POD, kind_called

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.journal import Entry, Journal
    from leakdrill.scenario.kubernetes import ExistingWorkload
    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.workload_kind import WorkloadKind


def kind_of_existing(existing: ExistingWorkload) -> WorkloadKind:
    """The kind of what `existing` names."""
    return POD if existing.pod else kind_called(existing.kind) or DEPLOYMENT


def find_workload(cluster: Cluster, existing: ExistingWorkload) -> dict[str, Any]:
    """The object that `existing` names, as it is now.

    Raises:
        BadInput: when there is none, or it has no pods.
        EnvironmentProblem: when the API server refuses or does not answer.
    """
    kind, namespace, name = kind_of_existing(existing), existing.namespace, existing.name
    found = cluster.find(kind.path(namespace, name))
    subject = f"{kind.name} {name} in the namespace {namespace} (context {cluster.context})"
    if found is None:
        others = [other for other in (*KINDS, POD) if cluster.find(other.path(namespace, name))]
        hint = f"{name} is a {others[0].name}: write `{others[0].words[0]}: {name}`" if others else ""
        raise BadInput(f"target.kubernetes.existing: there is no {subject}; expected one that runs", hint=hint)
    if kind.wanted_pods(found) == 0:
        raise BadInput(f"target.kubernetes.existing: the {subject} has no pods; expected one that runs")
    return found


class FoundWorkload:
    """The workload that `existing` names.

    Args:
        cluster: where it runs.
        existing: its kind, its namespace and its name.
        run: the run's id, as an annotation.
        journal: hears of each change before it is made.
        part: as which part of the run.
    """

    def __init__(self, cluster: Cluster, existing: ExistingWorkload, *, run: str, journal: Journal, part: str) -> None:
        self.kind = kind_of_existing(existing)
        self.name = existing.name
        self._cluster = cluster
        self._existing = existing
        self._namespace = existing.namespace
        self._run = run
        self._journal = journal
        self._part = part
        self._changed: Entry | None = None

    def manifest(self) -> dict[str, Any]:
        """The object as it is now.

        Raises:
            BadInput: when there is none, or it has no pods.
            EnvironmentProblem: when the API server refuses or does not answer.
        """
        return find_workload(self._cluster, self._existing)

    def workload(self) -> Workload:
        """What a drill changes, and how the journal hears of it."""
        return Workload(
            self._cluster,
            self.kind,
            namespace=self._namespace,
            name=self.name,
            marks={RUN_LABEL: self._run, MARK_LABEL: self._journal.mark},
            before_change=self._note_before,
        )

    def _note_before(self, path: str, before: Mapping[str, Any], after: Mapping[str, Any], elastic: bool) -> None:
        """Let the journal hear how it was, and what each change makes of it."""
        entry, made = self._changed, state_of(after, path)
        if entry is None:
            more = {"uid": before["metadata"]["uid"], "sets": [made], "elastic": elastic, **self._cluster.place}
            self._changed = self._journal.plan("workload", part=self._part, path=path, **state_of(before, path), **more)
            return
        sets = [entry.data["sets"][-1], made]  # the one before holds until this one is made
        self._changed = self._journal.done(entry, sets=sets, elastic=elastic or entry.data["elastic"])
