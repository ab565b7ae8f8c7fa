"""The user's own manifests: read, checked, and put into the run's namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput
from leakdrill.targets.kubernetes.api import NOT_FOUND, RUN_LABEL, ClusterRefused
from leakdrill.units import quoted
from leakdrill.yaml_file import read_yaml_documents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.yaml_file import Document

Manifest = dict[str, Any]
_SCALED: Final = ("Deployment",)


def read_manifests(files: Sequence[Path]) -> list[Manifest]:
    """Every object in `files`, in order.

    Raises:
        BadInput: for what cannot be read, is not YAML, or is no object of Kubernetes; names file and line.
    """
    return [_manifest(document) for file in files for document in read_yaml_documents(file, expected="a manifest")]


def _manifest(document: Document) -> Manifest:
    value, place = document.data, f"{document.path}:{document.line(())}"
    meta = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not {"apiVersion", "kind"} <= value.keys() or not isinstance(meta, dict):
        raise BadInput(f"{place}: found no apiVersion, kind and metadata; expected an object of Kubernetes")
    if not isinstance(meta.get("name"), str):
        raise BadInput(f"{place}: metadata.name: found {quoted(meta.get('name'))}; expected a text")
    return value


def workload_of(manifests: Sequence[Manifest], name: str | None) -> Manifest:
    """The Deployment that is drilled: the one called `name`, else the only one.

    Raises:
        BadInput: when that is none, or more than one.
    """
    scaled = [m for m in manifests if m["kind"] in _SCALED]
    named = [m for m in scaled if name in (None, m["metadata"]["name"])]
    if len(named) != 1:
        listed = ", ".join(m["metadata"]["name"] for m in scaled) or "none"
        raise BadInput(
            f"target.kubernetes.manifests: found {listed}; expected one Deployment"
            + (f' called "{name}"' if name else ""),
            hint="target.kubernetes.workload names it",
        )
    return named[0]


def placed(manifest: Manifest, *, namespace: str, run: str) -> Manifest:
    """`manifest` in `namespace`, with the run's label on it and on its pods."""
    meta = manifest["metadata"]
    labels = {**(meta.get("labels") or {}), RUN_LABEL: run}
    changed = {**manifest, "metadata": {**meta, "namespace": namespace, "labels": labels}}
    template = (manifest.get("spec") or {}).get("template")
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
