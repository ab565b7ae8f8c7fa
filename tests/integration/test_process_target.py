"""A real process as the target: ready or not, restarted, limited, and gone without a trace."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from leakdrill.errors import BadInput, EnvironmentProblem, TargetNotReady
from leakdrill.machine.process_tree import ProcessTree
from leakdrill.meters.sampler import Sampler
from leakdrill.record.events import CgroupResources
from leakdrill.record.events import ProcessTree as ProcessTreeReading
from leakdrill.record.history import PHASES
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.record.stored_journal import read_journal
from leakdrill.scenario.target import ProcessTarget
from leakdrill.targets.base.capabilities import Logged, Restartable, Target
from leakdrill.targets.process.target import LocalProcess
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leakdrill.record.history import Event

pytestmark = pytest.mark.integration

SERVICE = '''
"""A service that does as its path says."""
import http.server, os, subprocess, sys, threading

held = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, argument = self.path.partition("?")
        body = getattr(self, "on" + path.replace("/", "_"), lambda _: "")(argument)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def on_eat(self, mib):
        held.append(b"x" * (int(mib) << 20))
        return "eaten"

    def on_burn(self, seconds):
        import time
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            pass
        return "burnt"

    def on_fill(self, mib):
        try:
            with open(os.path.join(os.environ["LEAKDRILL_DISK"], "fill"), "wb") as f:
                for _ in range(int(mib)):
                    f.write(b"x" * (1 << 20))
        except OSError as e:
            return str(e.errno)
        return "written"

    def on_env(self, name):
        return os.environ[name]

    def on_exit(self, code):
        threading.Timer(0.05, os._exit, [int(code)]).start()
        return "bye"

    def on_metrics(self, _):
        return "# TYPE up gauge\\nup 1\\n"

    def on_child(self, _):
        """A child that ignores SIGTERM, and one that leaves tree and session by forking twice."""
        stubborn = "import signal,time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", stubborn])
        away = "import os,time\\nif os.fork() == 0:\\n os.setsid()\\n if os.fork() == 0: time.sleep(600)"
        subprocess.run([sys.executable, "-c", away])
        return "born"

    def log_message(self, *_):
        pass


print("serving", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''


class Bench:
    """A folder, a recorder, a journal, and the targets made with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recorder = Recorder(folder / "history.jsonl")
        self.journal = Journal(folder / "journal.jsonl")
        self.targets: list[LocalProcess] = []
        self.token = f"token-of-{folder.name}"
        (folder / "service.py").write_text(SERVICE)

    def target(self, **more: object) -> LocalProcess:
        spec = {"name": "tiny", "command": ["{python}", "{scenario_dir}/service.py", "{port}"], "stop_timeout": "1s"}
        target = LocalProcess(
            ProcessTarget.model_validate({**spec, **more}),
            scenario_dir=self.folder,
            run_dir=self.folder,
            run_id=f"test-{self.folder.name}-{len(self.targets)}".lower(),
            recorder=self.recorder,
            journal=self.journal,
            token=self.token,
        )
        self.targets.append(target)
        return target

    def started(self, **more: object) -> LocalProcess:
        target = self.target(**more)
        target.start()
        return target

    def events(self, name: str) -> list[Event]:
        return self.recorder.history().where(source="target", name=name)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    for target in bench.targets:
        target.stop()
    assert bench.journal.pending() == []
    bench.recorder.close()
    bench.journal.close()


def ask(target: LocalProcess, path: str) -> str:
    return httpx.get(target.base_url + path, timeout=60, trust_env=False).text


def seen(probe: Callable[[], object], what: str) -> None:
    wait_for(lambda: bool(probe()), what=what, timeout_s=60)


def test_a_target_starts_and_is_what_the_drill_expects(bench: Bench) -> None:
    target = bench.started(env={"GREETING": "at {disk}"}, labels={"namespace": "shop"})
    assert isinstance(target, Target)
    assert isinstance(target, Restartable)
    assert isinstance(target, Logged)
    assert target.labels == {"container": "tiny", "namespace": "shop"}
    assert ask(target, "/env?LEAKDRILL_TOKEN") == bench.token
    assert ask(target, "/env?PORT") == str(target.port)
    assert target.disk is not None
    assert ask(target, "/env?GREETING") == f"at {target.disk.path}"
    assert target.file("{disk}/app.log") == target.disk.path / "app.log"
    assert [e.kind for e in bench.events("start")] == ["begin", "ok"]
    [ready] = bench.events("ready")
    assert isinstance(ready.value, dict)
    assert ready.value["pid"] in target.pids()


