"""The claims of volumes that new pods of a StatefulSet ask for, made beforehand so that they carry the run's mark.

The cluster would make them too, without the mark, and keep them when the pods go: nobody could tell whose they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.placement import Placement

COLLECTION: Final = "/api/v1/namespaces/{}/persistentvolumeclaims"


def make_claims(cluster: Cluster, place: Placement, manifest: Mapping[str, Any], replicas: int) -> None:
    """Make the claims that are not there yet of the pods that `manifest` gets when it has `replicas`.

    Raises:
        EnvironmentProblem: when the API server refuses.
    """
    where = COLLECTION.format(place.namespace)
    for claim in new_claims(manifest, replicas):
        if cluster.find(f"{where}/{claim['metadata']['name']}") is None:
            place.make_object(where, claim)


def new_claims(manifest: Mapping[str, Any], replicas: int) -> Iterator[dict[str, Any]]:
    """The claims of the pods that `manifest` does not have yet; named and labelled as the cluster does it."""
    spec, name = manifest["spec"], manifest["metadata"]["name"]
    first = int((spec.get("ordinals") or {}).get("start") or 0)
    for number in range(first + int(spec.get("replicas", 1)), first + replicas):
        for template in spec.get("volumeClaimTemplates") or []:
            meta = template["metadata"]
            labels = {**(meta.get("labels") or {}), **(spec["selector"].get("matchLabels") or {})}
            more = {"annotations": meta["annotations"]} if meta.get("annotations") else {}
            yield {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": f"{meta['name']}-{name}-{number}", "labels": labels, **more},
                "spec": template["spec"],
            }


def deletes_claims(manifest: Mapping[str, Any]) -> bool:
    """Whether the cluster deletes a pod's claims, and the data on their volumes, when fewer pods are asked for."""
    spec = manifest["spec"]
    policy = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    return bool(spec.get("volumeClaimTemplates")) and policy.get("whenScaled") == "Delete"
