"""Steps on a real process: each does what it says to the target, and nothing to anybody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.steps import Step
from leakdrill.scenario.target import ProcessTarget
from leakdrill.steps.context import Surroundings
from leakdrill.steps.step import StepFailed, carry_out
from leakdrill.targets.base.capabilities import Configurable, Executable, Limitable, Signallable
from leakdrill.targets.process.target import LocalProcess
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

SERVICE = '''
"""A master with two workers, one of them heavier, which says what its environment holds."""
import http.server, os, subprocess, sys

work = "import sys,time; held = bytearray(int(sys.argv[2]) << 20); print('up', flush=True); time.sleep(600)"
workers = [subprocess.Popen([sys.executable, "-c", work, "worker", mib], stdout=subprocess.PIPE) for mib in ("1", "40")]
for worker in workers:
    worker.stdout.readline()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path[1:]
        body = str(sum(w.poll() is None for w in workers)) if name == "workers" else os.environ.get(name, "")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''


class Bench:
    """A started target, and the steps that are carried out on it."""

    def __init__(self, folder: Path) -> None:
        (folder / "service.py").write_text(SERVICE)
        self.folder = folder
        self.recorder, self.journal = Recorder(folder / "history.jsonl"), Journal(folder / "journal.jsonl")
        spec = {
            "name": "tiny",
            "command": ["{python}", "{scenario_dir}/service.py", "{port}"],
            "limits": {"memory": "256MiB"},
            "stop_timeout": "1s",
        }
        self.target = LocalProcess(
            ProcessTarget.model_validate(spec),
            scenario_dir=folder,
            run_dir=folder,
            run_id=f"steps-{os.getpid()}",
            recorder=self.recorder,
            journal=self.journal,
            token="t",  # noqa: S106 - of a service that lives for this test
        )

    def do(self, *, timeout: str = "20s", **action: object) -> dict[str, str]:
        step = Step.model_validate({"name": "it", "timeout": timeout, **action})
        return carry_out(step, self.target, run_dir=self.folder)

    def says(self, name: str) -> str:
        return httpx.get(f"{self.target.base_url}/{name}", trust_env=False).text

    def kept(self, name: str = "output.txt") -> str:
        return (self.folder / "steps" / "it" / name).read_text()


def gone(pid: int) -> bool:
    """Whether it ended; where nobody reaps orphans, it stays as a zombie."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("bench"))
    bench.target.start()
    yield bench
    bench.target.stop()
    assert bench.journal.pending() == []
    bench.journal.close()
    bench.recorder.close()


def test_a_process_has_every_ability(bench: Bench) -> None:
    for ability in (Executable, Signallable, Limitable, Configurable):
        assert isinstance(bench.target, ability)


def test_a_command_runs_in_the_services_folder_and_environment_with_placeholders_filled_in(bench: Bench) -> None:
    show = "import os,sys; print(os.getcwd(), os.environ['LEAKDRILL_TOKEN'], sys.argv[1:])"
    facts = bench.do(exec={"command": ["{python}", "-c", show, "{pid}", "{port}", "{disk}"]})
    disk = bench.target.disk
    assert disk is not None
    assert bench.kept() == f"{bench.folder} t {[str(bench.target.pid), str(bench.target.port), str(disk.path)]}\n"
    assert facts["exit"] == "0"


def test_a_command_that_ends_otherwise_fails_and_its_last_words_are_told(bench: Bench) -> None:
    command = ["sh", "-c", "echo no room >&2; exit 3"]
    with pytest.raises(StepFailed, match="ended with status 3; expected 0; it said: no room"):
        bench.do(exec={"command": command})
    assert bench.do(exec={"command": command, "expect_exit": 3})["exit"] == "3"


def test_a_command_that_is_not_there_fails(bench: Bench) -> None:
    with pytest.raises(StepFailed, match=r'exec\.command: "no-such-program" was not found on PATH'):
        bench.do(exec={"command": ["no-such-program"]})


def test_a_command_that_does_not_end_is_ended_with_all_it_started(bench: Bench) -> None:
    fork = "sleep 611 & echo $!; wait"
    with pytest.raises(StepFailed, match=r"was still running after 1 s, and was ended; it said: \d+"):
        bench.do(timeout="1s", exec={"command": ["sh", "-c", fork]})
    assert gone(int(bench.kept()))
    assert bench.says("workers")


def test_what_a_command_leaves_running_is_ended_with_the_step(bench: Bench) -> None:
    bench.do(exec={"command": ["sh", "-c", "setsid sleep 612 > /dev/null 2>&1 & echo $!"]})
    assert gone(int(bench.kept()))


def test_the_heaviest_process_that_matches_is_killed_and_the_service_lives(bench: Bench) -> None:
    assert bench.says("workers") == "2"
    facts = bench.do(kill={"match": r"worker \d+$"})
    assert facts["killed"].endswith("worker 40")
    wait_for(lambda: bench.says("workers") == "1", what="the end of one worker", timeout_s=10)


