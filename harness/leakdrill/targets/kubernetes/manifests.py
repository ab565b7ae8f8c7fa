"""The user's own manifests: read, checked, and put into the run's namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.foreign_rules import refuse_foreign
from leakdrill.errors import BadInput
from leakdrill.files import is_file, is_folder
from leakdrill.targets.kubernetes.api import NOT_FOUND, RUN_LABEL, ClusterRefused
from leakdrill.targets.kubernetes.manifest_shape import wrong_part
from leakdrill.targets.kubernetes.metrics_server_meter import parse_quantity
from leakdrill.targets.kubernetes.workload_kind import KIND_NAMES, kind_called
from leakdrill.units import quoted
from leakdrill.yaml_file import read_yaml_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.workload_kind import WorkloadKind
    from leakdrill.yaml_file import Document, Loc

Manifest = dict[str, Any]
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True, slots=True)
class ReadManifest:
    """One object of the user's, and where it is: `file:line`."""

    data: Manifest
    place: str

    def __str__(self) -> str:
        return f"{self.data['kind']}/{self.data['metadata']['name']}"

    @property
    def kind(self) -> WorkloadKind | None:
        """Its kind, where a drill can be run on it."""
        group = str(self.data["apiVersion"]).partition("/")[0]
        return kind_called(self.data["kind"]) if group in ("apps", "extensions") else None

    @property
    def has_pods(self) -> bool:
        """Whether it runs anything at all."""
        spec = self.data.get("spec") or {}
        return isinstance(spec, dict) and bool({"template", "containers", "jobTemplate"} & spec.keys())


def read_manifests(paths: Sequence[Path]) -> list[ReadManifest]:
    """Every object in the files and folders `paths`, in order, those of a List each for itself.

    Raises:
        BadInput: for what cannot be read, is not YAML, has to be rendered first, or is no object of Kubernetes; names
            file and line.
    """
    return [one for file in _files(paths) for document in _documents(file) for one in _objects(document, ())]


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not is_folder(path):
            yield path
            continue
        kustomization = next((path / name for name in _KUSTOMIZATIONS if is_file(path / name)), None)
        if kustomization is not None:
            raise _is_kustomization(kustomization)
        found = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and is_file(file))
        if not found:
            raise BadInput(f"{path}: found no file that ends in {', '.join(_SUFFIXES)}; expected manifests")
        yield from found


def _documents(file: Path) -> list[Document]:
    refuse_foreign(file)
    if file.name in _KUSTOMIZATIONS:
        raise _is_kustomization(file)
    return read_yaml_documents(file, expected="a manifest", scalars="go")


def _is_kustomization(file: Path) -> BadInput:
    return BadInput(
        f"{file}: is a kustomization; expected the manifests that it makes",
        hint=f"kubectl kustomize {file.parent} > {file.parent.name or 'all'}.yaml, and name that file instead",
    )


def _objects(document: Document, loc: Loc) -> Iterator[ReadManifest]:
    part = document.below(loc) if loc else document
    value, place = part.data, f"{document.path}:{document.line(loc)}"
    kind = value.get("kind") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
        for index in range(len(value["items"])):
            yield from _objects(document, (*loc, "items", index))
        return
    yield ReadManifest(_manifest(value, place), place)


def _manifest(value: Any, place: str) -> Manifest:
    meta = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not {"apiVersion", "kind"} <= value.keys() or not isinstance(meta, dict):
        raise BadInput(f"{place}: found no apiVersion, kind and metadata; expected an object of Kubernetes")
    for key in ("apiVersion", "kind"):
        if not isinstance(value[key], str):
            raise BadInput(f"{place}: {key}: found {quoted(value[key])}; expected a text")
    if not isinstance(meta.get("name"), str):
        raise BadInput(f"{place}: metadata.name: found {quoted(meta.get('name'))}; expected a text")
    return value


def workload_of(manifests: Sequence[ReadManifest], name: str | None) -> ReadManifest:
    """The workload that is drilled: the one called `name`, as NAME or KIND/NAME, else the only one.

    Raises:
        BadInput: when that is none, or more than one, or its pods cannot be told.
    """
    word, _, wanted = (name or "").rpartition("/")
    known = [one for one in manifests if one.kind]
    named = [one for one in known if wanted in ("", one.data["metadata"]["name"])]
    if word:
        named = [one for one in named if one.kind is kind_called(word)]
    if len(named) != 1:
        raise _not_one(manifests, named if len(named) > 1 else known, name)
    _refuse_misfit(named[0])
    return named[0]


def _not_one(manifests: Sequence[ReadManifest], known: Sequence[ReadManifest], name: str | None) -> BadInput:
    """Several workloads, or none; then what else runs pods is named, because a drill cannot be run on it."""
    others = [one for one in manifests if one.has_pods and not one.kind]
    found = ", ".join(f"{one} ({one.place})" for one in known or others) or "none"
    expected = f"expected one {KIND_NAMES}" + (f" called {quoted(name)}" if name else "")
    if known:
        return BadInput(
            f"target.kubernetes.manifests: found {found}; {expected}",
            hint="target.kubernetes.workload names it, as NAME or KIND/NAME",
        )
    return BadInput(
        f"target.kubernetes.manifests: found {found}; {expected}",
        hint="a drill needs a service that answers all the time and whose pods are replaced" if others else "",
    )


