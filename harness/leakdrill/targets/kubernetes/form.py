"""Which form a target has in a cluster: its own, or the one that its container form implies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import BadInput
from leakdrill.scenario.kubernetes import KubernetesForm

if TYPE_CHECKING:
    from leakdrill.scenario.target import ProcessTarget


def form_of(spec: ProcessTarget) -> KubernetesForm:
    """The `kubernetes` form of `spec`, completed from its `container` form: one image serves on both.

    Raises:
        BadInput: when neither says what to run.
    """
    form = spec.kubernetes or KubernetesForm()
    if form.image or form.manifests or form.existing:
        return form
    if spec.container is None or spec.container.existing is not None:
        raise BadInput(
            f"target '{spec.name}' has neither `kubernetes` nor an image in `container`; "
            "expected one for a drill in a cluster",
            hint="target.container: {image: NAME, port: 8000} serves on Docker and on Kubernetes",
        )
    container = spec.container
    implied = {"image": container.image, "build": container.build, "command": container.command}
    more = {name: getattr(container, name) for name in ("port", "disk") if name not in form.model_fields_set}
    return form.model_copy(update={**implied, **more})


def in_context(spec: ProcessTarget, context: str) -> KubernetesForm:
    """The form of `spec` as it is, in `context` where it names none."""
    form = spec.kubernetes or KubernetesForm()
    return form.model_copy(update={"context": form.context or context})


def check_allowed(spec: ProcessTarget, allow: str | None) -> None:
    """Refuse to touch a workload that somebody else runs, unless this run was told that it may.

    Raises:
        BadInput: when `allow` is not the context that the scenario names.
    """
    existing = spec.kubernetes.existing if spec.kubernetes else None
    if spec.kind != "kubernetes" or existing is None or existing.pod or existing.context == allow:
        return  # of a pod, what a step does is asked for step by step
    given = "nothing" if allow is None else f'"{allow}"'
    raise BadInput(
        f"target.kubernetes.existing: a drill on {existing.namespace}/{existing.name} changes a workload that "
        f"runs already; expected --allow {existing.context}, found {given}",
        hint=f"leakdrill run … --allow {existing.context}, when you are sure",
    )
