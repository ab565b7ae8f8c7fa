"""Which clusters a drill here could use: the contexts of the kubeconfig, and what the API server of each says.

A login program that a context names may want a person, and a dead address may take minutes: each context has a thread
of its own, and whoever has not answered in time is said not to.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.errors import EnvironmentProblem, LeakdrillError
from leakdrill.targets.kubernetes.api import IN_CLUSTER, connect, contexts_of
from leakdrill.targets.kubernetes.autoscaler import has_metrics
from leakdrill.targets.kubernetes.nodes import share_our_kernel

if TYPE_CHECKING:
    from leakdrill.targets.kubernetes.api import Cluster

_ANSWERS_WITHIN_S: Final = 5.0
_MOST_CONTEXTS: Final = 5
_MOST_NODES: Final = "100"
_ONLY_THERE: Final = "only drills with --on kubernetes need one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing that was looked at: that there is a way to any cluster, or a context."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


def examine_clusters() -> list[Seen]:
    """A line for each context, for the first few; one line with the reason where there is no way to any cluster."""
    if importlib.util.find_spec("kubernetes") is None:
        hint = "pip install 'leakdrill[kubernetes]'"
        return [Seen(name="Kubernetes", ok=False, detail="the package `kubernetes` is not installed", hint=hint)]
    files = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    try:
        known = contexts_of(files)
    except EnvironmentProblem as e:
        return [Seen(name="Kubernetes", ok=False, detail=e.message, hint=e.hint or _ONLY_THERE)]
    if not known and "KUBERNETES_SERVICE_HOST" in os.environ:
        known = [IN_CLUSTER]
    if not known:
        return [Seen(name="Kubernetes", ok=False, detail=f"no context in {files}", hint=_ONLY_THERE)]
    looks = [_Look(context) for context in known[:_MOST_CONTEXTS]]
    found = [look.seen() for look in looks]
    left = known[_MOST_CONTEXTS:]
    return [*found, Seen(name="Kubernetes", ok=True, detail=f"not asked: {', '.join(left)}")] if left else found


class _Look:
    """One context, being asked from now on."""

    def __init__(self, context: str) -> None:
        self._context = context
        self._found = Seen(
            name=f"cluster {context}",
            ok=False,
            detail=f"did not answer within {_ANSWERS_WITHIN_S:g} s",
            hint=f"kubectl --context {context} get nodes",
        )
        self._thread = threading.Thread(target=self._ask, name=f"doctor {context}", daemon=True)
        self._thread.start()

    def seen(self) -> Seen:
        """What has come of it in time."""
        self._thread.join(_ANSWERS_WITHIN_S)
        return self._found

    def _ask(self) -> None:
        name = f"cluster {self._context}"
        try:
            cluster = connect(self._context)
        except LeakdrillError as e:
            self._found = Seen(name=name, ok=False, detail=e.message, hint=e.hint or _ONLY_THERE)
            return
        try:
            self._found = Seen(name=name, ok=True, detail=_described(cluster))
        except LeakdrillError as e:
            self._found = Seen(
                name=name, ok=False, detail=e.message, hint="docs/tasks/kubernetes.md: what rights a drill needs"
            )
        finally:
            cluster.close()


def _described(cluster: Cluster) -> str:
    """Its version, where its nodes are, and whether an autoscaler would know anything."""
    version = cluster.get("/version").get("gitVersion", "?")
    nodes = cluster.get("/api/v1/nodes", limit=_MOST_NODES)["items"]
    here = "this machine" if share_our_kernel(nodes) else "elsewhere, so memory is what the kubelet says"
    count = "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"
    metrics = "a metrics server" if has_metrics(cluster) else "no metrics server"
    return f"{version} at {cluster.address}; {count}, {here}; {metrics}"