def _refuse_misfit(one: ReadManifest) -> None:
    spec = one.data.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    pod = template.get("spec") if isinstance(template, dict) else None
    containers = pod.get("containers") if isinstance(pod, dict) else None
    if not isinstance(containers, list) or not all(isinstance(c, dict) and c.get("name") for c in containers or [0]):
        raise BadInput(f"{one.place}: {one}: spec.template.spec.containers: expected containers, each with a name")
    if wrong := wrong_part(one.data):
        raise BadInput(f"{one.place}: {one}: {wrong}")


def service_container(manifest: Mapping[str, Any], name: str | None) -> str:
    """Which container of its pods is the service: the one called `name`, else the first.

    Raises:
        BadInput: when it has none of that name.
    """
    return str(container_of(manifest, name)["name"])


def container_of(manifest: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """The container of its pods that is the service, as the manifest has it. Raises as `service_container` does."""
    template = manifest["spec"].get("template")
    containers: list[dict[str, Any]] = (template or manifest)["spec"]["containers"]
    found = next((one for one in containers if name in (None, one["name"])), None)
    if found is None:
        raise BadInput(
            f"target.kubernetes.container: {manifest['kind']}/{manifest['metadata']['name']} has no container "
            f"{quoted(name)}; expected one of {', '.join(str(one['name']) for one in containers)}"
        )
    return found


def with_env(manifest: Manifest, container: str, env: Sequence[Mapping[str, str]]) -> Manifest:
    """`manifest` with `env` among what `container` is given; of two with one name, ours holds."""
    added = {one["name"]: dict(one) for one in env}
    return _with_container(
        manifest, container, lambda one: {"env": [*_without(one.get("env") or [], added), *added.values()]}
    )


def with_limits(manifest: Manifest, container: str, limits: Mapping[str, str]) -> Manifest:
    """`manifest` where `container` has `limits`, by resource, and keeps no more free than they allow."""

    def limited(one: Mapping[str, Any]) -> dict[str, Any]:
        has = one.get("resources") or {}
        requests = {
            key: limits[key] if key in limits and _is_more(value, limits[key]) else value
            for key, value in (has.get("requests") or {}).items()
        }
        changed = {**has, "limits": {**(has.get("limits") or {}), **limits}}
        return {"resources": {**changed, "requests": requests} if requests else changed}

    return _with_container(manifest, container, limited) if limits else manifest


def _is_more(value: Any, limit: str) -> bool:
    """Whether a request is above `limit`; what is no quantity is left to the API server, which says so."""
    try:
        return parse_quantity(str(value)) > parse_quantity(limit)
    except ValueError:
        return False


def _with_container(
    manifest: Manifest, container: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> Manifest:
    template = manifest["spec"]["template"]
    containers = [{**one, **change(one)} if one["name"] == container else one for one in template["spec"]["containers"]]
    changed = {**template, "spec": {**template["spec"], "containers": containers}}
    return {**manifest, "spec": {**manifest["spec"], "template": changed}}


def _without(env: Sequence[Any], names: Collection[str]) -> list[Any]:
    return [one for one in env if not (isinstance(one, dict) and one.get("name") in names)]


def placed(manifest: Manifest, *, namespace: str, run: str) -> Manifest:
    """`manifest` in `namespace`, with the run's label on it and on its pods."""
    meta = manifest["metadata"]
    labels = {**(meta.get("labels") or {}), RUN_LABEL: run}
    changed = {**manifest, "metadata": {**meta, "namespace": namespace, "labels": labels}}
    spec = manifest.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    if isinstance(template, dict):
        pod_meta = template.get("metadata") or {}
        pod_labels = {**(pod_meta.get("labels") or {}), RUN_LABEL: run}
        marked = {**template, "metadata": {**pod_meta, "labels": pod_labels}}
        changed["spec"] = {**manifest["spec"], "template": marked}
    return changed


def collection(cluster: Cluster, manifest: Manifest, *, namespace: str) -> str:
    """The API path where objects of its kind are made in `namespace`.

    Raises:
        BadInput: when the cluster has no such kind, or it does not live in a namespace: it would outlive the drill.
        ClusterGone: when the API server does not answer.
    """
    version, kind = manifest["apiVersion"], manifest["kind"]
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    try:
        known = cluster.get(base)["resources"]
    except ClusterRefused as e:
        if e.status != NOT_FOUND:
            raise
        known = []
    resource = next((r for r in known if r["kind"] == kind and "/" not in r["name"]), None)
    subject = f"{kind}/{manifest['metadata']['name']}"
    if resource is None:
        raise BadInput(f"target.kubernetes.manifests: {subject}: the cluster has no {kind} of {version}")
    if not resource["namespaced"]:
        raise BadInput(
            f"target.kubernetes.manifests: {subject} lives outside of any namespace; expected what goes with the run's",
            hint="make it beforehand, or use target.kubernetes.existing",
        )
    return f"{base}/namespaces/{namespace}/{resource['name']}"
