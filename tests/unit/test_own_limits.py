"""Limits: of what runs already compared before the start, of manifests set, of a disk only where one is made."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from leakdrill.errors import BadInput
from leakdrill.machine.cgroup import Cgroup
from leakdrill.runs.drill.permission import check_is_there
from leakdrill.runs.drill.plan_check import check_plan
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.target import Limits, ProcessTarget
from leakdrill.targets.base.own_limits import check_own_limits
from leakdrill.targets.docker.existing_limits import check_limits
from leakdrill.targets.existing.group_limits import check_group_limits, cpu_limit
from leakdrill.targets.kinds import kind_of
from leakdrill.targets.kubernetes.manifests import with_limits
from leakdrill.targets.kubernetes.presence import limits_of

MIB = 2**20


def limits(**given: Any) -> Limits:
    return Limits.model_validate(given)


@pytest.mark.parametrize(
    ("wanted", "memory", "cpus", "problem"),
    [
        ({"memory": "64MiB"}, 64 * MIB, None, None),
        ({"memory": "64MiB"}, 128 * MIB, None, "target.limits.memory: found 64 MiB; the shop has 128 MiB, and"),
        ({"memory": "64MiB"}, None, 1.0, "target.limits.memory: found 64 MiB; the shop has no memory limit, and"),
        ({"cpus": 0.5}, None, 0.5, None),
        ({"cpus": 0.5}, None, 2.0, "target.limits.cpus: found 0.5; the shop has 2, and is used as it is"),
        ({"cpus": 0.5}, 64 * MIB, None, "target.limits.cpus: found 0.5; the shop has no CPU limit, and is used"),
        ({}, 64 * MIB, 2.0, None),
    ],
)
def test_a_scenario_may_only_say_what_the_limits_are(wanted, memory, cpus, problem):
    if problem is None:
        check_own_limits(limits(**wanted), "the shop", memory_bytes=memory, cpus=cpus)
        return
    with pytest.raises(BadInput) as raised:
        check_own_limits(limits(**wanted), "the shop", memory_bytes=memory, cpus=cpus)
    assert raised.value.message.startswith(problem)


@pytest.mark.parametrize(
    ("settings", "wanted", "fits"),
    [
        ({"Memory": 64 * MIB}, {"memory": "64MiB"}, True),
        ({"Memory": 0}, {"memory": "64MiB"}, False),
        ({"Memory": 0, "NanoCpus": 500_000_000}, {"cpus": 0.5}, True),
        ({"Memory": 0, "CpuQuota": 150_000, "CpuPeriod": 0}, {"cpus": 1.5}, True),
        ({"Memory": 0, "CpuQuota": -1, "CpuPeriod": 0}, {"cpus": 1.5}, False),
        ({"Memory": 0, "NanoCpus": 0}, {"cpus": 0.5}, False),
    ],
)
def test_the_limits_of_a_container_are_read_as_the_engine_keeps_them(settings, wanted, fits):
    container: Any = SimpleNamespace(name="shop-1", attrs={"HostConfig": settings})
    if fits:
        check_limits(container, limits(**wanted))
        return
    with pytest.raises(BadInput, match="container shop-1 has no"):
        check_limits(container, limits(**wanted))


def group(folder, version, files):
    for name, text in files.items():
        (folder / name).write_text(text)
    return Cgroup(version=version, memory=folder, cpu=folder)


@pytest.mark.parametrize(
    ("version", "files", "cores"),
    [
        (2, {"cpu.max": "50000 100000\n"}, 0.5),
        (2, {"cpu.max": "max 100000\n"}, None),
        (1, {"cpu.cfs_quota_us": "150000\n", "cpu.cfs_period_us": "100000\n"}, 1.5),
        (1, {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}, None),
        (1, {}, None),
    ],
)
def test_the_cpu_limit_of_a_group_is_read_in_both_versions(tmp_path, version, files, cores):
    assert cpu_limit(group(tmp_path, version, files)) == cores


def test_a_service_is_held_to_the_limits_that_its_group_has_and_to_none_that_it_lacks(tmp_path):
    spec = ProcessTarget.model_validate(
        {"name": "shop", "url": "http://127.0.0.1:8000", "limits": {"memory": "64MiB", "cpus": 1}}
    )
    check_group_limits(spec, None)
    check_group_limits(spec, group(tmp_path, 2, {"cpu.max": "max 100000"}))
    with pytest.raises(BadInput, match=r"target\.limits\.cpus: found 1; the service has 0\.5"):
        check_group_limits(spec, group(tmp_path, 2, {"cpu.max": "50000 100000"}))


def manifest(**resources: Any) -> dict[str, Any]:
    containers = [{"name": "web", "image": "web"}, {"name": "proxy", "image": "proxy"}]
    if resources:
        containers[0]["resources"] = resources
    return {"kind": "Deployment", "spec": {"replicas": 2, "template": {"spec": {"containers": containers}}}}


def test_limits_are_set_on_the_service_s_container_of_a_manifest():
    made = with_limits(manifest(), "web", {"memory": str(64 * MIB), "cpu": "500m"})
    web, proxy = made["spec"]["template"]["spec"]["containers"]
    assert web["resources"] == {"limits": {"memory": str(64 * MIB), "cpu": "500m"}}
    assert "resources" not in proxy
    assert limits_of(web) == (64 * MIB, 0.5)
    assert with_limits(manifest(), "web", {}) == manifest()


def test_what_a_manifest_keeps_free_is_no_more_than_the_limit():
    before = manifest(limits={"memory": "1Gi", "cpu": 2}, requests={"memory": "512Mi", "cpu": "100m"})
    made = with_limits(before, "web", {"memory": str(64 * MIB)})
    resources = made["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert resources == {
        "limits": {"memory": str(64 * MIB), "cpu": 2},
        "requests": {"memory": str(64 * MIB), "cpu": "100m"},
    }
    assert before["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] == "1Gi"


FORMS = {
    "compose": "{name: shop, compose: {file: compose.yaml, service: web, port: 80}, limits: {disk: 8MiB}}",
    "compose project": "{name: shop, compose: {file: compose.yaml, service: web, port: 80, project: up}, "
    "limits: {disk: 8MiB}}",
    "container": "{name: shop, container: web-1, limits: {disk: 8MiB}}",
    "manifests": "{name: shop, kind: kubernetes, kubernetes: {manifests: [web.yaml]}, limits: {disk: 8MiB}}",
    "workload": "{name: shop, kind: kubernetes, limits: {disk: 8MiB}, kubernetes: "
    "{existing: {context: a, namespace: b, deployment: web}}}",
}
WEB = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, image: web}]}}}
"""


