"""Locust workers as pods, in the namespace of the target.

Bare pods that are never restarted, and not a Deployment: that would put a fresh worker in the place of one that died,
and the load would go on as if nothing had been.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.load.worker_bundle import FOLDER
from leakdrill.load.workers import MEMORY_BYTES, PART, WorkerState
from leakdrill.machine.ports import address_towards
from leakdrill.record.journal_header import MARK_LABEL
from leakdrill.record.undo import take_back
from leakdrill.targets.kubernetes.api import RUN_LABEL, ClusterRefused
from leakdrill.targets.kubernetes.deployment import env_list
from leakdrill.targets.kubernetes.pod import parse_pod
from leakdrill.targets.kubernetes.undo import UNDO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leakdrill.load.workers import WorkerPlan
    from leakdrill.record.journal import Entry, Journal
    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.pod import Pod

NAME: Final = "leakdrill-load"
"""Every object's name begins so; the run's id follows, because a namespace of staging's may see two runs at once."""

_LONGEST_RUN: Final = 40
_GRACE_S: Final = 2
_LOG_LINES: Final = "2000"
_REQUESTS: Final = {"cpu": "100m", "memory": "128Mi"}


class PodWorkers:
    """A namespace as the place of a load's workers.

    Args:
        cluster: where it is.
        namespace: of the target.
        run: the run's id, as a label.
        journal: hears of each object before it is made.
        pods: the target's, as they were a moment ago.
        port: where they listen.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str,
        run: str,
        journal: Journal,
        pods: Callable[[], Sequence[Pod]],
        port: int,
    ) -> None:
        self._cluster = cluster
        self._base = f"/api/v1/namespaces/{namespace}"
        self._name = f"{NAME}-{run[-_LONGEST_RUN:].lower().strip('-.')}"
        self._run = run
        self._journal = journal
        self._pods = pods
        self._port = port
        self._made: list[str] = []
        self._entries: list[Entry] = []

    def addresses(self) -> list[str]:
        """The addresses of the target's pods that are ready now, oldest first."""
        return [f"http://{_host(pod)}:{self._port}" for pod in self._pods() if pod.ready and pod.address]

    def master_host(self) -> str:
        """The address of this machine, or of the pod that we run in, from which packets to the target's pods leave.

        Raises:
            EnvironmentProblem: when no route leads there.
        """
        address = next((pod.address for pod in self._pods() if pod.address), "")
        try:
            return address_towards(address)
        except OSError as e:
            raise EnvironmentProblem(
                f"load.workers: no route leads to the target's pods ({address or 'none has an address'}): {e}",
                hint="load.master_host names an address of this machine that pods can reach",
            ) from e

    def start(self, plan: WorkerPlan) -> None:
        """Make them.

        Raises:
            EnvironmentProblem: when the API server refuses or goes away.
        """
        self._create("configmaps", config_map(self._name, self._run, plan.files))
        for worker_index in range(plan.count):
            name = f"{self._name}-{worker_index + 1}"
            self._create("pods", worker_pod(plan, name, worker_index, run=self._run, config_map_name=self._name))
            self._made.append(name)

    def states(self) -> list[WorkerState]:
        """What the API server says of each.

        Raises:
            EnvironmentProblem: when it does not answer.
        """
        return [self._state(name) for name in self._made]

    def log(self, name: str) -> str:
        """What a worker wrote last; empty when nothing can be had."""
        try:
            return self._cluster.text(f"{self._base}/pods/{name}/log", tailLines=_LOG_LINES)
        except EnvironmentProblem:
            return ""

    def stop(self) -> None:
        """Delete them; what does not go stays in the journal."""
        try:
            for name in self._made:
                self._cluster.delete(f"{self._base}/pods/{name}", grace_s=0)
        except EnvironmentProblem:
            return  # nobody answers; the journal still knows them
        for entry in reversed(self._entries):
            take_back(self._journal, entry, UNDO)
        self._entries, self._made = [], []

    def _create(self, kind: str, body: dict[str, Any]) -> None:
        path = f"{self._base}/{kind}/{body['metadata']['name']}"
        where = {"context": self._cluster.context, "kubeconfig": self._cluster.kubeconfig}
        self._entries.append(self._journal.plan("object", part=PART, path=path, run_id=self._run, **where))
        body["metadata"]["labels"][MARK_LABEL] = self._journal.mark
        self._cluster.create(f"{self._base}/{kind}", body)

    def _state(self, name: str) -> WorkerState:
        try:
            manifest = self._cluster.find(f"{self._base}/pods/{name}")
        except ClusterRefused as e:
            raise EnvironmentProblem(f"the API server did not describe the load's worker {name}: {e.message}") from e
        if manifest is None:
            return WorkerState(name, "the pod is gone from the cluster", ended=True)
        pod = parse_pod(manifest)
        if pod.end is not None:
            return WorkerState(name, f"pod ended: {pod.end}", ended=True)
        phase = str((manifest.get("status") or {}).get("phase") or "Pending").lower()
        return WorkerState(name, pod.trouble or f"pod {phase}", ended=pod.hopeless)


def config_map(name: str, run: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest that carries `files` into the pods."""
    data = {_key(path): base64.b64encode(content).decode() for path, content in files.items()}
    return {"metadata": {"name": name, "labels": {RUN_LABEL: run}}, "binaryData": data}


def worker_pod(plan: WorkerPlan, name: str, worker_index: int, *, run: str, config_map_name: str) -> dict[str, Any]:
    """The manifest of one worker."""
    items = [{"key": _key(path), "path": path} for path in plan.files]
    return {
        "metadata": {"name": name, "labels": {RUN_LABEL: run, "app": NAME}},
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": plan.lifetime_s,
            "terminationGracePeriodSeconds": _GRACE_S,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "volumes": [{"name": "files", "configMap": {"name": config_map_name, "items": items}}],
            "containers": [
                {
                    "name": "locust",
                    "image": plan.image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": list(plan.command),
                    "workingDir": FOLDER,
                    "env": env_list(plan.env_of(worker_index)),
                    "resources": {"requests": _REQUESTS, "limits": {"memory": str(MEMORY_BYTES)}},
                    "volumeMounts": [{"name": "files", "mountPath": FOLDER, "readOnly": True}],
                }
            ],
        },
    }


def _key(path: str) -> str:
    """A path as a key of a ConfigMap, which has no slashes."""
    return path.replace("/", "-")


def _host(pod: Pod) -> str:
    return f"[{pod.address}]" if pod.address and ":" in pod.address else str(pod.address)
