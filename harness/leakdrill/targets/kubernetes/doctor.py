"""Examines which clusters a drill here could use: the contexts of the kubeconfig, and the API server of each.

A login program that a context names may wait for a person, and a dead address may take minutes: each context is asked
in a thread of its own, and one that does not answer in time is reported as such.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.errors import EnvironmentProblem, LeakdrillError
from leakdrill.machine.finding import Finding
from leakdrill.targets.kubernetes.api import IN_CLUSTER, connect, contexts_of
from leakdrill.targets.kubernetes.autoscaler import has_metrics
from leakdrill.targets.kubernetes.nodes import share_our_kernel

if TYPE_CHECKING:
    from leakdrill.targets.kubernetes.api import Cluster

_ANSWERS_WITHIN_S: Final = 5.0
_MOST_CONTEXTS: Final = 5
_MOST_NODES: Final = "100"
_ONLY_THERE: Final = "only drills with --on kubernetes need one"


def examine() -> list[Finding]:
    """Returns a finding for each of the first few contexts; one with the reason where no cluster can be reached."""
    if importlib.util.find_spec("kubernetes") is None:
        hint = "pip install 'leakdrill[kubernetes]'"
        return [Finding(name="Kubernetes", ok=False, detail="the package `kubernetes` is not installed", hint=hint)]
    files = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    try:
        known = contexts_of(files)
    except EnvironmentProblem as e:
        return [Finding(name="Kubernetes", ok=False, detail=e.message, hint=e.hint or _ONLY_THERE)]
    if not known and "KUBERNETES_SERVICE_HOST" in os.environ:
        known = [IN_CLUSTER]
    if not known:
        return [Finding(name="Kubernetes", ok=False, detail=f"no context in {files}", hint=_ONLY_THERE)]
    inquiries = [_Inquiry(context) for context in known[:_MOST_CONTEXTS]]
    findings = [inquiry.finding() for inquiry in inquiries]
    if left := known[_MOST_CONTEXTS:]:
        findings.append(Finding(name="Kubernetes", ok=True, detail=f"not asked: {', '.join(left)}"))
    return findings


class _Inquiry:
    """Asks the API server of one context, in a thread that starts at once."""

    def __init__(self, context: str) -> None:
        self._context = context
        self._finding = Finding(
            name=f"cluster {context}",
            ok=False,
            detail=f"did not answer within {_ANSWERS_WITHIN_S:g} s",
            hint=f"kubectl --context {context} get nodes",
        )
        self._thread = threading.Thread(target=self._ask, name=f"doctor {context}", daemon=True)
        self._thread.start()

    def finding(self) -> Finding:
        """Returns the result, or after some seconds that there is none."""
        self._thread.join(_ANSWERS_WITHIN_S)
        return self._finding

    def _ask(self) -> None:
        name = f"cluster {self._context}"
        try:
            cluster = connect(self._context)
        except LeakdrillError as e:
            self._finding = Finding(name=name, ok=False, detail=e.message, hint=e.hint or _ONLY_THERE)
            return
        try:
            self._finding = Finding(name=name, ok=True, detail=_described(cluster))
        except LeakdrillError as e:
            self._finding = Finding(
                name=name, ok=False, detail=e.message, hint="`leakdrill docs kubernetes`: what rights a drill needs"
            )
        finally:
            cluster.close()


def _described(cluster: Cluster) -> str:
    """Returns the cluster's version, where its nodes are, and whether an autoscaler would have metrics."""
    version = cluster.get("/version").get("gitVersion", "?")
    nodes = cluster.get("/api/v1/nodes", limit=_MOST_NODES)["items"]
    here = "this machine" if share_our_kernel(nodes) else "elsewhere, so memory is what the kubelet says"
    count = "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"
    metrics = "a metrics server" if has_metrics(cluster) else "no metrics server"
    return f"{version} at {cluster.address}; {count}, {here}; {metrics}"
