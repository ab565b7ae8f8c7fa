"""The cards of a scenario: how a process and a container are told them."""

from __future__ import annotations

from typing import Any

import pytest

from leakdrill.errors import EnvironmentProblem
from leakdrill.scenario.target import ProcessTarget
from leakdrill.targets.docker.gpus import device_requests, gpus_given
from leakdrill.targets.process.gpus import on_its_cards


def target(**more: Any) -> ProcessTarget:
    return ProcessTarget.model_validate({"name": "x", "command": ["x"], "gpu": {"devices": [1, "MIG-3d"]}} | more)


def test_a_process_is_told_its_cards_in_the_drivers_order() -> None:
    told = on_its_cards(target(env={"A": "b"})).env
    assert told == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "1,MIG-3d", "A": "b"}


def test_what_the_scenario_says_itself_stands() -> None:
    assert on_its_cards(target(env={"CUDA_VISIBLE_DEVICES": "7"})).env["CUDA_VISIBLE_DEVICES"] == "7"


def test_a_container_asks_the_engine_for_its_cards_and_is_told_none() -> None:
    inside = target(kind="docker", container={"image": "x"})
    assert on_its_cards(inside) is inside
    (request,) = device_requests(inside.gpu)["device_requests"]
    assert (request["DeviceIDs"], request["Capabilities"]) == (["1", "MIG-3d"], [["gpu"]])


def test_no_engine_is_asked_for_cards_that_may_be_missing() -> None:
    assert device_requests(None) == {}
    assert device_requests(target(gpu={"required": False}).gpu) == {}


def test_a_target_without_cards_is_left_as_it_is() -> None:
    plain = target(gpu=None)
    assert on_its_cards(plain) is plain


def test_an_engine_that_has_no_cards_is_told_from_one_that_failed_for_another_reason() -> None:
    words = 'the engine did not start it: could not select device driver "" with capabilities: [[gpu]]'
    gpu = target().gpu
    with pytest.raises(EnvironmentProblem, match=r"cards of target.gpu \(1, MIG-3d\)"), gpus_given(gpu, "x"):
        raise EnvironmentProblem(words)
    with pytest.raises(EnvironmentProblem, match=r"^no space$"), gpus_given(gpu, "x"):
        raise EnvironmentProblem("no space")
    with pytest.raises(EnvironmentProblem, match=r"^the engine"), gpus_given(None, "x"):
        raise EnvironmentProblem(words)
