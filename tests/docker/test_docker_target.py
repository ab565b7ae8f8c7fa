"""A container as the target: limited, reachable on loopback only, restarted, and gone without a trace."""

from __future__ import annotations

import contextlib

import httpx
import pytest
from engine_proxy import EngineProxy

from leakdrill.errors import BadInput, EnvironmentProblem, TargetNotReady
from leakdrill.meters.cgroup_after_restart import CgroupAfterRestart
from leakdrill.meters.sampler import Sampler
from leakdrill.record.stored_journal import read_journal
from leakdrill.runs.undo import clean
from leakdrill.scenario.steps import Step
from leakdrill.scenario.target import ContainerForm
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.step import carry_out
from leakdrill.targets.base.capabilities import (
    Configurable,
    Executable,
    Limitable,
    Logged,
    Restartable,
    Signallable,
    Target,
)
from leakdrill.targets.docker.engine import RUN_LABEL, connect
from leakdrill.targets.docker.target import DockerTarget
from leakdrill.wait import wait_for
from target_bench import ROOT, TargetBench

RUN_ID = "docker-test-1"


class Bench(TargetBench):
    """A container with its record and its journal."""

    def __init__(self, folder, **changes):
        form = ContainerForm(image="leakdrill-samples", build=ROOT)
        super().__init__(folder, DockerTarget, run_id=RUN_ID, **{"command": ["unused"], "container": form, **changes})


@pytest.fixture
def bench(tmp_path):
    made = []

    def make(**changes):
        made.append(Bench(tmp_path, **changes))
        return made[-1]

    yield make
    for one in made:
        one.close()


def only_container(engine):
    (container,) = engine.containers.list(filters={"label": f"{RUN_LABEL}={RUN_ID}"})
    return container


def test_a_container_has_the_limits_the_label_and_a_loopback_port(bench, engine):
    target = bench(limits={"memory": "192MiB", "cpus": 0.5}).target
    assert isinstance(target, Target)
    assert isinstance(target, Restartable)
    assert isinstance(target, Logged)
    target.start()
    attrs = only_container(engine).attrs
    assert attrs["HostConfig"]["Memory"] == attrs["HostConfig"]["MemorySwap"] == 192 << 20
    assert attrs["HostConfig"]["CpuQuota"] == 50_000
    assert {p["HostIp"] for p in attrs["NetworkSettings"]["Ports"]["8000/tcp"]} == {"127.0.0.1"}
    assert attrs["Config"]["User"] == "app"
    assert httpx.get(target.base_url + "/health").json()["status"] == "ok"


def test_the_disk_is_limited_and_its_files_can_be_reached_from_here(bench):
    this = bench(limits={"disk": "32MiB"})
    this.target.start()
    httpx.post(this.target.base_url + "/predict", json={"data": [[1.0]]})
    log = wait_for(
        lambda: this.target.file("gateway.log").is_file() and this.target.file("/data/gateway.log"),
        what="a log",
        timeout_s=10,
    )
    assert b"/predict" in log.read_bytes()
    with pytest.raises(BadInput, match="outside of the target's disk"):
        this.target.file("/etc/passwd")


def test_a_restart_keeps_the_address_and_the_readings_go_on(bench):
    this = bench(limits={"memory": "192MiB"})
    this.target.start()
    sampler = Sampler(this.target.meters(), this.recorder, rate_hz=10)
    sampler.start()
    before = this.target.base_url
    try:
        this.target.restart()
        marker = len(this.events(source="cgroup", name="resources"))
        wait_for(
            lambda: len(this.events(source="cgroup", name="resources")) > marker + 5, what="readings", timeout_s=20
        )
        wait_for(lambda: this.events(source="engine", name="stats"), what="the engine's readings", timeout_s=20)
    finally:
        sampler.stop()
    assert this.target.base_url == before
    assert httpx.get(before + "/health").is_success
    assert not this.events(source="target", name="exited")


def test_an_over_fed_container_is_killed_and_the_record_says_so(bench):
    this = bench(limits={"memory": "64MiB"})
    this.target.start()
    this.post("/admin/leaks", **{"unbounded-cache": True})
    keys = iter(range(100_000))

    def feed(client):
        with contextlib.suppress(httpx.HTTPError):
            for _ in range(100):
                client.post("/predict", json={"data": [[1.0]], "key": str(next(keys))})
        return this.events(source="target", name="exited") or None

    with httpx.Client(base_url=this.target.base_url, timeout=5) as client:
        (ended,) = wait_for(lambda: feed(client), what="the OOM kill", timeout_s=120)
    assert ended.labels["oom_kill"] == "true"
    assert ended.labels["signal"] == "SIGKILL"


