"""The registry of target kinds: one row for each, from which targets are made, described and undone.

A kind that is new is one folder beside the others and one row here. Its class is imported when a target of it is made,
so that a drill on a process needs neither Docker's package nor Kubernetes'.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

from leakdrill.errors import BadInput
from leakdrill.machine import undo as machine
from leakdrill.targets.base import capabilities
from leakdrill.targets.compose import doctor as compose_doctor
from leakdrill.targets.compose import undo as compose
from leakdrill.targets.docker import doctor as docker_doctor
from leakdrill.targets.docker import existing_undo as existing_container
from leakdrill.targets.docker import undo as docker
from leakdrill.targets.existing import undo as existing
from leakdrill.targets.kubernetes import doctor as kubernetes_doctor
from leakdrill.targets.kubernetes import undo as kubernetes
from leakdrill.targets.process import doctor as process_doctor
from leakdrill.targets.process.gpus import on_its_cards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from leakdrill.machine.finding import Finding
    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder
    from leakdrill.record.undo import UndoTable
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.scenario.target import ProcessTarget
    from leakdrill.targets.base.capabilities import Target
    from leakdrill.targets.docker.target import DockerTarget
    from leakdrill.targets.process.target import LocalProcess

    MakeTarget = Callable[..., Target]

C = TypeVar("C")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetKind:
    """One kind of target.

    Attributes:
        name: the word for it in messages and pages.
        kind: `target.kind` of a scenario.
        fits: whether a target with this `target.kind` is of this kind.
        load: imports its class, which makes a target from a scenario's and from the arguments of every target.
        left_running: whether it ran before the drill and goes on after it: what a step does to it needs `--allow`.
        look: refuses a target that should run already and does not, before anything is started.
        replicable: whether the drill itself runs several of them behind a balancer, where a step is `scale`.
        undo: how the journal entries are undone that only this kind writes.
        examine: what `leakdrill doctor` finds of the platform that its targets run on.
    """

    name: str
    kind: str
    fits: Callable[[ProcessTarget], bool] = lambda _spec: True
    load: Callable[[], type[Target]]
    left_running: bool = False
    look: Callable[[ProcessTarget], object] = lambda _spec: None
    replicable: bool = False
    undo: UndoTable
    examine: Callable[[], list[Finding]]

    def classes(self) -> tuple[type[Target], ...]:
        """The classes of its targets: of one, and of several where the drill runs them."""
        if not self.replicable:
            return (self.load(),)
        from leakdrill.targets.replicated.target import ReplicatedTarget

        return (self.load(), ReplicatedTarget)

    def capabilities(self) -> frozenset[str]:
        """The names of the capabilities that its targets have, one or several."""
        return frozenset(name for name, wanted in CAPABILITIES.items() if self.has(wanted))

    def has(self, wanted: type) -> bool:
        """Whether its targets, or parts of them, satisfy the Protocol `wanted`."""
        holders = [holder for target in self.classes() for holder in (target, *target.part_types)]
        return any(_has(holder, wanted) for holder in holders)

    def single(self) -> MakeTarget:
        """What makes one target of it, whatever its steps."""
        return self.load()

    def maker(self, scenario: Scenario) -> MakeTarget:
        """What makes the target of `scenario`; with a balancer in front from the start where a step scales it."""
        if self.replicable and any(step.scale for step in scenario.steps):
            from leakdrill.targets.replicated.target import ReplicatedTarget

            return partial(ReplicatedTarget, cast("type[LocalProcess | DockerTarget]", self.load()))
        return self.load()


def _process() -> type[Target]:
    from leakdrill.targets.process.target import LocalProcess

    return LocalProcess


def _docker() -> type[Target]:
    from leakdrill.targets.docker.target import DockerTarget

    return DockerTarget


def _existing_container() -> type[Target]:
    from leakdrill.targets.docker.existing import ExistingContainer

    return ExistingContainer


def _compose() -> type[Target]:
    from leakdrill.targets.compose.target import ComposeTarget

    return ComposeTarget


def _existing_compose() -> type[Target]:
    from leakdrill.targets.compose.existing import ExistingComposeService

    return ExistingComposeService


def _existing_pod() -> type[Target]:
    from leakdrill.targets.kubernetes.existing_pod import ExistingPod

    return ExistingPod


def _is_existing_pod(spec: ProcessTarget) -> bool:
    return spec.existing_pod is not None


def _kubernetes() -> type[Target]:
    from leakdrill.targets.kubernetes.target import KubernetesTarget

    return KubernetesTarget


def _look_for_container(spec: ProcessTarget) -> None:
    from leakdrill.targets.docker.presence import check_container

    check_container(spec)


def _is_existing_container(spec: ProcessTarget) -> bool:
    return spec.existing_container is not None


def _existing() -> type[Target]:
    from leakdrill.targets.existing.target import RunningService

    return RunningService


def _look_for_process(spec: ProcessTarget) -> None:
    from leakdrill.targets.existing.group_limits import look_for_service

    look_for_service(spec)


def _look_for_project(spec: ProcessTarget) -> None:
    from leakdrill.targets.compose.presence import check_project

    check_project(spec)


def _look_for_workload(spec: ProcessTarget) -> None:
    from leakdrill.targets.kubernetes.presence import check_workload

    check_workload(spec)


def _is_existing(spec: ProcessTarget) -> bool:
    return spec.compose is not None and spec.compose.project is not None


KINDS: Final = (
    TargetKind(
        name="process",
        kind="process",
        load=_process,
        replicable=True,
        undo=machine.UNDO,
        examine=process_doctor.examine,
    ),
    TargetKind(
        name="existing container",
        kind="docker",
        fits=_is_existing_container,
        load=_existing_container,
        left_running=True,
        look=_look_for_container,
        undo=existing_container.UNDO,
        examine=docker_doctor.examine,
    ),
    TargetKind(
        name="docker",
        kind="docker",
        load=_docker,
        replicable=True,
        undo=docker.UNDO,
        examine=docker_doctor.examine,
    ),
    TargetKind(
        name="existing compose",
        kind="compose",
        fits=_is_existing,
        load=_existing_compose,
        left_running=True,
        look=_look_for_project,
        undo=compose.UNDO,
        examine=compose_doctor.examine,
    ),
    TargetKind(
        name="compose",
        kind="compose",
        load=_compose,
        undo=compose.UNDO,
        examine=compose_doctor.examine,
    ),
    TargetKind(
        name="existing pod",
        kind="kubernetes",
        fits=_is_existing_pod,
        load=_existing_pod,
        left_running=True,
        look=_look_for_workload,
        undo=kubernetes.UNDO,
        examine=kubernetes_doctor.examine,
    ),
    TargetKind(
        name="kubernetes",
        kind="kubernetes",
        load=_kubernetes,
        look=_look_for_workload,
        undo=kubernetes.UNDO,
        examine=kubernetes_doctor.examine,
    ),
    TargetKind(
        name="existing service",
        kind="existing",
        load=_existing,
        left_running=True,
        look=_look_for_process,
        undo=existing.UNDO,
        examine=list,
    ),
)
"""Every kind; of two with the same `target.kind`, the first that fits."""

CAPABILITIES: Final[dict[str, type]] = {
    name: value
    for name, value in vars(capabilities).items()
    if getattr(value, "_is_runtime_protocol", False) and value is not capabilities.Target
}
"""The Protocols that a target may satisfy besides `Target`, by their names."""


def kind_of(spec: ProcessTarget) -> TargetKind:
    """The kind of a scenario's target.

    Raises:
        BadInput: for one that this version does not know.
    """
    for row in KINDS:
        if row.kind == spec.kind and row.fits(spec):
            return row
    known = ", ".join(dict.fromkeys(row.kind for row in KINDS))
    raise BadInput(f'target.kind: "{spec.kind}" is no kind of target; expected one of {known}')


def make_target(
    scenario: Scenario, *, scenario_dir: Path, run_dir: Path, run_id: str, recorder: Recorder, journal: Journal
) -> Target:
    """The target of `scenario`, not started yet, with a token of its own.

    Args:
        scenario: what to run, and the steps that it must allow.
        scenario_dir: what its command may refer to as `{scenario_dir}`.
        run_dir: gets its log.
        run_id: marks everything that is made for it.
        recorder: gets its starts, restarts, stops, and an end that nobody asked for.
        journal: gets each change before it is made.

    Raises:
        BadInput: when the scenario does not say what this kind of target needs, or has a step that it cannot do.
        EnvironmentProblem: when the platform that it runs on does not answer.
    """
    target = kind_of(scenario.target).maker(scenario)(
        on_its_cards(scenario.target),
        scenario_dir=scenario_dir,
        run_dir=run_dir,
        run_id=run_id,
        recorder=recorder,
        journal=journal,
        token=secrets.token_urlsafe(16),
    )
    if choosy := find_capability(target, capabilities.Choosy):
        choosy.check_steps(scenario.steps)
    return target


def capability(target: Target, wanted: type[C], *, step: str) -> C:
    """`target` as one that has the capability `wanted`, which `step` needs.

    Raises:
        BadInput: when it has not; says which kinds of target have it.
    """
    able = find_capability(target, wanted)
    if able is not None:
        return able
    raise BadInput(
        f"target '{target.name}' ({_name_of(type(target))}) does not support the step {step}; "
        f"expected {kinds_with(wanted) or 'another step: no kind of target supports it'}"
    )


def kinds_with(wanted: type) -> str:
    """The names of the kinds that have a capability, as `process, docker or compose`; empty when none has."""
    *others, last = [row.name for row in KINDS if row.has(wanted)] or [""]
    return f"{', '.join(others)} or {last}" if others else last


def find_capability(target: Target, wanted: type[C]) -> C | None:
    """`target`, or the part of it, that has the capability `wanted`; None when nothing of it has."""
    return next((holder for holder in (target, *target.parts) if isinstance(holder, wanted)), None)


def _name_of(target: type) -> str:
    return next((row.name for row in KINDS if row.load() is target), target.__name__)


def _has(target: type, wanted: type) -> bool:
    """Whether instances of `target` satisfy the Protocol `wanted`: `issubclass` refuses Protocols with properties."""
    members: Iterable[str] = (name for base in wanted.__mro__ for name in _members(base))
    return all(hasattr(target, name) or name in _annotated(target) for name in members)


def _members(base: type) -> list[str]:
    if base is object or base.__module__ == "typing":
        return []
    return [name for name in vars(base) if not name.startswith("_")]


def _annotated(target: type) -> set[str]:
    return {name for base in target.__mro__ for name in vars(base).get("__annotations__", {})}
