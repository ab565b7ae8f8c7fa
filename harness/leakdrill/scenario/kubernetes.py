"""How a target runs in a Kubernetes cluster: made from an image, from the user's manifests, or there already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from leakdrill.scenario.quantities import Frozen, Size

KUBELET: Final = "kubelet"
"""Label `job` of the kubelet's series, as production's own scrape of them says."""

KUBELET_SCRAPED_EVERY_S: Final = 5.0
"""A page of cAdvisor tells of every container of a node; more often would burden the API server and tell nothing."""

KUBELET_MEASURES_WITHIN_S: Final = 20.0
"""cAdvisor waits 10 s between two measurements of a container, and up to as long again so that not all come at once.

Of the clock on the wall, whatever the time scale. Source: cAdvisor's `--housekeeping_interval` and its jitter.
"""


class Requests(Frozen):
    """What the scheduler keeps free for each pod."""

    memory: Size | None = None
    cpus: Annotated[float, Field(gt=0)] | None = None


class ExistingWorkload(Frozen):
    """A Deployment that runs already, in staging; a drill changes it and puts it back."""

    context: str = Field(description="of the kubeconfig; `leakdrill run --allow` must name it too")
    namespace: str
    deployment: str


class KubernetesForm(Frozen):
    """How the same service runs in a cluster; used with `--on kubernetes`.

    Left out, or without a workload of its own, it is made from what `container` says.
    """

    context: str | None = Field(None, description="of the kubeconfig; left out: --allow, or the only one there is")
    image: str | None = Field(None, description="a Deployment is made of it; left out: container.image")
    build: Path | None = Field(None, description="a folder with a Dockerfile, built on the Docker Engine here first")
    command: list[str] | None = Field(
        None, description="args of the container; {python}, {port} and {disk} are filled in; left out: the image's own"
    )
    manifests: list[Path] = Field(
        default_factory=list, description="instead of an image: files of your own, relative to the scenario file"
    )
    workload: str | None = Field(None, description="which Deployment of the manifests; left out: the only one")
    existing: ExistingWorkload | None = Field(None, description="instead of an image: what runs already")
    container: str | None = Field(None, description="which container of its pods; left out: the first")
    port: int = Field(8000, ge=1, le=65535, description="where it listens inside; reached by port-forward")
    disk: str = Field("/data", pattern="^/", description="where the disk is mounted inside")
    replicas: int = Field(1, ge=1)
    requests: Requests | None = Field(None, description="left out: the memory limit, and a tenth of a core")
    series: Literal["exporter", "kubelet"] = Field(
        "exporter",
        description="whose container_* series the alerts are judged on: ours, ten readings a second, or the kubelet's",
    )
    pull: Literal["IfNotPresent", "Never", "Always"] = "IfNotPresent"

    @model_validator(mode="after")
    def _one_of(self) -> KubernetesForm:
        given = [name for name in ("image", "manifests", "existing") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"expected one of image, manifests and existing; found {', '.join(given)}")
        return self
