"""Containers that a test suite has started: which one a fixture is given, and what brings the agent into it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from leakdrill.errors import BadInput
from leakdrill.pytest_plugin.containers import bring_agent, form_of
from leakdrill.runs.placement import in_container
from leakdrill.scenario.scenario import Scenario
from leakdrill.scenario.target import ContainerForm
from leakdrill.targets.docker.agent import sockets_of

docker = pytest.importorskip("docker")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def client() -> Iterator[Any]:
    made = docker.DockerClient(base_url="unix:///run/user/1000/docker.sock", version="1.44")
    yield made
    made.close()


class Suites:
    """A container as testcontainers has it."""

    image = "shop"

    def __init__(self, client: Any, wrapped: object = None) -> None:
        self._client, self._container = client, wrapped
        self.env = {"PYTHONPATH": "/app"}
        self.volumes: dict[str, tuple[str, str]] = {}

    def get_docker_client(self) -> Any:
        return SimpleNamespace(client=self._client)

    def get_wrapped_container(self) -> object:
        if self._container is None:
            raise RuntimeError("Container is not started")
        return self._container

    def with_volume_mapping(self, host: str, container: str, mode: str) -> None:
        self.volumes[host] = (container, mode)

    def with_env(self, name: str, value: str) -> None:
        self.env[name] = value


def test_a_container_is_told_by_its_name_or_id(client: Any) -> None:
    wrapped = SimpleNamespace(name="shop-1", id="3f2a", client=client)
    on_its_engine = ContainerForm(existing="shop-1", engine="unix:///run/user/1000/docker.sock")
    assert form_of(Suites(client, wrapped)) == on_its_engine
    assert form_of(wrapped) == on_its_engine
    assert form_of(SimpleNamespace(id="3f2a")) == ContainerForm(existing="3f2a")
    assert form_of("shop-1") == ContainerForm(existing="shop-1")


def test_an_engine_on_another_machine_is_the_containers() -> None:
    client = docker.DockerClient(base_url="tcp://10.0.0.7:2375", version="1.44")
    assert form_of(SimpleNamespace(id="3f2a", client=client)).engine == "http://10.0.0.7:2375"
    client.close()


@pytest.mark.parametrize("thing", [7, "", object(), {"id": "3f2a"}])
def test_what_tells_no_id_is_no_container(thing: object) -> None:
    with pytest.raises(BadInput, match="is no container; expected a DockerContainer of testcontainers"):
        form_of(thing)


def test_a_container_that_was_not_started_is_told(client: Any) -> None:
    with pytest.raises(BadInput, match="the Suites has not been started: Container is not started"):
        form_of(Suites(client))


def test_the_port_and_disk_of_the_scenario_stay() -> None:
    plan = {"name": "shop", "target": {"name": "shop", "command": ["x"]}, "load": {"locustfile": "l.py"}}
    scenario = in_container(Scenario.model_validate(plan), ContainerForm(existing="shop-1"))
    assert (scenario.target.kind, scenario.target.existing_container) == ("docker", "shop-1")
    assert scenario.target.container is not None
    assert "port" not in scenario.target.container.model_fields_set
    plan["target"] = {"name": "shop", "container": {"image": "shop", "port": 8080}}
    plan["target"]["kind"] = "docker"
    scenario = in_container(Scenario.model_validate(plan), ContainerForm(existing="shop-1"))
    assert scenario.target.container == ContainerForm(existing="shop-1", port=8080)


def test_a_scenario_about_a_service_that_runs_takes_no_container() -> None:
    target = {"name": "shop", "url": "http://127.0.0.1:8000"}
    plan = Scenario.model_validate({"name": "shop", "target": target, "load": {"locustfile": "l.py"}})
    with pytest.raises(BadInput, match=r"runs already, at http://127\.0\.0\.1:8000; expected no container"):
        in_container(plan, ContainerForm(existing="shop-1"))


def test_the_agent_is_mounted_and_found_again(client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    container = Suites(client)
    image = SimpleNamespace(attrs={"Config": {"Env": ["PYTHONPATH=/lib", "A=b=c"]}})
    monkeypatch.setattr(type(client.images), "get", lambda _self, _name: image)
    bring_agent(container, tmp_path / "agent")
    mounts = [{"Source": host, "Destination": inside} for host, (inside, _) in container.volumes.items()]
    assert sockets_of({"Mounts": mounts}) == tmp_path / "agent" / "sockets"
    assert sockets_of({"Mounts": None}) is None
    assert container.env["PYTHONPATH"].endswith("/injected:/app")
    assert "A" not in container.env


def test_the_agent_comes_before_the_start(client: Any, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="runs already; expected leak_agent"):
        bring_agent(Suites(client, SimpleNamespace()), tmp_path)
    with pytest.raises(BadInput, match="leak_agent: object is no DockerContainer"):
        bring_agent(object(), tmp_path)