def test_every_meter_of_a_started_target_reads(bench: Bench) -> None:
    target = bench.started(metrics="/metrics", limits={"memory": "128MiB"})
    readings = {(meter.event.source, meter.event.event_name): meter.read() for meter in target.meters()}
    tree = readings["process", "tree"]
    smaps = readings["process", "smaps"]
    assert tree is not None
    assert smaps is not None
    assert tree["processes"] == 1
    assert 1 << 20 < smaps["uss_bytes"] <= smaps["pss_bytes"] <= tree["rss_bytes"] + (1 << 20)
    assert tree["fds"] == psutil.Process(target.pids()[0]).num_fds()
    assert readings["service", "metrics"] == {"up": 1.0}
    disk = readings["filesystem", "disk"]
    assert disk is not None
    assert disk["used_bytes"] >= 0
    if target.cgroup:
        resources = readings["cgroup", "resources"]
        assert resources is not None
        assert resources["limit_bytes"] == 128 << 20
        assert resources["anon_bytes"] > 1 << 20


def test_a_restart_keeps_port_and_disk_and_changes_the_process(bench: Bench) -> None:
    target = bench.started()
    url, before = target.base_url, target.pids()
    target.file("kept").write_text("still here")
    target.restart()
    assert target.base_url == url
    assert not set(before) & set(target.pids())
    assert target.file("kept").read_text() == "still here"
    assert [e.kind for e in bench.events("restart")] == ["begin", "ok"]
    assert bench.events("exited") == []


def test_an_end_that_nobody_asked_for_is_recorded_and_nothing_is_started_again(bench: Bench) -> None:
    target = bench.started()
    ask(target, "/exit?7")
    seen(lambda: bench.events("exited"), "the end is recorded")
    [exited] = bench.events("exited")
    assert exited.value == 7.0
    assert exited.labels["oom_kill"] == "false"
    assert exited.labels["signal"] == ""
    assert target.pids() == []


def test_a_target_that_ends_early_says_how_and_what_it_logged_last(bench: Bench) -> None:
    target = bench.target(command=["{python}", "-c", "print('no such table'); raise SystemExit(3)"])
    with pytest.raises(TargetNotReady) as caught:
        target.start()
    assert "ended with exit status 3" in str(caught.value)
    assert 'Last log line: "no such table"' in str(caught.value)
    assert "target.log" in caught.value.hint
    assert [e.kind for e in bench.events("start")] == ["begin", "failed"]
    assert bench.journal.pending() == []


def test_a_target_that_never_gets_ready_says_what_it_answered(bench: Bench) -> None:
    answer = "self.send_response(503); self.end_headers()"
    service = (
        "import http.server as h, sys\n"
        f"class H(h.BaseHTTPRequestHandler):\n def do_GET(self): {answer}\n"
        "h.HTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()"
    )
    target = bench.target(command=["{python}", "-c", service, "{port}"], ready={"path": "/up", "timeout": "6s"})
    with pytest.raises(TargetNotReady, match=r"was not ready after 6 s: GET http://\S+/up answered 503 \(\d+ tries\)"):
        target.start()
    assert target.pids() == []


def test_a_missing_program_is_bad_input_and_leaves_nothing(bench: Bench) -> None:
    with pytest.raises(BadInput, match="was not found on PATH"):
        bench.target(command=["no-such-program"]).start()
    assert read_journal(bench.folder / "journal.jsonl") == []
    assert len(bench.recorder.history()) == 0


def test_a_file_that_is_no_program_is_said_to_be_none_and_leaves_nothing(bench: Bench) -> None:
    broken = bench.folder / "broken"
    broken.write_bytes(b"\x7fELF and no more")
    broken.chmod(0o755)
    with pytest.raises(EnvironmentProblem):
        bench.target(command=[str(broken)]).start()
    assert bench.journal.pending() == []


def test_a_taken_port_is_named_with_its_holder_before_anything_starts(bench: Bench) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentProblem, match=rf"port {port} is taken by pid \d+ \(.+\); expected a free port"):
            bench.target(port=port).start()
    assert len(bench.recorder.history()) == 0


