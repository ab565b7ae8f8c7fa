"""A container that testcontainers started, as the target: used as it is, left as it was, and never ours to end."""

from __future__ import annotations

import contextlib
import re

import httpx
import pytest

from drills import cleaned, drill, recorded, verdicts
from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.meters.sampler import Sampler
from leakdrill.record.events import CgroupResources, EngineStats, TargetExited, TargetUnwatched
from leakdrill.record.history import read_history
from leakdrill.runs.drill.permission import check_is_there
from leakdrill.scenario.leaks import Leak
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.target import ProcessTarget
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.switch import switch
from leakdrill.targets.base.capabilities import Executable, Limitable, Losable, Restartable, Signallable
from leakdrill.targets.docker.existing import ExistingContainer
from leakdrill.targets.docker.existing_undo import UNDO
from leakdrill.targets.docker.found import ContainerGone
from leakdrill.targets.kinds import find_capability
from leakdrill.wait import wait_for
from target_bench import ROOT, TargetBench

SAMPLES = "leakdrill-samples"
LEAK = Leak(name="unbounded-cache", per_request="4KiB")
ENVIRONMENT = {"LEAKDRILL_TOKEN": "of the suite"}


class Bench(TargetBench):
    """A container that is there, as a target."""

    def told(self, event_class):
        """What the record holds of one class."""
        return list(read_history(self.folder / "history.jsonl").of(event_class))


@pytest.fixture
def bench(tmp_path):
    with contextlib.ExitStack() as closing:

        def make(container, **fields):
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            folder.mkdir()
            form = container if isinstance(container, dict | str) else container.get_wrapped_container().id
            made = Bench(folder, ExistingContainer, run_id="existing", **{"container": form, **fields})
            closing.callback(made.close)
            return made

        yield make


def leaks_on(one, address=None):
    bearer = {"Authorization": "Bearer of the suite"}
    answer = httpx.get(f"{address or one.target.base_url}/admin/leaks", headers=bearer)
    return [leak["name"] for leak in answer.json()["leaks"] if leak["on"]]


def shop(plain_service, **settings):
    return plain_service(SAMPLES, port=8000, environment=ENVIRONMENT, **settings)


def test_it_is_found_measured_and_left_running(bench, plain_service):
    container = shop(plain_service)
    one = bench(container, metrics=None)
    for wanted in (Restartable, Limitable, Executable, Signallable, Losable):
        assert find_capability(one.target, wanted)
    one.target.start()
    assert httpx.get(f"{one.target.base_url}/health").is_success
    assert one.target.pids()
    sampler = Sampler(one.target.meters(), one.recorder, rate_hz=10)
    sampler.start()
    wait_for(lambda: one.told(CgroupResources) and one.told(EngineStats), what="it is read", timeout_s=10)
    sampler.stop()
    assert one.told(CgroupResources)[0].memory_bytes > 1 << 20
    one.target.stop()
    container.get_wrapped_container().reload()
    assert container.get_wrapped_container().status == "running"
    assert not one.journal.pending()


def test_a_port_that_is_not_published_is_reached_on_the_containers_network(bench, plain_service):
    one = bench(plain_service(SAMPLES))
    one.target.start()
    assert one.target.base_url.startswith("http://172.")
    assert httpx.get(f"{one.target.base_url}/health").is_success


def test_restart_and_limits_are_steps_and_the_limit_is_put_back(bench, plain_service):
    container = shop(plain_service, mem_limit="256m", memswap_limit="256m")
    wrapped = container.get_wrapped_container()
    one = bench(container, limits={"memory": "256MiB"})
    one.target.start()
    one.step(set_limits={"memory": "300MiB"})
    wrapped.reload()
    assert wrapped.attrs["HostConfig"]["Memory"] == 300 << 20
    one.target.stop()
    wrapped.reload()
    assert wrapped.attrs["HostConfig"]["Memory"] == 256 << 20
    assert wrapped.status == "running"