def test_a_container_that_ends_at_once_is_named_with_its_last_line(bench, engine):
    form = ContainerForm(
        image="leakdrill-samples", build=ROOT, command=["python", "-c", "print('no luck'); raise SystemExit(3)"]
    )
    this = bench(container=form)
    with pytest.raises(TargetNotReady, match="ended with exit status 3"):
        this.target.start()
    assert engine.containers.list(all=True, filters={"label": f"{RUN_LABEL}={RUN_ID}"}) == []


def test_an_engine_without_cards_to_give_is_said_in_one_message_and_nothing_is_left(bench, engine):
    if "nvidia" in engine.info().get("Runtimes", {}):
        pytest.skip("this engine has NVIDIA's runtime")
    this = bench(gpu={"devices": [0]})
    with pytest.raises(EnvironmentProblem, match=r"cannot give its container the cards of target.gpu \(0\)") as raised:
        this.target.start()
    assert raised.value.exit_code == 4
    assert "container toolkit" in raised.value.hint


def test_an_image_that_is_not_there_is_bad_input(bench):
    this = bench(container=ContainerForm(image="leakdrill-no-such-image"))
    with pytest.raises(BadInput, match="leakdrill-no-such-image"):
        this.target.start()


def test_what_a_killed_drill_left_is_removed_from_its_journal_alone(bench, engine):
    this = bench()
    this.target.start()
    assert only_container(engine)
    assert clean(this.folder / "journal.jsonl") == []
    assert engine.containers.list(all=True, filters={"label": f"{RUN_LABEL}={RUN_ID}"}) == []


def test_an_engine_that_went_away_is_named_and_stays_in_the_journal(tmp_path, monkeypatch):
    proxy = EngineProxy()
    monkeypatch.setenv("DOCKER_HOST", proxy.url)
    this = Bench(tmp_path)
    this.target.start()
    proxy.cut()
    reasons = [str(problem) for problem in clean(tmp_path / "journal.jsonl")]
    assert [reason for reason in reasons if "no Docker Engine answers" in reason]
    assert [entry.kind for entry in read_journal(tmp_path / "journal.jsonl")][:1] == ["container"]
    again = EngineProxy(port=proxy.port)
    try:
        assert clean(tmp_path / "journal.jsonl") == []
    finally:
        again.cut()
        this.recorder.close()
        this.journal.close()


def test_no_engine_is_said_plainly(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(EnvironmentProblem, match="no Docker Engine answers"):
        connect()


def test_its_limits_change_while_it_runs(bench, engine):
    this = bench(limits={"memory": "192MiB", "cpus": 0.5})
    this.target.start()
    assert isinstance(this.target, Limitable)
    assert this.target.set_limits(memory_bytes=256 << 20, cpus=1.5) == ()
    host = only_container(engine).attrs["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["CpuQuota"]) == (256 << 20, 256 << 20, 150_000)
    (cgroup,) = [meter for meter in this.target.meters() if isinstance(meter, CgroupAfterRestart)]
    assert cgroup.read()["limit_bytes"] == 256 << 20
    cgroup.close()


def test_its_weight_and_its_cores_change_while_it_runs(bench, engine):
    this = bench()
    this.target.start()
    carry_out(Step.model_validate({"name": "a step", "set_limits": {"cpu_shares": 512, "cpu_set": "0"}}), this.target)
    host = only_container(engine).attrs["HostConfig"]
    assert (host["CpuShares"], host["CpusetCpus"]) == (512, "0")
    with pytest.raises(StepFailed, match="cores"):
        carry_out(Step.model_validate({"name": "a step", "set_limits": {"cpu_set": "4000"}}), this.target)


def test_a_command_runs_inside_and_its_output_is_kept(bench, tmp_path):
    this = bench()
    this.target.start()
    assert isinstance(this.target, Executable)
    output = tmp_path / "output.txt"
    assert (
        this.target.execute(["{python}", "-c", "print('inside'); raise SystemExit(7)"], output=output, timeout_s=20)
        == 7
    )
    assert output.read_text() == "inside\n"
    with pytest.raises(EnvironmentProblem, match="still running"):
        this.target.execute(["sleep", "30"], output=output, timeout_s=0.5)


def test_other_variables_make_another_container_at_the_same_address(bench, engine):
    this = bench()
    this.target.start()
    assert isinstance(this.target, Configurable)
    before, address = only_container(engine).id, this.target.base_url
    this.target.set_env({"COLOUR": "blue"})
    after = only_container(engine)
    assert after.id != before
    assert "COLOUR=blue" in after.attrs["Config"]["Env"]
    assert httpx.get(address + "/health").is_success


def test_its_processes_are_seen_from_here(bench):
    this = bench()
    this.target.start()
    assert isinstance(this.target, Signallable)
    assert this.target.pid in [process.pid for process in this.target.processes()]
