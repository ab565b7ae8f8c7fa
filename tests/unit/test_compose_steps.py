"""Steps on compose services: what they may say, what they ask of a target, and who cannot do them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.http_access import ANYONE
from leakdrill.scenario.steps import Step
from leakdrill.steps.step import StepFailed, carry_out


class Bare:
    """A target that can be reached and nothing else."""

    name = "bare"
    parts = ()
    base_url = "http://127.0.0.1:9"
    token = ""
    access = ANYONE

    def execute(self, command, *, output, timeout_s):  # noqa: ARG002 - the protocol's
        output.write_text("done")
        return 0


class Able(Bare):
    """A target that notes what it was asked for, and has no room for more than 1 MiB."""

    def __init__(self):
        self.asked = []

    def recreate(self, *, memory_bytes, cpus):
        if memory_bytes and memory_bytes > 1 << 20:
            raise EnvironmentProblem("the engine has no room")
        self.asked.append((memory_bytes, cpus))

    def prune(self):
        return {"containers": 2, "networks": 0, "volumes": 1}

    def execute_beside(self, service, command, *, output, timeout_s):
        self.asked.append((service, list(command)))
        return self.execute(command, output=output, timeout_s=timeout_s)


def step(**action):
    return Step.model_validate({"name": "a step", **action})


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (
            {"scale": {"replicas": 2}},
            "does not support the step scale; expected process, docker, compose or kubernetes",
        ),
        ({"recreate": {"memory": "1MiB"}}, "does not support the step recreate; expected compose"),
        ({"prune": {}}, "does not support the step prune; expected compose"),
        (
            {"exec": {"command": ["true"], "service": "nginx"}},
            "does not support the step exec.service; expected existing compose or compose",
        ),
    ],
)
def test_a_target_that_cannot_says_so(tmp_path, action, why):
    with pytest.raises(StepFailed, match=why):
        carry_out(step(**action), Bare(), run_dir=tmp_path)


def test_a_target_that_can_is_asked_and_what_it_did_is_on_the_record(tmp_path):
    target = Able()
    assert carry_out(step(recreate={"memory": "1MiB", "cpus": 0.5}), target) == {"memory": "1 MiB", "cpus": "0.5"}
    assert carry_out(step(prune={}), target) == {"containers": "2", "networks": "0", "volumes": "1"}
    carry_out(step(exec={"command": ["nginx", "-s", "reload"], "service": "nginx"}), target, run_dir=tmp_path)
    assert target.asked == [(1 << 20, 0.5), ("nginx", ["nginx", "-s", "reload"])]
    with pytest.raises(StepFailed, match="the engine has no room"):
        carry_out(step(recreate={"memory": "2MiB"}), target)


def test_there_is_always_one_replica():
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        step(scale={"replicas": 0})