def test_a_restart_that_keeps_the_address_goes_on(bench, plain_service):
    one = bench(plain_service(SAMPLES))
    one.target.start()
    first = one.target.pid
    one.step(restart={})
    assert one.target.pid not in (None, first)
    assert one.target.lost is None
    assert not one.told(TargetExited)
    assert not one.told(TargetUnwatched)


def test_no_limit_is_set_where_none_could_be_taken_away_again(bench, plain_service):
    one = bench(shop(plain_service))
    one.target.start()
    with pytest.raises(StepFailed, match="has no memory limit, and the engine cannot take one away again"):
        one.step(set_limits={"memory": "300MiB"})


@pytest.mark.parametrize("end", ["stop", "remove"])
def test_an_end_by_its_owner_is_no_crash(bench, plain_service, end):
    container = shop(plain_service)
    one = bench(container)
    one.target.start()
    if end == "stop":
        container.get_wrapped_container().stop(timeout=1)
    else:
        container.stop()
    wait_for(lambda: one.target.lost, what="the end is known", timeout_s=10)
    (event,) = one.told(TargetUnwatched)
    assert "somebody else than the drill ended it" in event.message or "the container was removed" in event.message
    assert not one.told(TargetExited)


def test_an_end_by_itself_is_a_crash(bench, plain_service):
    container = shop(plain_service)
    one = bench(container)
    one.target.start()
    one.target.processes()[0].kill()
    wait_for(lambda: one.told(TargetExited), what="the end is known", timeout_s=10)
    assert one.target.lost is None
    assert one.told(TargetExited)[0].signal == "SIGKILL"


def test_what_leaks_at_the_end_is_switched_off_also_from_the_journal_alone(bench, plain_service):
    container = shop(plain_service)
    one = bench(container)
    one.target.start()
    assert one.target.token == "of the suite"  # noqa: S105 - nobody's
    switch(LEAK, one.target, on=True)
    assert leaks_on(one)
    (entry,) = one.journal.pending()
    assert UNDO[entry.kind](entry.data, one.journal.header) is None
    assert not leaks_on(one)
    switch(LEAK, one.target, on=True)
    address = one.target.base_url
    one.target.stop()
    assert not leaks_on(one, address)
    assert not one.journal.pending()
    container.stop()
    assert UNDO[entry.kind](entry.data, one.journal.header) is None


def test_a_leak_in_a_container_that_is_paused_is_told_as_still_on(bench, plain_service):
    container = shop(plain_service)
    one = bench(container)
    one.target.start()
    switch(LEAK, one.target, on=True)
    (entry,) = one.journal.pending()
    container.get_wrapped_container().pause()
    reason = UNDO[entry.kind](entry.data, one.journal.header)
    container.get_wrapped_container().unpause()
    assert reason.endswith("is paused; expected it to run")
    assert "the leak unbounded-cache could not be switched off" in reason


