"""A target in a Kubernetes cluster: made from an image, from the user's manifests, or there already."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, model_validator

from leakdrill.scenario.given_keys import given
from leakdrill.scenario.quantities import AnyNumber, Frozen, Size, WholeNumber

KUBELET: Final = "kubelet"
"""Label `job` of the kubelet's series, as production's own scrape of them says."""

KUBELET_SCRAPED_EVERY_S: Final = 5.0
"""A page of cAdvisor lists every container of a node; more often would burden the API server for nothing."""

KUBELET_MEASURES_WITHIN_S: Final = 20.0
"""cAdvisor waits 10 s between two measurements of a container, and up to as long again so that not all come at once.

Of the clock on the wall, whatever the time scale. Source: cAdvisor's `--housekeeping_interval` and its jitter.
"""

ObjectName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)]
"""A name as the API server allows it, so that it is one part of a path there."""


_OF_AN_IMAGE: Final = ("build", "command", "replicas", "requests", "pull")
"""Keys that say how the Deployment is made that the drill makes from an image."""


class Requests(Frozen):
    """Resources that the scheduler keeps free for each pod."""

    memory: Size | None = Field(None, description="The memory that is kept free.")
    cpus: Annotated[AnyNumber, Field(gt=0)] | None = Field(
        None, description="The cores that are kept free.", examples=[0.1]
    )


WORKLOADS: Final = ("deployment", "statefulset", "daemonset", "pod")
"""The keys that name what runs already, each after its kind."""

_UNFIT: Final = {
    "job": "a Job is over when its work is done, and a drill needs a service that answers all the time",
    "cronjob": "the Jobs of a CronJob are over when their work is done, and a drill needs a service that answers",
    "replicaset": "what a ReplicaSet belongs to would undo each change of it",
}
"""Kinds that people may name, and why no drill can be run on them."""


class ExistingWorkload(Frozen):
    """A workload that runs already, in staging: a drill changes it and puts it back. A pod is watched and loaded."""

    context: str = Field(
        description="A context of the kubeconfig; `leakdrill run --allow` must name it too.", examples=["staging"]
    )
    namespace: ObjectName = Field(description="The namespace of the workload.", examples=["shop"])
    deployment: ObjectName | None = Field(None, description="The name of a Deployment.", examples=["shop"])
    statefulset: ObjectName | None = Field(None, description="The name of a StatefulSet.", examples=["queue"])
    daemonset: ObjectName | None = Field(None, description="The name of a DaemonSet.", examples=["log-agent"])
    pod: ObjectName | None = Field(
        None, description="The name of one pod, whatever made it: watched and loaded, and left.", examples=["shop-0"]
    )

    @property
    def kind(self) -> str:
        """Which of `WORKLOADS` it is."""
        return next(kind for kind in WORKLOADS if getattr(self, kind))

    @property
    def name(self) -> str:
        """Its name."""
        return str(getattr(self, self.kind))

    @model_validator(mode="before")
    @classmethod
    def _of_a_kind_that_fits(cls, data: Any) -> Any:
        for kind, why in _UNFIT.items():
            if isinstance(data, dict) and kind in data:
                raise ValueError(f"{kind}: {why}; expected one of {', '.join(WORKLOADS)}")
        return data

    @model_validator(mode="after")
    def _one_workload(self) -> ExistingWorkload:
        given = [kind for kind in WORKLOADS if getattr(self, kind)]
        if len(given) != 1:
            raise ValueError(f"expected one of {', '.join(WORKLOADS)}; found {', '.join(given) or 'none'}")
        return self


_FORMS: Final = ("image", "manifests", "existing")
"""What a target in a cluster may be made of."""


class KubernetesForm(Frozen):
    """The form of the service in a cluster; used with `--on kubernetes`.

    Left out, or without a workload of its own, it is made from what `container` says.
    """

    model_config = ConfigDict(
        json_schema_extra={"not": {"anyOf": [{"allOf": [given(a), given(b)]} for a, b in combinations(_FORMS, 2)]}}
    )

    context: str | None = Field(
        None,
        description="A context of the kubeconfig. Left out: --allow, or the only one.",
        examples=["kind-leakdrill"],
    )
    image: str | None = Field(
        None,
        description="The image that a Deployment is made from. Left out: container.image.",
        examples=["shop:latest"],
    )
    build: Path | None = Field(
        None,
        description="A folder with a Dockerfile, built first on the Docker Engine of this machine.",
        examples=["../shop"],
    )
    command: list[str] | None = Field(
        None,
        description="The container's args; {python}, {port} and {disk} are filled in. Left out: the image's own.",
        examples=[["--port", "{port}"]],
    )
    manifests: list[Path] = Field(
        default_factory=list,
        description="Your own manifests instead of an image: files, or folders of them, relative to the scenario file.",
        examples=[["deploy/shop.yaml"]],
    )
    workload: str | None = Field(
        None,
        description="The Deployment, StatefulSet or DaemonSet of the manifests, as NAME or KIND/NAME. Left out: the "
        "only one.",
        examples=["shop", "statefulset/queue"],
    )
    existing: ExistingWorkload | None = Field(
        None, description="A Deployment, StatefulSet, DaemonSet or pod that runs already, instead of an image."
    )
    container: str | None = Field(
        None, description="The container of its pods that is measured. Left out: the first.", examples=["shop"]
    )
    port: WholeNumber = Field(
        8000, ge=1, le=65535, description="The port that it listens on inside; reached by port-forward."
    )
    disk: str = Field("/data", pattern="^/", description="Where the disk is mounted inside.")
    replicas: WholeNumber = Field(1, ge=1, description="How many pods run.")
    requests: Requests | None = Field(
        None,
        description="What the scheduler keeps free for each pod. Left out: the memory limit, and a tenth of a core.",
    )
    series: Literal["exporter", "kubelet"] = Field(
        "exporter",
        description="Whose container_* series alerts are evaluated on: ours, with ten readings a second, or the "
        "kubelet's.",
    )
    pull: Literal["IfNotPresent", "Never", "Always"] = Field("IfNotPresent", description="When the image is pulled.")

    @model_validator(mode="after")
    def _one_of(self) -> KubernetesForm:
        given = [name for name in _FORMS if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"expected one of image, manifests and existing; found {', '.join(given)}")
        # Of a stored run, each field is given, also where it is the default.
        fields = type(self).model_fields
        idle = [name for name in _OF_AN_IMAGE if getattr(self, name) != fields[name].default]
        if idle and (self.manifests or self.existing):
            raise ValueError(f"{', '.join(idle)}: of an image alone; with {given[0]} the workload itself says it")
        return self