def plan(tmp_path, target):
    (tmp_path / "locustfile.py").write_text("")
    (tmp_path / "compose.yaml").write_text("services: {web: {image: web, ports: ['80']}}\n")
    (tmp_path / "web.yaml").write_text(WEB)
    path = tmp_path / "shop.yaml"
    path.write_text(f"name: shop\nload: {{locustfile: locustfile.py}}\ntarget: {target}\n")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_a_size_for_a_disk_that_nobody_makes_is_refused_with_file_and_line(tmp_path, form):
    path = plan(tmp_path, FORMS[form])
    with pytest.raises(BadInput) as raised:
        check_plan(path, read_scenario(path))
    assert f"{path}:3: target.limits.disk: the drill makes no disk here: " in raised.value.message


OWN = (
    "{name: a, command: [/bin/true], limits: {disk: 8MiB}}",
    "{name: a, kind: docker, container: {image: a}, limits: {disk: 8MiB}}",
    "{name: a, kind: kubernetes, container: {image: a}, limits: {disk: 8MiB}}",
)


@pytest.mark.parametrize("target", OWN)
def test_a_disk_of_the_drill_s_own_is_sized(tmp_path, target):
    path = plan(tmp_path, target)
    check_plan(path, read_scenario(path))


@pytest.mark.parametrize("form", ["compose project", "container", "workload"])
def test_each_kind_that_runs_already_is_looked_at_before_the_start(tmp_path, monkeypatch, form):
    path = plan(tmp_path, FORMS[form].replace("disk: 8MiB", "memory: 8MiB"))
    scenario = read_scenario(path)

    def look(spec: ProcessTarget) -> None:
        check_own_limits(spec.limits, "it", memory_bytes=None, cpus=None)

    row = kind_of(scenario.target)
    assert row.look(ProcessTarget.model_validate({"name": "a", "command": ["a"]})) is None
    monkeypatch.setattr("leakdrill.runs.drill.permission.kind_of", lambda _spec: SimpleNamespace(look=look))
    with pytest.raises(BadInput) as raised:
        check_is_there(path, scenario)
    assert raised.value.message.startswith(f"{path}:3: target.limits.memory: found 8 MiB; it has no memory limit")
