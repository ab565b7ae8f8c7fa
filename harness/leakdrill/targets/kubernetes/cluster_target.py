"""What runs in a cluster as the target: reached, followed and read, whatever a drill may change of it.

What the cluster does is left to the cluster: it schedules, limits, kills and restarts. The target asks for changes,
waits until they have arrived in every pod, and records everything that nobody asked for.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from leakdrill.machine import undo as machine
from leakdrill.machine.ports import LOOPBACK, free_port
from leakdrill.record.events import TargetStart
from leakdrill.record.ownership import NAME_PREFIX
from leakdrill.targets.base.object_name import object_name
from leakdrill.targets.base.recorded import PART, RecordedTarget
from leakdrill.targets.kubernetes import undo as kubernetes
from leakdrill.targets.kubernetes.api import Cluster, connect
from leakdrill.targets.kubernetes.deployed import DeployedWorkload
from leakdrill.targets.kubernetes.form import form_of
from leakdrill.targets.kubernetes.kubelet_scrape import KubeletJob
from leakdrill.targets.kubernetes.load_workers import PodWorkers
from leakdrill.targets.kubernetes.meters import workload_meters
from leakdrill.targets.kubernetes.placement import LONGEST_NAME, Placement
from leakdrill.targets.kubernetes.processes import PodProcesses
from leakdrill.targets.kubernetes.readings import PodReadings
from leakdrill.targets.kubernetes.shell import PodShell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.meters.meter import Meter
    from leakdrill.record.journal import Entry
    from leakdrill.scenario.target import ProcessTarget


class ClusterTarget(RecordedTarget):
    """The target `spec` in a cluster, as its `kubernetes` form says, or else its `container` form.

    The arguments are those of every target.

    Attributes:
        kubelet_job: how Prometheus scrapes its kubelets; None where our exporter publishes its series.
        shell: commands and files in its pods.
        inside: its processes, where they show on this machine.

    Raises:
        BadInput: when `spec` has no form for a cluster, or names a context or a manifest that is not there.
        EnvironmentProblem: when no API server answers.
    """

    _undo: ClassVar = {**machine.UNDO, **kubernetes.UNDO}
    kubelet_job: KubeletJob | None

    def __init__(self, spec: ProcessTarget, *, token: str, **run: Any) -> None:
        self.form = form_of(spec)
        # A workload that was there before the run knows no token of it.
        super().__init__(spec, token="" if self.form.existing else token, **run)
        self.port = spec.port or free_port()
        existing = self.form.existing
        self._cluster: Cluster = connect(existing.context if existing else self.form.context)
        self._place = self._placement(token)
        self._readings = PodReadings(self._recorder)
        self.inside = PodProcesses(lambda: self._deployed.pods, local=lambda: self._place.local)
        self._deployed = DeployedWorkload(
            self._cluster,
            spec,
            place=self._place,
            ports=(self.port, self.form.port),
            base_url=self.base_url,
            access=self.access,
            recorder=self._recorder,
            log=self.log,
            first_pid=lambda: self.inside.pid,
        )
        self.shell = PodShell(self._deployed, disk=self.form.disk)
        self.kubelet_job = self._kubelet_job() if self.form.series == "kubelet" else None

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
        made = {"container": object_name(self.name)} if self.form.image else {}
        return {**super().labels, **made, "namespace": self.namespace}

    @property
    def lost(self) -> str | None:
        """Why nothing can be known of it any more: the API server went away. None while it answers."""
        return self._deployed.lost

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
        with self._recorder.act(TargetStart(port=str(self.port), more={"context": self._cluster.context})):
            try:
                self._log_keeper.start()
                self._deployed.follow()
                self._deployed.wait_until_ready()
                serving = [pod for pod in self._deployed.pods if pod.ready]
                self._place.look_for([pod.container_id for pod in serving if pod.container_id])
            except BaseException:
                self._take_back(self._pending())
                self._log_keeper.stop()
                raise

    def stop(self) -> None:
        """Take back everything that was made or changed for it; does nothing when that is done."""
        super().stop()
        self._leave()

    def pids(self) -> list[int]:
        """Its processes, as this machine numbers them; none where its nodes are other machines."""
        return self.inside.pids()

    def meters(self) -> Sequence[Meter]:
        """What can be read of it; known after `start`."""
        return workload_meters(self._deployed, self.inside, self._readings, metrics_path=self.spec.metrics)

    def load_workers(self) -> PodWorkers:
        """Its namespace, as the place of a load's workers."""
        watcher = self._deployed.follower.watcher
        return PodWorkers(
            self._cluster,
            namespace=self.namespace,
            run=self._place.run,
            journal=self._journal,
            pods=lambda: watcher.pods,
            port=self.form.port,
        )

    def _placement(self, token: str) -> Placement:
        run = self._run_id[-LONGEST_NAME:].strip("-.")
        existing = self.form.existing
        return Placement(
            self._cluster,
            spec=self.spec,
            form=self.form,
            scenario_dir=self._scenario_dir,
            base=self._private_folder(),
            run=run,
            namespace=existing.namespace if existing else f"{NAME_PREFIX}{run}"[:LONGEST_NAME].rstrip("-"),
            token=token,
            journal=self._journal,
            part=PART,
        )

    def _kubelet_job(self) -> KubeletJob:
        kind, name = self._place.workload
        return KubeletJob(
            self._cluster,
            namespace=self.namespace,
            pods=kind.pod_names(name),
            nodes=lambda: {pod.node for pod in self._deployed.pods if pod.node},
            labels=self.spec.labels,
            folder=self._private_folder("-kubelet"),
            journal=self._journal,
        )

    def _private_folder(self, suffix: str = "") -> Path:
        return Path(tempfile.gettempdir()).resolve() / self._journal.header.own_name(f"{self._run_id}{suffix}")

    def _leave(self) -> None:
        self._deployed.unfollow()
        self._cluster.close()

    def _take_back(self, entries: Sequence[Entry]) -> list[str]:
        self._deployed.unfollow()
        return super()._take_back(entries)
