"""The kinds of workload that a drill can be run on: what each has, and when one of them is as its template wants it.

Source of the fields and of when a rollout is over: the API reference of apps/v1, and `kubectl rollout status`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_PREFIXES: Final = {1: 58, 2: 46}
"""Of a pod's name: what is left of a longer name once its random parts have found room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadKind:
    """One kind.

    Attributes:
        name: as a manifest says it.
        words: what `kubectl` and scenarios call it; the last is its name in API paths.
        scalable: whether somebody else than the cluster chooses how many pods there are.
        one_by_one: whether its pods are replaced in turn, each when the one before serves.
        parts: of its pods' names, how many random parts follow the workload's; 0 where they are numbered.
        single: whether it is a pod itself, which nothing replaces.
    """

    name: str
    words: tuple[str, ...]
    scalable: bool
    one_by_one: bool
    parts: int
    single: bool = False

    @property
    def plural(self) -> str:
        """Its name in API paths."""
        return self.words[-1]

    @property
    def state(self) -> tuple[str, ...]:
        """The parts of its `spec` that a drill may change."""
        return ("replicas", "template") if self.scalable else ("template",)

    def path(self, namespace: str, name: str) -> str:
        """Where the one called `name` is on the API server."""
        group = "/api/v1" if self.single else "/apis/apps/v1"
        return f"{group}/namespaces/{namespace}/{self.plural}/{name}"

    def pod_names(self, workload: str) -> str:
        """The pattern of the names that the pods of `workload` have."""
        if self.single:
            return _literal(workload)
        if self.parts == 0:
            return _literal(workload) + "-[0-9]+"
        longest = _LONGEST_PREFIXES[self.parts]
        if len(workload) > longest:
            return _literal(workload[:longest]) + ".*"
        return _literal(workload) + ("-[a-z0-9]+" if self.parts > 1 else "") + "-[a-z0-9]{5}"

    def wanted_pods(self, manifest: Mapping[str, Any]) -> int:
        """How many pods `manifest` is to have: the cluster counts the nodes of a DaemonSet."""
        if self.single:
            return 1
        if self.scalable:
            return int(manifest["spec"].get("replicas", 1))
        return int((manifest.get("status") or {}).get("desiredNumberScheduled", 0))

    def rolled_out(self, manifest: Mapping[str, Any]) -> bool:
        """Whether every pod that an update replaces is as the newest template wants it, and all are available."""
        status, wanted = manifest.get("status") or {}, self.wanted_pods(manifest)
        if self.single:
            conditions = {one["type"]: one["status"] for one in status.get("conditions") or []}
            return conditions.get("Ready") == "True"
        seen = int(status.get("observedGeneration", 0)) >= int(manifest["metadata"].get("generation", 0))
        updated, made, available = (int(status.get(field, 0)) for field in _COUNTS[self.name])
        needs_update = 0 if why_none_is_replaced(manifest) else wanted - _kept(manifest)
        some = wanted > 0 or self.scalable
        return seen and some and made == wanted and needs_update <= updated <= wanted and available >= wanted


_COUNTS: Final = {
    "Deployment": ("updatedReplicas", "replicas", "availableReplicas"),
    "StatefulSet": ("updatedReplicas", "replicas", "readyReplicas"),
    "DaemonSet": ("updatedNumberScheduled", "currentNumberScheduled", "numberAvailable"),
}
"""In `status`: the pods of the newest template, all pods, and those that serve. Kubernetes before 1.22 does not count
the available pods of a StatefulSet."""

DEPLOYMENT: Final = WorkloadKind(
    name="Deployment", words=("deployment", "deploy", "deployments"), scalable=True, one_by_one=False, parts=2
)
STATEFUL_SET: Final = WorkloadKind(
    name="StatefulSet", words=("statefulset", "sts", "statefulsets"), scalable=True, one_by_one=True, parts=0
)
DAEMON_SET: Final = WorkloadKind(
    name="DaemonSet", words=("daemonset", "ds", "daemonsets"), scalable=False, one_by_one=True, parts=1
)
POD: Final = WorkloadKind(
    name="Pod", words=("pod", "po", "pods"), scalable=False, one_by_one=False, parts=0, single=True
)
"""No workload, and nothing that a drill changes: it can only be watched and loaded where it runs already."""
KINDS: Final = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)
KIND_NAMES: Final = "Deployment, StatefulSet or DaemonSet"


def kind_called(word: str) -> WorkloadKind | None:
    """The kind that `word` means, as a manifest, a scenario or `kubectl` writes it; None when it is no such kind."""
    return next((kind for kind in KINDS if word.lower() in kind.words), None)


def kind_at(path: str) -> WorkloadKind:
    """The kind of the workload at an API path.

    Raises:
        ValueError: when it is none.
    """
    found = kind_called(path.split("/")[-2])
    if found is None:
        raise ValueError(f"{path}: expected a {KIND_NAMES}")
    return found


def why_none_is_replaced(manifest: Mapping[str, Any]) -> str | None:
    """Why a change of the template of `manifest` reaches no pod; None when it does."""
    spec = manifest["spec"]
    if spec.get("paused"):
        return "it is paused"
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return "its updateStrategy is OnDelete, so it leaves its pods as they are until each is deleted"
    kept, pods = _kept(manifest), int(spec.get("replicas", 1))
    if kept >= pods > 0:
        return f"its partition of {_partition(manifest)} keeps all of its {show_count(pods, 'pod')} as they are"
    return None


def why_some_stay(manifest: Mapping[str, Any]) -> str | None:
    """Which pods of `manifest` an update leaves as they are; None when it replaces all."""
    if not _kept(manifest) or why_none_is_replaced(manifest):
        return None
    first = f"{manifest['metadata']['name']}-{_partition(manifest)}"
    return f"its partition keeps the pods before {first} as they are, whatever is rolled out"


def _kept(manifest: Mapping[str, Any]) -> int:
    """How many pods of a StatefulSet an update leaves as they are."""
    first = int((manifest["spec"].get("ordinals") or {}).get("start") or 0)
    return max(_partition(manifest) - first, 0)


def _partition(manifest: Mapping[str, Any]) -> int:
    """The first number of a pod of a StatefulSet that an update replaces."""
    strategy = manifest["spec"].get("updateStrategy") or {}
    return int((strategy.get("rollingUpdate") or {}).get("partition") or 0)


def _literal(name: str) -> str:
    return name.replace(".", r"\.")