@pytest.fixture
def plan(tmp_path):
    """Writes the drill of the page about pytest, on a container, with more steps: a file."""
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    page = (ROOT / "docs" / "tasks" / "pytest.md").read_text(encoding="utf-8")
    (scenario,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    def write(container, *steps):
        made = "{image: leakdrill-samples, port: 8000}"
        assert made in scenario
        path = tmp_path / "gateway.yaml"
        name = container.get_wrapped_container().name
        path.write_text("".join([scenario.replace(made, name), *(f"  - {step}\n" for step in steps)]))
        return path

    return write


@pytest.mark.long
def test_a_drill_that_is_killed_leaves_the_container_and_no_leak_in_it(plain_service, plan, tmp_path):
    container = shop(plain_service, mem_limit="192m")
    process = drill(str(plan(container)), tmp_path / "runs")
    address = f"http://127.0.0.1:{container.get_exposed_port(8000)}"
    wait_for(lambda: recorded(tmp_path / "runs", '"name":"switch_on"'), what="the leak is on", timeout_s=90)
    wait_for(lambda: leaks_on(None, address), what="the service says so", timeout_s=10)
    process.kill()
    process.communicate()
    wait_for(lambda: not leaks_on(None, address), what="the leak is off", timeout_s=30)
    cleaned(tmp_path / "runs")
    container.get_wrapped_container().reload()
    assert container.get_wrapped_container().status == "running"


@pytest.mark.long
def test_a_container_that_its_owner_removes_in_the_middle_is_told_and_is_no_crash(plain_service, plan, tmp_path):
    container = shop(plain_service, mem_limit="192m")
    process = drill(str(plan(container)), tmp_path / "runs")
    wait_for(lambda: recorded(tmp_path / "runs", '"name":"switch_on"'), what="the leak is on", timeout_s=90)
    container.stop()
    out, _ = process.communicate(timeout=120)
    assert process.returncode in (1, 2), out
    assert "somebody else than the drill ended it" in " ".join(out.split()) or "was removed" in out
    outcomes = verdicts(tmp_path / "runs")
    assert outcomes["target_keeps_running", ""] == "UNKNOWN"
    assert "PASS" not in {outcome for (check, _), outcome in outcomes.items() if check == "memory_returns_to_baseline"}


def test_a_step_that_was_not_allowed_ends_the_drill_before_it_begins(plain_service, plan, tmp_path):
    container = shop(plain_service, mem_limit="192m")
    process = drill(str(plan(container, "{name: again, restart: {}}")), tmp_path / "runs")
    out, _ = process.communicate(timeout=60)
    name = container.get_wrapped_container().name
    assert process.returncode == 3, out
    assert f"expected --allow {name}, found nothing" in " ".join(out.split())
    assert not (tmp_path / "runs").exists()


def test_one_that_is_not_there_or_does_not_run_is_told(bench, plain_service):
    with pytest.raises(ContainerGone, match='there is no container "nobody-has-this"'):
        bench("nobody-has-this").target.start()
    container = shop(plain_service)
    container.get_wrapped_container().pause()
    with pytest.raises(EnvironmentProblem, match="is paused"):
        bench(container).target.start()
    container.get_wrapped_container().unpause()
    container.get_wrapped_container().stop(timeout=1)
    with pytest.raises(ContainerGone, match="does not run: it is exited"):
        bench(container).target.start()


@pytest.mark.parametrize(
    ("target", "line", "expected"),
    [
        ("container: nobody-has-this", 4, 'target.container: there is no container "nobody-has-this"'),
        ("container: {existing: NAME, port: 9}\n  limits: {memory: 256MiB}", 5, "target.limits.memory: found 256 MiB"),
        ("container: {existing: NAME, port: 8000}", 0, ""),
    ],
)
def test_what_is_not_there_is_told_with_its_line_before_the_start(plain_service, tmp_path, target, line, expected):
    name = shop(plain_service).get_wrapped_container().name
    (tmp_path / "locustfile.py").write_text("")
    path = tmp_path / "shop.yaml"
    text = f"name: shop\ntarget:\n  name: shop\n  {target.replace('NAME', name)}\nload: {{locustfile: locustfile.py}}\n"
    path.write_text(text)
    told = pytest.raises(BadInput, match=re.escape(f"shop.yaml:{line}: {expected}"))
    with told if expected else contextlib.nullcontext():
        check_is_there(path, read_scenario(path))


def test_its_address_is_known_to_whoever_asks_before_it_is_started(bench, plain_service):
    container = shop(plain_service)
    one = bench(container)
    assert one.target.base_url == f"http://127.0.0.1:{container.get_exposed_port(8000)}"
    one.target.start()


def test_a_limit_that_it_does_not_have_is_told(bench, plain_service):
    one = bench(shop(plain_service), limits={"memory": "256MiB"})
    with pytest.raises(BadInput, match=r"found 256 MiB; container \S+ has no memory limit"):
        one.target.start()


def test_an_engine_that_is_not_there_is_told():
    form = {"existing": "shop", "engine": "unix:///nowhere.sock"}
    spec = ProcessTarget.model_validate({"name": "shop", "container": form})
    run = dict.fromkeys(("scenario_dir", "run_dir"), ROOT) | dict.fromkeys(("run_id", "recorder", "journal", "token"))
    with pytest.raises(EnvironmentProblem, match="no Docker Engine answers at unix:///nowhere"):
        ExistingContainer(spec, **run)
