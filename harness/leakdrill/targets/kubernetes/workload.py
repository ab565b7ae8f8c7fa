"""A workload under drill: read, and changed as `kubectl` would; what a drill may change of it is told here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from leakdrill.targets.kubernetes.workload_kind import kind_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.workload_kind import WorkloadKind

    BeforeChange = Callable[[str, Mapping[str, Any], Mapping[str, Any], bool], None]

_RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
_OPERATORS: Final = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}


class Workload:
    """The workload `name` of `kind` in `namespace`.

    Args:
        cluster: where it is.
        kind: what it is.
        namespace: where it is.
        name: likewise.
        marks: annotations that it gets with the first change, so that others see whose change that was.
        before_change: called before each change, for the journal: with its path, its object, what that will be, and
            whether its replicas will be others' choice from then on. None where the workload is the run's own.
    """

    def __init__(
        self,
        cluster: Cluster,
        kind: WorkloadKind,
        *,
        namespace: str,
        name: str,
        marks: Mapping[str, str] | None = None,
        before_change: BeforeChange | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.path = kind.path(namespace, name)
        self._cluster = cluster
        self._marks = dict(marks or {})
        self._before_change = before_change

    def __str__(self) -> str:
        return f"{self.kind.words[0]} {self.name}"

    def get(self) -> dict[str, Any]:
        """The object as it is now. Raises as `Cluster.get` does."""
        return self._cluster.get(self.path)

    def pods_query(self) -> dict[str, str]:
        """Which pods are its own, as the API server takes it in a query: itself, where it is a pod."""
        if self.kind.single:
            return {"fieldSelector": f"metadata.name={self.name}"}
        return {"labelSelector": selector_text(self.get()["spec"]["selector"])}

    def restart(self) -> None:
        """Have every pod replaced, as `kubectl rollout restart` does."""
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        self._change({"template": {"metadata": {"annotations": {_RESTARTED_AT: now}}}})

    def set_container(self, container: str, changes: Mapping[str, Any]) -> None:
        """Change fields of `container`; every pod is replaced."""
        self._change({"template": {"spec": {"containers": [{"name": container, **changes}]}}})

    def scale(self, replicas: int) -> None:
        """Have so many pods."""
        self._change({"replicas": replicas})

    def announce(self) -> None:
        """Say how it is now, before somebody else is told to change the number of its pods."""
        if self._before_change:
            self._change({}, elastic=True)

    def _change(self, spec: Mapping[str, Any], *, elastic: bool = False) -> None:
        body = {"metadata": {"annotations": self._marks}, "spec": spec}
        if self._before_change:
            found = self.get()
            self._before_change(self.path, found, self._cluster.patch(self.path, body, dry_run=True), elastic)
        self._cluster.patch(self.path, body)


def selector_text(selector: Mapping[str, Any]) -> str:
    """A selector of labels as the API server takes it in a query."""
    equal = [f"{name}={value}" for name, value in (selector.get("matchLabels") or {}).items()]
    others = [
        _OPERATORS[one["operator"]].format(key=one["key"], values=",".join(one.get("values") or []))
        for one in selector.get("matchExpressions") or []
    ]
    return ",".join([*equal, *others])


def state_of(manifest: Mapping[str, Any], path: str) -> dict[str, Any]:
    """What of the workload at `path` a drill may change: the template of its pods and, where it has one, their number.

    Raises:
        ValueError: when no workload is at such a path.
    """
    spec = {"replicas": 1, **manifest["spec"]}
    return {part: spec[part] for part in kind_at(path).state}