def test_a_process_is_looked_for_until_there_is_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the builds of a runner, between two of which there is none."""
    looks: list[int] = []
    processes = LocalProcess.processes

    def none_at_first(target: LocalProcess) -> list[psutil.Process]:
        looks.append(len(looks))
        return processes(target) if len(looks) > 5 else []

    monkeypatch.setattr(LocalProcess, "processes", none_at_first)
    assert "worker" in bench.do(kill={"match": r"worker \d+$", "signal": "CONT"})["killed"]
    assert len(looks) > 5


def test_only_processes_of_the_target_are_killed(bench: Bench) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "worker", "99"])
    try:
        with pytest.raises(StepFailed, match='besides its first matches "worker 99"'):
            bench.do(kill={"match": "worker 99", "which": "all"})
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_first_process_is_not_ended_by_a_pattern_that_it_matches_too(bench: Bench) -> None:
    with pytest.raises(StepFailed, match="besides its first matches"):
        bench.do(kill={"match": r"service\.py", "which": "all", "signal": "TERM"})
    assert bench.says("workers")


def test_a_limit_is_changed_while_the_service_runs(bench: Bench) -> None:
    pid = bench.target.pid
    facts = bench.do(set_limits={"memory": "320MiB", "cpus": 2})
    assert (facts["memory"], facts["cpus"], bench.target.pid) == ("320 MiB", "2", pid)
    assert bench.target.spec.limits.memory == 320 << 20
    cgroup = bench.target.cgroup
    if cgroup and cgroup.memory:
        name = "memory.limit_in_bytes" if cgroup.version == 1 else "memory.max"
        assert int((cgroup.memory / name).read_text()) == 320 << 20
        bench.do(set_limits={"memory": "300MiB"})
        assert int((cgroup.memory / name).read_text()) == 300 << 20
    else:
        assert "watched, not enforced" in facts["watched"]
    told = bench.recorder.history().where(source="target", name="limits")
    assert told[0].value == {"memory_bytes": float(320 << 20), "cpus": 2.0}


def test_variables_are_there_after_a_restart_in_place(bench: Bench) -> None:
    pid, url = bench.target.pid, bench.target.base_url
    bench.do(set_env={"CACHE_ENTRIES": 100, "WHERE": "{disk}/cache"})
    disk = bench.target.disk
    assert disk is not None
    assert (bench.says("CACHE_ENTRIES"), bench.says("WHERE")) == ("100", f"{disk.path}/cache")
    assert bench.target.pid != pid
    assert bench.target.base_url == url


def test_variables_that_cannot_be_used_leave_the_service_running(bench: Bench) -> None:
    pid = bench.target.pid
    with pytest.raises(StepFailed, match="is not a placeholder"):
        bench.do(set_env={"WHERE": "{nowhere}"})
    assert bench.target.pid == pid
    bench.do(set_env={"OTHER": "x"})
    assert bench.says("OTHER") == "x"


def test_an_answer_of_the_service_is_kept_unless_it_is_empty(bench: Bench) -> None:
    bench.do(copy_out={"http": "/workers"})
    assert bench.kept("workers")
    with pytest.raises(StepFailed, match="/EMPTY: is empty"):
        bench.do(copy_out={"http": "/EMPTY"})


def test_files_on_the_targets_disk_are_deleted_and_compressed(bench: Bench) -> None:
    for name in ("a.part", "old.log.1"):
        bench.target.file(name).write_bytes(b"x" * 8192)
    assert bench.do(delete_files={"path": "*.part"})["files"] == "1"
    assert bench.do(compress_files={"path": "*.log.*"})["files"] == "1"
    assert bench.target.file("old.log.1.gz").is_file()
    with pytest.raises(StepFailed, match="lies outside of the target's disk"):
        bench.do(delete_files={"path": "../*"})


def line(bench: Bench, shell: str, **more: object) -> dict[str, str]:
    """Carry out a line of shell on the target, in a folder that is not there yet."""
    shutil.rmtree(bench.folder / "steps" / "it", ignore_errors=True)
    return bench.do(command={"shell": shell, **more})


def test_a_line_of_shell_runs_as_it_is_written_and_its_words_are_filled_in(bench):
    found = line(bench, "echo '{url} {code}' | tr a-z A-Z; echo @{pid} @{port} @{name}; exit 3")
    assert found["said"].split("\n") == ["{URL} {CODE}", f"{bench.target.pid} {bench.target.port} tiny"]
    assert (found["exit"], float(found["took_s"]) > 0, bench.kept().startswith("{URL}")) == ("3", True, True)


def test_a_line_of_shell_reaches_the_service(bench):
    assert line(bench, "curl -s @{url}/workers")["exit"] == "0"


def test_a_word_that_means_nothing_here_fails_the_step(bench):
    with pytest.raises(StepFailed, match=r"prometheus. means nothing here"):
        line(bench, "curl @{prometheus}/api/v1/query")


def test_a_line_that_does_not_end_is_ended(bench):
    shutil.rmtree(bench.folder / "steps" / "it", ignore_errors=True)
    with pytest.raises(StepFailed, match="still running after 1 s"):
        bench.do(command={"shell": "echo begun; sleep 60"}, timeout="1s")


def test_a_line_on_this_machine_needs_a_run(bench):
    with pytest.raises(StepFailed, match="needs a run"):
        line(bench, "true", on_machine=True)


def test_a_variable_that_a_line_sets_is_known_to_the_lines_after_it(bench):
    around = Surroundings(bench.journal, f"steps-{os.getpid()}", "http://127.0.0.1:9090")
    said = []
    for name, command in (
        ("first", {"shell": 'BEFORE=$(echo "it\'s {pid} $((1 + 1))")', "keeps": "BEFORE"}),
        ("inside", {"shell": 'echo "was: $BEFORE"'}),
        ("here", {"shell": 'echo "was: ${BEFORE}, asked at @{prometheus}"', "on_machine": True}),
    ):
        step = Step.model_validate({"name": f"variable {name}", "timeout": "20s", "command": command})
        said.append(carry_out(step, bench.target, run_dir=bench.folder, surroundings=around)["said"])
    assert said == ["it's {pid} 2", "was: it's {pid} 2", "was: it's {pid} 2, asked at http://127.0.0.1:9090"]
