"""The catalogue's runbooks: lint has nothing to say of them, and every word of them means something in their drill."""

from __future__ import annotations

import pytest

from leakdrill.runbooks.findings.lint import lint
from leakdrill.runbooks.read import read_runbook
from leakdrill.runs.catalogue.catalogue import catalogue_root, find_scenario
from leakdrill.runs.rehearsal.prepared import prepare

DRILLS = {
    "resource-exhaustion": "gateway/unbounded-cache",
    "high-memory-usage": "pipeline/redis-without-ttl-cleared",
    "gpu-memory-exhaustion": "tensor/unused-blocks",
    "python-memory": "patterns/cache-without-eviction",
    "build-memory": "runner/unbounded-outputs",
}
NAMES = [f"{name}{twin}" for name in DRILLS for twin in ("", "-wrong")]


@pytest.mark.parametrize("name", NAMES)
def test_lint_finds_nothing_and_nothing_is_silenced(name):
    found = lint(read_runbook(catalogue_root() / "runbooks" / f"{name}.md"))
    assert [finding.message for finding in found.findings] == []
    assert list(found.silenced) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_rehearsal_carries_out_every_command_but_those_for_other_services(name):
    runbook = read_runbook(catalogue_root() / "runbooks" / f"{name}.md")
    (way,) = prepare(runbook, find_scenario(DRILLS[name.removesuffix("-wrong")]))
    assert all("is not the drill's target" in one.why for one in way.rehearsal.left_out)
    assert bool(way.rehearsal.left_out) == (name in ("resource-exhaustion-wrong", "build-memory-wrong"))
    assert any(step.kind == "look" for step in way.rehearsal.steps)
