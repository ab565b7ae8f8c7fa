"""The registry of target kinds: every kind of the scenario has a row, and the rows say what their targets can do."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from leakdrill.errors import BadInput
from leakdrill.scenario.target import ProcessTarget
from leakdrill.targets.base.capabilities import Recreatable, Restartable
from leakdrill.targets.kinds import CAPABILITIES, KINDS, capability, kind_of

pytest.importorskip("docker")
pytest.importorskip("kubernetes")

EVERYWHERE = {"Executable", "OnGpus", "Replicated", "Restartable", "Signallable"}
OWN = {"Configurable", "Limitable", "Logged", "Renewing", "Scalable"}


class Bare:
    name = "web"
    parts = ()


def spec(**fields: Any) -> ProcessTarget:
    return ProcessTarget.model_validate({"name": "web", "command": ["x"], **fields})


def test_every_kind_of_a_scenario_has_a_row_and_no_row_is_left_over() -> None:
    kinds = get_args(ProcessTarget.model_fields["kind"].annotation)
    assert {row.kind for row in KINDS} == set(kinds)
    for kind in kinds:
        assert kind_of(spec().model_copy(update={"kind": kind})).kind == kind


def test_a_service_of_a_project_that_is_up_is_a_kind_of_its_own() -> None:
    form = {"file": "compose.yaml", "service": "web"}
    assert kind_of(spec(compose=form)).name == "compose"
    assert kind_of(spec(compose={**form, "project": "staging"})).name == "existing compose"


def test_a_container_that_runs_already_is_a_kind_of_its_own() -> None:
    made = ProcessTarget.model_validate({"name": "web", "kind": "docker", "container": {"image": "web"}})
    assert kind_of(made).name == "docker"
    there = ProcessTarget.model_validate({"name": "web", "container": "web-1"})
    assert (there.kind, kind_of(there).name, there.goes_by) == ("docker", "existing container", "web-1")


def test_a_pod_that_runs_already_is_a_kind_of_its_own() -> None:
    existing = {"context": "staging", "namespace": "shop"}
    there = ProcessTarget.model_validate(
        {"name": "web", "kubernetes": {"existing": {**existing, "pod": "web-0"}, "port": 80}}
    )
    assert (there.kind, kind_of(there).name, there.goes_by) == ("kubernetes", "existing pod", "staging")
    workload = ProcessTarget.model_validate(
        {"name": "web", "kubernetes": {"existing": {**existing, "deployment": "w"}}}
    )
    assert (workload.kind, kind_of(workload).name) == ("kubernetes", "kubernetes")


def test_a_kind_that_nobody_registered_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadInput, match='"podman" is no kind of target; expected one of process, docker, compose, kub'):
        kind_of(spec().model_copy(update={"kind": "podman"}))


def test_what_each_kind_can_do() -> None:
    assert {row.name: set(row.capabilities()) for row in KINDS} == {
        "process": EVERYWHERE | OWN | {"AgentHost", "FilesInside"},
        "docker": EVERYWHERE | OWN | {"AgentHost", "FilesInside", "KnownOutside", "Pinnable"},
        "existing container": EVERYWHERE - {"Replicated"}
        | {"AgentHost", "FilesInside", "Limitable", "Losable", "Outliving"},
        "existing compose": EVERYWHERE | {"KnownOutside", "Neighboured"},
        "compose": EVERYWHERE
        | OWN - {"Logged"}
        | {"KnownOutside", "Neighboured", "Pinnable", "Prunable", "Recreatable"},
        "kubernetes": EVERYWHERE
        | OWN
        | {"Autoscalable", "Choosy", "Copyable", "KnownOutside", "KubeletScraped", "Losable", "SelfReplacing"},
        "existing pod": {"Copyable", "Executable", "KnownOutside", "KubeletScraped", "Logged", "Losable", "OnGpus"}
        | {"Outliving", "Signallable"},
        "existing service": EVERYWHERE - {"Replicated"} | {"Losable", "Outliving"},
    }


def test_no_capability_is_there_that_no_kind_has() -> None:
    assert set(CAPABILITIES) == {name for row in KINDS for name in row.capabilities()}


def test_a_target_that_has_the_capability_is_handed_back_as_one() -> None:
    class Restarted(Bare):
        def restart(self) -> None: ...

    target: Any = Restarted()
    assert capability(target, Restartable, step="restart") is target


def test_a_target_that_lacks_it_says_which_kinds_have_it() -> None:
    target: Any = Bare()
    with pytest.raises(BadInput) as raised:
        capability(target, Recreatable, step="recreate")
    assert raised.value.message == "target 'web' (Bare) does not support the step recreate; expected compose"
    with pytest.raises(
        BadInput,
        match="expected process, existing container, docker, existing compose, compose, kubernetes or existing service",
    ):
        capability(target, Restartable, step="restart")
