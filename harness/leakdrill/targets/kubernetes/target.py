"""A Kubernetes workload as the target: in a namespace of the run's own, or in staging where the scenario names it.

What the cluster does is left to the cluster: it schedules, limits, kills and restarts. The target asks for changes,
waits until they have arrived in every pod, and lets the record hear of everything that nobody asked for.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import psutil

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine import undo as machine
from leakdrill.machine.ports import LOOPBACK, free_port
from leakdrill.meters.filesystem import FilesystemMeter
from leakdrill.meters.pods import PodsMeter
from leakdrill.meters.process import ProcessTreeMeter, SmapsMeter
from leakdrill.meters.replica_requests import ReplicaRequests
from leakdrill.meters.service import ServiceMeter
from leakdrill.record.ownership import NAME_PREFIX
from leakdrill.targets.base.placeholders import fill
from leakdrill.targets.base.readiness import Readiness
from leakdrill.targets.base.recorded import PART, RecordedTarget, given_limits
from leakdrill.targets.kubernetes import undo as kubernetes
from leakdrill.targets.kubernetes.api import Cluster, connect
from leakdrill.targets.kubernetes.autoscaler import has_metrics
from leakdrill.targets.kubernetes.deployment import env_list, resources
from leakdrill.targets.kubernetes.execute import execute_in_pod
from leakdrill.targets.kubernetes.follower import WorkloadFollower
from leakdrill.targets.kubernetes.form import form_of
from leakdrill.targets.kubernetes.kubelet_meter import KubeletMeter
from leakdrill.targets.kubernetes.kubelet_scrape import KubeletJob
from leakdrill.targets.kubernetes.load_workers import PodWorkers
from leakdrill.targets.kubernetes.metrics_server_meter import MetricsServerMeter
from leakdrill.targets.kubernetes.nodes import cgroup_of_container
from leakdrill.targets.kubernetes.placement import LONGEST_NAME, Placement
from leakdrill.targets.kubernetes.pod import chosen
from leakdrill.targets.kubernetes.scaling import Scaling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.meters.meter import Meter
    from leakdrill.record.journal import Entry, Journal
    from leakdrill.scenario.target import ProcessTarget


class KubernetesTarget(RecordedTarget):
    """The target `spec` in a cluster, as its `kubernetes` form says, or else its `container` form.

    The arguments are those of every target.

    Attributes:
        kubelet_job: how Prometheus scrapes its kubelets; None where our exporter publishes its series.
        restarting_steps: actions after which its pods are new ones, and have forgotten which leaks were on.

    Raises:
        BadInput: when `spec` has no form for a cluster, or names a context or a manifest that is not there.
        EnvironmentProblem: when no API server answers.
    """

    _undo: ClassVar = {**machine.UNDO, **kubernetes.UNDO}
    kubelet_job: KubeletJob | None
    restarting_steps: Final = frozenset({"set_limits", "scale", "autoscale", "delete_pod"})

    def __init__(
        self, spec: ProcessTarget, *, scenario_dir: Path, run_id: str, journal: Journal, token: str, **run_of: Any
    ) -> None:
        self.form = form_of(spec)
        # A workload that was there before the run knows no token of it.
        own = "" if self.form.existing else token
        super().__init__(spec, scenario_dir=scenario_dir, run_id=run_id, journal=journal, token=own, **run_of)
        self.port = spec.port or free_port()
        run = run_id[-LONGEST_NAME:].strip("-.")
        existing = self.form.existing
        self._cluster: Cluster = connect(existing.context if existing else self.form.context)
        self._place = Placement(
            self._cluster,
            spec=spec,
            form=self.form,
            scenario_dir=scenario_dir.resolve(),
            base=Path(tempfile.gettempdir()).resolve() / f"{NAME_PREFIX}{run_id}",
            run=run,
            namespace=existing.namespace if existing else f"{NAME_PREFIX}{run}"[:LONGEST_NAME].rstrip("-"),
            token=token,
            journal=journal,
            part=PART,
        )
        self._following: WorkloadFollower | None = None
        self.kubelet_job = self._kubelet_job(run_id) if self.form.series == "kubelet" else None
        self._cgroups: dict[str, Cgroup | None] = {}
        self._told: dict[str, dict[str, float]] = {}

    @property
    def namespace(self) -> str:
        """Where it runs: the run's own namespace, or the one that the scenario names."""
        return self._place.namespace

    @property
    def base_url(self) -> str:
        """Where it answers; the same over restarts."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of its published series."""
        return {**super().labels, "namespace": self.namespace}

    @property
    def lost(self) -> str | None:
        """Why nothing can be known of it any more: the API server went away. None while it answers."""
        return self._following.watcher.lost if self._following else None

    def notices(self) -> Sequence[str]:
        """What cannot be enforced or read here, one sentence each."""
        return tuple(self._place.notices)

    def start(self) -> None:
        """Make its namespace and its objects, and return when it is ready.

        Raises:
            BadInput: for an image, a manifest or a workload that is not there.
            EnvironmentProblem: when the API server refuses or goes away.
            TargetNotReady: when its pods do not come up in time; everything made for it is gone then.
        """
        with self._recorder.act("target", "start", port=str(self.port), context=self._cluster.context):
            try:
                workload = self._place.make()
                self._following = WorkloadFollower(
                    self._cluster,
                    workload,
                    namespace=self.namespace,
                    container=self._place.container(workload),
                    ports=(self.port, self.form.port),
                    recorder=self._recorder,
                    log=self.log,
                )
                self._following.start()
                self._await()
                serving = [pod for pod in self._following.watcher.pods if pod.ready]
                self._place.look_for([pod.container_id for pod in serving if pod.container_id])
            except BaseException:
                self._take_back(self._pending())
                raise

    def restart(self) -> None:
        """Have every pod replaced by a new one: same address, same limits.

        Raises:
            EnvironmentProblem: when the API server refuses.
            TargetNotReady: when the new pods do not come up.
        """
        with self._recorder.act("target", "restart"):
            self._given().workload.restart()
            self._await()

    def set_env(self, variables: Mapping[str, str]) -> None:
        """Roll out `variables`, added to its environment.

        Raises:
            BadInput: for a placeholder that is not there; it goes on running as it was.
            EnvironmentProblem: when the API server refuses.
            TargetNotReady: when the new pods do not come up.
        """
        values = self._place.values()
        added = {name: fill(text, values, place=f"target.env.{name}") for name, text in variables.items()}
        self._roll_out({"env": env_list(added)})

    def set_limits(self, *, memory_bytes: int | None, cpus: float | None) -> Sequence[str]:
        """Roll out other limits, and requests that go with them: every pod is replaced.

        Raises:
            EnvironmentProblem: when the API server refuses.
            TargetNotReady: when the new pods do not come up, such as for a limit that no node can give.
        """
        self._roll_out({"resources": resources(memory_bytes=memory_bytes, cpus=cpus)})
        self._now_limited(given_limits(memory_bytes, cpus))
        return ()

    def scale(self, replicas: int) -> None:
        """Have so many pods, and return when they are ready.

        Raises:
            EnvironmentProblem: when the API server refuses.
            TargetNotReady: when they do not come up.
        """
        self._scaling().scale(replicas)
        self._recorder.sample("target", "replicas", {"replicas": float(replicas)})

    def autoscale(self, *, least: int, most: int, cpu: float | None, memory: float | None) -> Sequence[str]:
        """Apply a HorizontalPodAutoscaler, and return when there are at least `least` pods.

        Raises:
            EnvironmentProblem: when the API server refuses.
            TargetNotReady: when the pods do not come up.
        """
        shares = {resource: share for resource, share in (("cpu", cpu), ("memory", memory)) if share is not None}
        return self._scaling().autoscale(least=least, most=most, shares=shares)

    def delete_replicas(self, which: str) -> Sequence[str]:
        """Delete pods, and return their names when others serve in their place.

        Raises:
            EnvironmentProblem: when the API server refuses, or there is no pod.
            TargetNotReady: when no others come up.
        """
        names = chosen(self._given().watcher.pods, which, self._told)
        with self._recorder.act("target", "restart"), self._given().expecting_changes():
            self._scaling().delete(names, timeout_s=self.spec.ready.timeout)
            self._await()
        return names

    def replica_urls(self) -> Sequence[str]:
        """Where each of its pods answers by itself, oldest first; a port of this machine for each."""
        return list(self._given().replica_urls().values())

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` in its oldest pod that serves; its output goes to `output`.

        Raises:
            BadInput: for a placeholder that is not there.
            EnvironmentProblem: when no pod serves, the API server refuses, or it ran for longer than `timeout_s`.
        """
        values = {**self._place.values(), "pid": "1"}
        argv = [fill(word, values, place=f"exec.command[{i}]") for i, word in enumerate(command)]
        serving = self._given().watcher.ready()
        if not serving:
            raise EnvironmentProblem(f"target '{self.name}' has no pod that is ready; expected one")
        path = f"/api/v1/namespaces/{self.namespace}/pods/{serving[0]}"
        container = self._given().container
        return execute_in_pod(self._cluster, argv, pod=path, output=output, timeout_s=timeout_s, container=container)

    def copy(self, path: str, to: Path, *, timeout_s: float) -> None:
        """Copy the file `path` (`{disk}/…`, absolute in the pod, or relative to its disk) to `to`.

        Raises:
            EnvironmentProblem: when there is no such file, or the API server refuses.
        """
        disk = self.form.disk.rstrip("/")
        inside = path.replace("{disk}", disk)
        inside = inside if inside.startswith("/") else f"{disk}/{inside}"
        if self._place.disk and inside.startswith(f"{disk}/") and (here := self.file(inside)).is_file():
            shutil.copyfile(here, to)
        elif self.execute(["cat", inside], output=to, timeout_s=timeout_s):
            said = " ".join(to.read_text(errors="replace").split())
            raise EnvironmentProblem(f"{path}: cannot be copied out of the pod: {said}")

    def load_workers(self) -> PodWorkers:
        """Its namespace, as the place of a load's workers."""
        watcher = self._given().watcher
        return PodWorkers(
            self._cluster,
            namespace=self.namespace,
            run=self._place.run,
            journal=self._journal,
            pods=lambda: watcher.pods,
            port=self.form.port,
        )

    @property
    def pid(self) -> int | None:
        """Its first process, as this machine numbers it; None when it does not run, or not here."""
        return min(self.pids(), default=None)

    def processes(self) -> Sequence[psutil.Process]:
        """Its processes now; none where its nodes are other machines."""
        found = []
        for pid in self.pids():
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(pid))
        return found

    def pids(self) -> list[int]:
        """Its processes, as this machine numbers them; none where its nodes are other machines."""
        return [pid for cgroup in self.cgroups().values() for pid in cgroup.pids()]

    def cgroups(self) -> dict[str, Cgroup]:
        """The control groups of its running containers on this machine, by pod."""
        if not self._place.local or self._following is None:
            return {}
        running = {p.name: p.container_id for p in self._following.watcher.pods if p.container_id and not p.leaving}
        found = {name: self._cgroup(container_id) for name, container_id in running.items()}
        return {name: cgroup for name, cgroup in found.items() if cgroup}

    def file(self, path: str) -> Path:
        """Where `path` (`{disk}/…`, as the pod sees it, or relative to the disk) lies on this machine.

        Raises:
            BadInput: when that is outside of the disk.
            EnvironmentProblem: when its disk is not on this machine.
        """
        if self._place.disk is None:
            raise EnvironmentProblem(
                f"target '{self.name}' has its disk on its node, which is not this machine",
                hint="copy_out and exec work everywhere",
            )
        return self._place.disk.resolve(path.removeprefix(self.form.disk.rstrip("/") + "/"))

    def stop(self) -> None:
        """Take back everything that was made or changed for it; does nothing when that is done."""
        super().stop()
        self._end_following()
        self._cluster.close()

    def meters(self) -> Sequence[Meter]:
        """What can be read of it; known after `start`."""
        following, local = self._given(), self._place.local
        kubelet = KubeletMeter(
            self._cluster,
            namespace=self.namespace,
            pods=lambda: following.watcher.pods,
            container=following.container,
            stands_in=not local,
            tell=self._tell_pod,
        )
        meters: list[Meter] = [kubelet]
        if local:
            pods = PodsMeter(self.cgroups, tell=self._tell_pod)
            meters += [ProcessTreeMeter(self.pids), SmapsMeter(self.pids), pods]
        if has_metrics(self._cluster):
            selector = following.workload.selector()
            meters.append(MetricsServerMeter(self._cluster, namespace=self.namespace, selector=selector))
        if self._place.disk:
            meters.append(FilesystemMeter(self._place.disk))
        if self.spec.metrics:
            meters.append(ServiceMeter(self.base_url + self.spec.metrics))
            meters.append(ReplicaRequests(following.replica_urls, self.spec.metrics))
        return meters

    def _kubelet_job(self, run_id: str) -> KubeletJob:
        return KubeletJob(
            self._cluster,
            namespace=self.namespace,
            workload=self._place.workload_name,
            nodes=self._nodes,
            labels=self.spec.labels,
            folder=Path(tempfile.gettempdir()).resolve() / f"{NAME_PREFIX}{run_id}-kubelet",
            journal=self._journal,
        )

    def _nodes(self) -> set[str]:
        return {pod.node for pod in self._following.watcher.pods if pod.node} if self._following else set()

    def _tell_pod(self, pod: str, values: dict[str, float]) -> None:
        self._told[pod] = values
        self._recorder.sample("pod", "resources", values, pod=pod)

    def _roll_out(self, changes: Mapping[str, object]) -> None:
        with self._recorder.act("target", "restart"):
            self._given().workload.set_container(self._given().container, changes)
            self._await()

    def _await(self) -> None:
        """Return when every pod is ready and one of them answers from here."""
        start = time.monotonic()
        with self._given().expecting_changes():
            self._rollout()
        Readiness(
            subject=f"target '{self.name}' ({self._given().workload})",
            url=self.base_url + self.spec.ready.path,
            timeout_s=self.spec.ready.timeout,
            exit_status=lambda: None,
            log=self.log,
            log_start=0,
        ).wait()
        took_s = time.monotonic() - start
        self._recorder.sample("target", "ready", {"pid": float(self.pid or 0), "took_s": round(took_s, 3)})

    def _rollout(self) -> None:
        self._given().wait_until_rolled_out(subject=f"target '{self.name}'", timeout_s=self.spec.ready.timeout)

    def _scaling(self) -> Scaling:
        return Scaling(self._cluster, place=self._place, following=self._given(), roll_out=self._rollout)

    def _given(self) -> WorkloadFollower:
        if self._following is None:
            raise EnvironmentProblem(f"target '{self.name}' is in no cluster yet; expected it to be started")
        return self._following

    def _cgroup(self, container_id: str) -> Cgroup | None:
        """Looking for it costs a walk, and it stays where it is as long as the container lives."""
        if self._cgroups.get(container_id) is None:
            self._cgroups[container_id] = cgroup_of_container(container_id)
        return self._cgroups[container_id]

    def _end_following(self) -> None:
        if self._following:
            self._following.stop()

    def _take_back(self, entries: Sequence[Entry]) -> list[str]:
        self._end_following()
        return super()._take_back(entries)
