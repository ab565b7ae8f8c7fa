"""Which steps a workload cannot do because of what it is or how it is set up: known before a drill begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leakdrill.targets.kubernetes.claims import deletes_claims
from leakdrill.targets.kubernetes.workload_kind import why_none_is_replaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.scenario.steps import Step
    from leakdrill.targets.kubernetes.workload_kind import WorkloadKind

_REPLACING: Final = ("restart", "set_limits", "set_env")
_COUNTING: Final = ("scale", "autoscale")


def impossible_steps(
    steps: Sequence[Step], kind: WorkloadKind, manifest: Mapping[str, Any] | None, *, existing: bool = False
) -> Iterator[tuple[int, str, str]]:
    """Each step that cannot work: its number, its action and why.

    Args:
        steps: of the scenario.
        kind: of the workload.
        manifest: the workload; None where it is not known yet.
        existing: whether it was there before the run, so that it must be put back.
    """
    for index, step in enumerate(steps):
        for action in (*_REPLACING, *_COUNTING):
            if getattr(step, action) is None:
                continue
            if why := _why_not(step, action, kind, manifest or {"spec": {}}, existing=existing):
                yield index, action, why


def _why_not(step: Step, action: str, kind: WorkloadKind, manifest: Mapping[str, Any], *, existing: bool) -> str | None:
    if action in _REPLACING:
        why = why_none_is_replaced(manifest)
        return f"{why}; expected one that replaces them (`delete_pod` does)" if why else None
    if not kind.scalable:
        return f"a {kind.name} has one pod on each node that fits, whose number nobody chooses; expected another step"
    return _why_claims_forbid(step, manifest) if existing else None


def _why_claims_forbid(step: Step, manifest: Mapping[str, Any]) -> str | None:
    """A volume that is deleted cannot be put back, and one that an autoscaler adds carries no mark of the run."""
    spec = manifest["spec"]
    if step.autoscale and spec.get("volumeClaimTemplates"):
        return "each pod that the autoscaler adds would leave a volume behind; expected `scale`"
    fewer = step.scale is not None and step.scale.replicas < int(spec.get("replicas", 1))
    if fewer and deletes_claims(manifest):
        return "fewer pods delete their volumes (whenScaled: Delete), which nobody could put back; expected more pods"
    return None
