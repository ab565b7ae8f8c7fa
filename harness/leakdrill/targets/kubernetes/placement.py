"""Puts a target into its cluster: a namespace with a Deployment or the user's manifests, or what runs there already.

Everything is in the journal before it is made, or before what is not ours is changed.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.disk import make_disk
from leakdrill.record.journal_header import MARK_LABEL
from leakdrill.scenario.target import ContainerForm
from leakdrill.targets.base.object_name import object_name
from leakdrill.targets.base.placeholders import fill
from leakdrill.targets.docker.engine import connect as connect_engine
from leakdrill.targets.docker.image import ready_image
from leakdrill.targets.kubernetes.api import RUN_LABEL
from leakdrill.targets.kubernetes.deployment import SCENARIO_DIR, Wanted, deployment, env_list, quantities
from leakdrill.targets.kubernetes.found_workload import FoundWorkload
from leakdrill.targets.kubernetes.manifests import (
    collection,
    placed,
    read_manifests,
    service_container,
    with_env,
    with_limits,
    workload_of,
)
from leakdrill.targets.kubernetes.nodes import share_our_files, share_our_kernel, show_here
from leakdrill.targets.kubernetes.workload import Workload
from leakdrill.targets.kubernetes.workload_kind import DEPLOYMENT, why_some_stay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from leakdrill.machine.disk import Disk
    from leakdrill.record.journal import Journal
    from leakdrill.scenario.kubernetes import KubernetesForm
    from leakdrill.scenario.target import ProcessTarget
    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.workload_kind import WorkloadKind

LONGEST_NAME: Final = 63
"""Of a namespace, and of the value of a label."""


class Placement:
    """The place of `spec` in `cluster`.

    Args:
        cluster: where it goes.
        spec: name, environment, limits.
        form: what it is made of.
        scenario_dir: what files and folders in `form` are relative to.
        base: a folder named after the run, for its disk, where the nodes are this machine.
        run: the run's id, as a label.
        namespace: where it goes.
        token: what its admin endpoints ask for.
        journal: hears of each change before it is made.
        part: as which part of the run.

    Attributes:
        disk: its disk, where it lies on this machine; None elsewhere.
        local: whether its control groups and processes show on this machine; known after `look_for`.
        notices: what cannot be enforced or read, one sentence each.
    """

    def __init__(  # noqa: PLR0913 - all that a place is made of; each is named at the call
        self,
        cluster: Cluster,
        *,
        spec: ProcessTarget,
        form: KubernetesForm,
        scenario_dir: Path,
        base: Path,
        run: str,
        namespace: str,
        token: str,
        journal: Journal,
        part: str,
    ) -> None:
        self.disk: Disk | None = None
        self.local = False
        self.notices: list[str] = []
        self.run = run
        self.namespace = namespace
        self._cluster = cluster
        self._spec = spec
        self._form = form
        self._scenario_dir = scenario_dir
        self._base = base
        self._token = token
        self._journal = journal
        self._part = part
        self._manifests = read_manifests([scenario_dir / file for file in form.manifests])
        self._found = (
            FoundWorkload(cluster, form.existing, run=run, journal=journal, part=part) if form.existing else None
        )

    @property
    def existing(self) -> bool:
        """Whether what is drilled was there before the run."""
        return self._found is not None

    @property
    def workload(self) -> tuple[WorkloadKind, str]:
        """The kind and the name of what is drilled.

        Raises:
            BadInput: when the manifests hold nothing that can be, or several and nothing says which.
        """
        if self._found:
            return self._found.kind, self._found.name
        if self._manifests:
            chosen = workload_of(self._manifests, self._form.workload)
            return chosen.kind or DEPLOYMENT, str(chosen.data["metadata"]["name"])
        return DEPLOYMENT, object_name(self._spec.name)

    def manifest(self) -> dict[str, Any] | None:
        """What is drilled as it is now, or as it will be made; None where that is the run's own Deployment.

        Raises:
            BadInput: as `workload` does, or when nothing of that name runs.
            EnvironmentProblem: when the API server does not answer.
        """
        if self._found:
            return self._found.manifest()
        return workload_of(self._manifests, self._form.workload).data if self._manifests else None

    def make(self) -> Workload:
        """Make it, or find it, and return what is drilled.

        Raises:
            BadInput: for an image, a manifest or a workload that is not there.
            EnvironmentProblem: when the API server refuses or goes away.
        """
        self._build()
        self._look_at_nodes()
        if self._found:
            manifest = self._found.manifest()
            service_container(manifest, self._form.container)
            self._notice_what_stays(manifest)
            return self._found.workload()
        objects = self._own_objects() if self._manifests else [self._deployment()]
        places = [collection(self._cluster, one, namespace=self.namespace) for one in objects]
        self._make_namespace()
        for where, one in zip(places, objects, strict=True):
            self._cluster.create(where, one)
        kind, name = self.workload
        return Workload(self._cluster, kind, namespace=self.namespace, name=name)

    def look_for(self, container_ids: Iterable[str]) -> None:
        """Find out, now that they run, whether its containers show on this machine."""
        where = "cannot be seen from here" if self.local else "are other machines"
        self.local = self.local and show_here(container_ids)
        if not self.local:
            self.notices.append(f"the nodes {where}: memory is what the kubelet says, every 10 to 15 s")

    def container(self, workload: Workload) -> str:
        """Which container of its pods is the service."""
        if self._form.image:
            return object_name(self._spec.name)
        return service_container(workload.get(), self._form.container)

    def make_object(self, where: str, manifest: Mapping[str, Any]) -> None:
        """Make `manifest` in the collection `where`, with the mark of the run; the journal hears of it before."""
        meta = manifest["metadata"]
        self._journal.plan(
            "object", part=self._part, path=f"{where}/{meta['name']}", run_id=self.run, **self._cluster.place
        )
        labels = {**(meta.get("labels") or {}), MARK_LABEL: self._journal.mark}
        self._cluster.create(where, {**manifest, "metadata": {**meta, "labels": labels}})

    def values(self) -> dict[str, str]:
        """What the placeholders mean, seen from inside."""
        form = self._form
        return {"python": "python", "port": str(form.port), "disk": form.disk, "scenario_dir": SCENARIO_DIR}

    def _build(self) -> None:
        """Build the image on the engine here; on a cluster of this machine's own that engine runs the pods too."""
        if not self._form.image or self._form.build is None:
            return
        try:
            client = connect_engine()
        except EnvironmentProblem as e:
            self.notices.append(f"the image {self._form.image} was not built here: {e.message}")
            return
        wanted = ContainerForm(image=self._form.image, build=self._form.build)
        with closing(client):
            ready_image(client, wanted, scenario_dir=self._scenario_dir)

    def _look_at_nodes(self) -> None:
        nodes, size = self._cluster.get("/api/v1/nodes")["items"], self._spec.limits.disk
        self.local = share_our_kernel(nodes)
        if self._form.image and share_our_files(nodes):
            self.disk, notices = make_disk(self._base, size, self._journal, part=self._part)
            self.disk.open_to_everyone()
            self.notices += notices
        elif self._form.image and size:
            self.notices.append("the disk is an emptyDir: a pod that fills it is evicted, and sees no full disk before")

    def _make_namespace(self) -> None:
        entry = self._journal.plan(
            "namespace", part=self._part, name=self.namespace, run_id=self.run, **self._cluster.place
        )
        labels = {RUN_LABEL: self.run, MARK_LABEL: self._journal.mark}
        self._cluster.create("/api/v1/namespaces", {"metadata": {"name": self.namespace, "labels": labels}})
        self._journal.done(entry)

    def _own_objects(self) -> list[dict[str, Any]]:
        """The user's manifests as they are made: in our namespace, and the service with its environment."""
        chosen, env = workload_of(self._manifests, self._form.workload), env_list(self._environment())
        container = service_container(chosen.data, self._form.container)
        self._notice_what_stays(chosen.data)
        limits = quantities(self._spec.limits.memory, self._spec.limits.cpus)
        service = with_limits(with_env(chosen.data, container, env), container, limits)
        made = [service if one is chosen else one.data for one in self._manifests]
        return [placed(one, namespace=self.namespace, run=self.run) for one in made]

    def _notice_what_stays(self, manifest: Mapping[str, Any]) -> None:
        if stays := why_some_stay(manifest):
            self.notices.append(stays)

    def _deployment(self) -> dict[str, Any]:
        spec, words = self._spec, self._form.command
        args = [fill(word, self.values(), place="target.kubernetes.command") for word in words or ()]
        return deployment(
            Wanted(
                name=object_name(spec.name),
                run=self.run,
                form=self._form,
                limits=spec.limits,
                args=None if words is None else args,
                env=self._environment(),
                ready_path=spec.ready.path,
                stop_timeout_s=spec.stop_timeout,
                disk_on_node=str(self.disk.path) if self.disk else None,
                scenario_on_node=str(self._scenario_dir) if self.disk else None,
                gpus=len(spec.gpu.devices) if spec.gpu and spec.gpu.required else 0,
            )
        )

    def _environment(self) -> dict[str, str]:
        values = self.values()
        added = {name: fill(text, values, place=f"target.env.{name}") for name, text in self._spec.env.items()}
        return {**added, "LEAKDRILL_TOKEN": self._token, "LEAKDRILL_DISK": self._form.disk}