def test_a_memory_hog_is_oom_killed_at_its_limit_and_the_record_says_so(bench: Bench) -> None:
    target = bench.started(limits={"memory": "64MiB"})
    if "memory" not in target.limits_enforced:
        pytest.skip(f"no memory limit here: {target.notices()}")
    with pytest.raises(httpx.HTTPError):
        ask(target, "/eat?200")
    seen(lambda: bench.events("exited"), "the kill is recorded")
    [exited] = bench.events("exited")
    assert exited.value == -9.0
    assert exited.labels["signal"] == "SIGKILL"
    assert exited.labels["oom_kill"] == "true"
    target.restart()
    assert ask(target, "/eat?1") == "eaten"


def test_a_cpu_limit_throttles(bench: Bench) -> None:
    target = bench.started(limits={"cpus": 0.2})
    if "cpus" not in target.limits_enforced:
        pytest.skip(f"no cpu limit here: {target.notices()}")
    [cgroup] = [meter for meter in target.meters() if meter.event is CgroupResources]

    def throttled() -> bool:  # not at once, where the machine leaves the target less than its limit
        assert ask(target, "/burn?0.4") == "burnt"
        resources = cgroup.read()
        assert resources is not None
        return resources["throttled_periods"] >= 3 and resources["throttled_seconds"] > 0.1

    seen(throttled, "the target is throttled")


def test_a_full_disk_is_felt_by_the_service(bench: Bench) -> None:
    target = bench.started(limits={"disk": "16MiB"})
    if "disk" not in target.limits_enforced:
        pytest.skip(f"no filesystem of its own here: {target.notices()}")
    assert ask(target, "/fill?32") == "28"
    [disk] = [meter.read() for meter in target.meters() if meter.event.source == "filesystem"]
    assert disk is not None
    assert disk["avail_bytes"] < 1 << 20
    target.file("fill").write_text("")
    assert ask(target, "/fill?2") == "written"


def test_stop_leaves_no_process_cgroup_mount_or_folder(bench: Bench) -> None:
    target = bench.started(limits={"memory": "256MiB", "disk": "16MiB"})
    assert target.disk is not None
    ask(target, "/child")
    family = ProcessTree(run_id=target._run_id)
    seen(lambda: len(family.members()) == 3, "the service and its two children run")
    target.stop()
    assert family.members() == []
    assert not target.disk.path.parent.exists()
    assert str(target.disk.path) not in Path("/proc/self/mountinfo").read_text()
    assert not any(folder.exists() for folder in (target.cgroup.folders if target.cgroup else ()))
    before = len(bench.recorder.history())
    target.stop()
    assert len(bench.recorder.history()) == before


def test_a_family_is_found_and_ended_without_a_cgroup(bench: Bench) -> None:
    family = ProcessTree(run_id=bench.started()._run_id)
    [service] = family.members()
    outside = ProcessTree(run_id=family.run_id, pid=service.pid, create_time=service.create_time())
    ask(bench.targets[0], "/child")
    seen(lambda: len(outside.members()) == 3, "the service and its two children run")
    assert outside.end(term_timeout_s=0.3) == []
    assert outside.members() == []


def test_a_pid_that_was_given_to_somebody_else_is_left_alone() -> None:
    this = psutil.Process()
    other = psutil.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert ProcessTree(run_id="x", pid=other.pid, create_time=this.create_time() - 3600).members() == []
    finally:
        other.kill()
        other.wait()


def test_the_sampler_keeps_its_rhythm_and_shows_a_gap(bench: Bench) -> None:
    target = bench.started()
    sampler = Sampler(target.meters(), bench.recorder, rate_hz=20, requests=lambda: 42.0)
    sampler.start()
    seen(lambda: max(readings_a_second(bench)) >= 18, "a second with hardly a reading missed")
    ask(target, "/exit?0")
    seen(lambda: bench.recorder.history().where(source="process", name="tree")[-1].value is None, "the gap shows")
    sampler.stop()
    history = bench.recorder.history()
    assert max(readings_a_second(bench)) <= 21
    assert set(history.series(ProcessTreeReading, "rss_bytes").requests) == {42.0}
    gaps = [e for e in history.where(source="process", name="tree") if e.value is None]
    assert [e.labels["error"] for e in gaps] == ["nothing to read"]
    assert all(e.phase in PHASES for e in history)


def readings_a_second(bench: Bench) -> list[int]:
    """How many readings of the process tree lie in the second that begins with each."""
    times = bench.recorder.history().series(ProcessTreeReading, "rss_bytes").t
    return [sum(began <= t < began + 0.999 for t in times) for began in times] or [0]
