"""A service that runs already as the target: found, measured, told when it ends, and left as it was."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from leakdrill import masking
from leakdrill.errors import BadInput, EnvironmentProblem, TargetNotReady
from leakdrill.machine.ports import free_port
from leakdrill.record.events import TargetExited, TargetLeave, TargetReady, TargetUnwatched
from leakdrill.record.history import read_history
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.record.stored_journal import read_journal
from leakdrill.runs.undo import UNDO
from leakdrill.scenario.actions import HttpCall
from leakdrill.scenario.leaks import Leak
from leakdrill.scenario.steps import Step
from leakdrill.scenario.target import ProcessTarget
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.step import carry_out
from leakdrill.steps.switch import switch
from leakdrill.targets.base.capabilities import Executable, Replicated, Restartable, Signallable, Target
from leakdrill.targets.existing.target import RunningService
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = pytest.mark.integration

SHOP = Path(__file__).parents[1] / "e2e" / "services" / "shop.py"
TOKEN = "t0ken-of-the-shop"  # noqa: S105 - it opens a service that lives for seconds
LEAK = Leak.model_validate(
    {"name": "cache", "switch": {key: {"path": "/leak", "body": {"on": key == "on"}} for key in ("on", "off")}}
)


class Owner:
    """Somebody who started a shop, and whose it stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.started: list[subprocess.Popen[bytes]] = []

    def start(
        self, *tls: Path, token: str = "", program: Path = Path(sys.executable), script: Path = SHOP
    ) -> subprocess.Popen[bytes]:
        """A shop at `port`, once it listens."""
        words = ["--tls", *map(str, tls)] if tls else []
        command = [str(program), str(script), str(self.port), *words]
        process = subprocess.Popen(command, env={**os.environ, "SHOP_TOKEN": token}, start_new_session=True)
        self.started.append(process)
        wait_for(lambda: psutil.Process(process.pid).net_connections("tcp"), what="it listens", timeout_s=30)
        return process

    def close(self) -> None:
        """End them all."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Drill:
    """What watches it."""

    def __init__(self, folder: Path, **fields: object) -> None:
        folder.mkdir()
        self.folder = folder
        self.recorder = Recorder(folder / "history.jsonl")
        self.journal = Journal(folder / "journal.jsonl")
        spec = {"name": "shop", "ready": {"timeout": "5s"}, **fields}
        self.target = RunningService(
            ProcessTarget.model_validate(spec),
            scenario_dir=folder.parent,
            run_dir=folder,
            run_id=f"test-{folder.name}",
            recorder=self.recorder,
            journal=self.journal,
            token="of this run",  # noqa: S106 - nobody asks for it
        )

    def told(self, event_class: type[Any]) -> Sequence[Any]:
        """What the record holds of one class."""
        return list(read_history(self.folder / "history.jsonl").of(event_class))

    def step(self, **action: object) -> dict[str, str]:
        """Carry out one step of a runbook."""
        step = Step.model_validate({"name": "a step", "timeout": "20s", **action})
        return carry_out(step, self.target, run_dir=self.folder)

    def close(self) -> None:
        """Take it down."""
        self.target.stop()
        self.recorder.close()
        self.journal.close()


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Owner]:
    monkeypatch.setattr(masking, "_HIDDEN", set())
    with contextlib.closing(Owner(tmp_path)) as owner:
        yield owner


@pytest.fixture
def drill(owner: Owner) -> Iterator[Callable[..., Drill]]:
    with contextlib.ExitStack() as closing:

        def make(**fields: object) -> Drill:
            folder = owner.folder / f"run-{len(list(owner.folder.glob('run-*')))}"
            made = Drill(folder, **{"url": f"http://127.0.0.1:{owner.port}", **fields})
            closing.callback(made.close)
            return made

        yield make


def leaks(owner: Owner) -> bool:
    """Whether the shop leaks, as it says itself."""
    return httpx.get(f"http://127.0.0.1:{owner.port}/leaking", trust_env=False).text == "True"


def test_it_is_found_by_its_port_measured_and_left_running(owner: Owner, drill: Callable[..., Drill]) -> None:
    process, one = owner.start(), drill(metrics="/metrics")
    for wanted in (Target, Restartable, Executable, Signallable):
        assert isinstance(one.target, wanted)
    assert not isinstance(one.target, Replicated)
    one.target.start()
    assert one.target.pid == process.pid
    assert one.target.pids() == [process.pid]
    with contextlib.ExitStack() as closing:
        meters = one.target.meters()
        for meter in meters:
            closing.callback(getattr(meter, "close", bool))
        readings = {(meter.event.source, meter.event.event_name): meter.read() for meter in meters}
    assert (readings["process", "tree"] or {})["rss_bytes"] > 1 << 20
    assert readings["service", "metrics"] == {"shop_kept_total": 0.0}
    one.target.stop()
    one.target.stop()
    assert process.poll() is None
    assert one.journal.pending() == []
    assert [act.succeeded for act in read_history(one.folder / "history.jsonl").acts(TargetLeave)] == [True]
    assert one.told(TargetExited) == []


def test_an_end_that_nobody_asked_for_is_recorded_and_nothing_is_started(
    owner: Owner, drill: Callable[..., Drill]
) -> None:
    process, one = owner.start(), drill()
    one.target.start()
    process.kill()
    process.wait()
    (exited,) = wait_for(lambda: one.told(TargetExited), what="the end is told", timeout_s=10)
    assert exited.pid == str(process.pid)
    assert exited.oom_kill in ("false", "unknown")
    assert (one.target.pid, one.target.pids()) == (None, [])
    one.target.stop()


def test_a_leak_that_is_on_is_switched_off_at_the_end(owner: Owner, drill: Callable[..., Drill]) -> None:
    owner.start()
    one = drill()
    one.target.start()
    switch(LEAK, one.target, on=True)
    assert leaks(owner)
    assert [entry.kind for entry in one.journal.pending()] == ["service leak"]
    one.target.stop()
    assert not leaks(owner)
    assert one.journal.pending() == []


def test_a_leak_that_was_switched_off_is_not_switched_again(owner: Owner, drill: Callable[..., Drill]) -> None:
    owner.start()
    one = drill()
    one.target.start()
    switch(LEAK, one.target, on=True)
    switch(LEAK, one.target, on=False)
    assert one.journal.pending() == []


def test_it_is_switched_off_from_the_journal_alone_but_not_in_another_process(
    owner: Owner, drill: Callable[..., Drill], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    owner.start(token=TOKEN)
    one = drill(http={"headers": {"Authorization": "Bearer ${SHOP_TOKEN}"}})
    one.target.start()
    switch(LEAK, one.target, on=True)
    assert TOKEN not in (one.folder / "journal.jsonl").read_text()
    (entry,) = read_journal(one.folder / "journal.jsonl")
    undo, header = UNDO[entry.kind], one.journal.header
    assert undo({**entry.data, "create_time": entry.data["create_time"] - 60}, header) is None
    assert "True" in ask(owner)
    monkeypatch.delenv("SHOP_TOKEN")
    assert "SHOP_TOKEN is not set" in str(undo(entry.data, header))
    assert "holds a secret" not in str(undo(entry.data, header))
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    assert undo(entry.data, header) is None
    assert "False" in ask(owner)


def ask(owner: Owner) -> str:
    """Whether the shop leaks, for whoever has its token."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.get(f"http://127.0.0.1:{owner.port}/leaking", headers=bearer, trust_env=False).text


def test_a_secret_in_the_switch_itself_is_not_in_the_journal(owner: Owner, drill: Callable[..., Drill]) -> None:
    owner.start()
    one = drill()
    one.target.start()
    one.target.parts[0].note_switched_on("cache", HttpCall(path="/leak?token=hunter2abc", body={"on": False}))  # type: ignore[attr-defined]
    assert "hunter2abc" not in (one.folder / "journal.jsonl").read_text()
    (entry,) = one.journal.pending()
    assert "holds a secret, which is not in the journal" in str(UNDO[entry.kind](entry.data, one.journal.header))
    one.target.stop()
    assert one.journal.pending() == []


def test_who_is_not_let_in_is_told_without_the_token(
    owner: Owner, drill: Callable[..., Drill], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    owner.start(token="another-t0ken")  # noqa: S106 - it lives for seconds
    one = drill(http={"headers": {"Authorization": "Bearer ${SHOP_TOKEN}"}}, ready={"timeout": "300ms"})
    with pytest.raises(TargetNotReady, match="answered 401"):
        one.target.start()
    with pytest.raises(StepFailed) as raised:
        one.step(http={"path": "/flush"})
    one.recorder.record(TargetExited(pid=str(raised.value), signal="", oom_kill="false"))
    assert TOKEN not in (one.folder / "history.jsonl").read_text()


def test_mutual_tls(owner: Owner, drill: Callable[..., Drill], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = owner.folder
    for name in ("ca", "server", "client"):
        certify(folder, name)
    monkeypatch.setenv("SHOP_CERTIFICATE", str(folder / "client.pem"))
    owner.start(folder / "server.pem", folder / "server.key", folder / "ca.pem")
    url = f"https://127.0.0.1:{owner.port}"
    one = drill(url=url, http={"ca": "ca.pem", "certificate": "${SHOP_CERTIFICATE}", "key": "client.key"})
    one.target.start()
    assert one.step(http={"path": "/flush"})["status"] == "200"
    other = drill(url=url, http={"ca": "ca.pem"}, ready={"timeout": "300ms"})
    with pytest.raises(
        TargetNotReady,
        match=r"certificate required(.|\n)*name a target\.http\.certificate",
    ):
        other.target.start()
    stranger = drill(url=url, ready={"timeout": "300ms"})
    with pytest.raises(TargetNotReady, match="certificate verify failed"):
        stranger.target.start()


def certify(folder: Path, name: str) -> None:
    """A certificate of the authority `ca`, and its key."""
    key, certificate = str(folder / f"{name}.key"), str(folder / f"{name}.pem")
    signed = [] if name == "ca" else ["-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key")]
    more = [] if name == "ca" else ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"]
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command = ["openssl", "req", "-x509", *made, *signed, *more, "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)


def test_a_process_that_is_not_the_one_that_answers_is_refused(owner: Owner, drill: Callable[..., Drill]) -> None:
    owner.start()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        try:
            one = drill(pid=other.pid, ready={"timeout": "300ms"})
            with pytest.raises(TargetNotReady, match="which is no process of the target"):
                one.target.start()
        finally:
            other.kill()


def test_what_only_forwards_a_port_is_refused(owner: Owner, drill: Callable[..., Drill]) -> None:
    forwarder = owner.folder / "docker-proxy"
    forwarder.symlink_to(Path(sys.executable).resolve())
    owner.start(program=forwarder)
    with pytest.raises(BadInput, match=r"\(docker-proxy\) forwards a container's port; name the container"):
        drill().target.start()


def test_a_proxy_that_was_not_meant_is_remarked(owner: Owner, drill: Callable[..., Drill]) -> None:
    proxy = owner.folder / "nginx"
    proxy.symlink_to(Path(sys.executable).resolve())
    owner.start(program=proxy)
    one, meant = drill(), drill(listens=owner.port)
    for each in (one, meant):
        each.target.start()
    remark = "is measured; if the service is behind it, target.listens says on which port"
    assert [notice.partition(") ")[2] for notice in one.target.notices() if "behind" in notice] == [remark]
    assert not [notice for notice in meant.target.notices() if "behind" in notice]


WORKERS = """
import os, socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
if os.fork() == 0:
    while True:
        connection, _ = server.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
        connection.close()
time.sleep(600)
"""


def test_of_a_server_with_workers_the_first_process_is_followed(owner: Owner, drill: Callable[..., Drill]) -> None:
    (owner.folder / "workers.py").write_text(WORKERS)
    process = owner.start(script=owner.folder / "workers.py")
    one = drill()
    one.target.start()
    first, worker = one.target.pids()
    assert (one.target.pid, first) == (process.pid, process.pid)
    assert [living.pid for living in one.target.processes()] == [first, worker]


HANDS_OVER = """
import signal, socketserver, sys, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
signal.signal(signal.SIGUSR1, lambda *_: (server.shutdown(), server.server_close()))
while True:
    time.sleep(60)
"""


@pytest.mark.long
def test_another_process_that_takes_its_place_while_it_goes_on_is_told(
    owner: Owner, drill: Callable[..., Drill]
) -> None:
    (owner.folder / "hands_over.py").write_text(HANDS_OVER)
    process = owner.start(script=owner.folder / "hands_over.py")
    one = drill()
    one.target.start()
    assert one.target.lost is None
    process.send_signal(signal.SIGUSR1)
    wait_for(lambda: not psutil.Process(process.pid).net_connections("tcp"), what="the port is free", timeout_s=10)
    other = owner.start()
    wait_for(lambda: one.target.lost, what="it is told", timeout_s=20)
    assert f"pid {other.pid}" in str(one.target.lost)
    assert f"listens on port {owner.port} in its place" in one.told(TargetUnwatched)[0].message
    assert process.poll() is None


def test_a_port_that_nobody_listens_on_is_told(drill: Callable[..., Drill]) -> None:
    with pytest.raises(BadInput, match="no process of this machine was found that listens on port"):
        drill().target.start()


def test_a_restart_is_the_owners_command_and_what_it_starts_stays(
    owner: Owner, drill: Callable[..., Drill], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    process = owner.start(token=TOKEN)
    (owner.folder / "shop.pid").write_text(str(process.pid))
    (owner.folder / "restart.sh").write_text(
        'kill "$(cat shop.pid)"; env | grep -e LEAKDRILL_ -e SHOP_\n'
        f'"{sys.executable}" "{SHOP}" {owner.port} & echo $! > shop.pid\n'
    )
    pid_file = str(owner.folder / "shop.pid")
    let_in = {"headers": {"Authorization": "Bearer ${SHOP_TOKEN}"}}
    one = drill(pid_file=pid_file, restart_command=["sh", "restart.sh"], ready={"timeout": "20s"}, http=let_in)
    one.target.start()
    process_of_before = one.target.pid
    with contextlib.ExitStack() as closing:
        one.step(restart={})
        process.wait()
        started = psutil.Process(int((owner.folder / "shop.pid").read_text()))
        closing.callback(started.kill)
        assert one.target.pid == started.pid != process_of_before
        assert one.told(TargetExited) == []
        assert [event.process for event in one.told(TargetReady)] == [process_of_before, started.pid]
        one.target.stop()
        assert started.is_running()
        log = (one.folder / "restart.log").read_text()
        assert "SHOP_TOKEN=***" in log
        assert TOKEN not in log
        assert "LEAKDRILL_" not in log


def test_without_a_command_nobody_restarts_it(owner: Owner, drill: Callable[..., Drill]) -> None:
    owner.start()
    one = drill()
    one.target.start()
    with pytest.raises(StepFailed, match=r"nothing says how it is restarted; expected target\.restart_command"):
        one.step(restart={})


def test_what_a_command_prints_of_the_secrets_of_requests_is_masked(
    owner: Owner, drill: Callable[..., Drill], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    owner.start()
    one = drill(http={"headers": {"Authorization": "Bearer ${SHOP_TOKEN}"}})
    one.target.start()
    output = Path(one.step(exec={"command": ["sh", "-c", "echo it is $SHOP_TOKEN"]})["output"])
    assert output.read_text() == "it is ***\n"


SYSTEMCTL = """#!/bin/sh
[ "$1" = restart ] && exit 5
echo LoadState=${SHOP_LOAD:-loaded}; echo ActiveState=${SHOP_ACTIVE:-active}; echo SubState=running
echo MainPID=$SHOP_PID; echo ControlGroup=/system.slice/shop.service; echo Result=oom-kill
echo ExecMainPID=$SHOP_PID; echo ExecMainStatus=9
"""


@pytest.fixture
def unit(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> subprocess.Popen[bytes]:
    """A shop that a stand-in for `systemctl` describes as a unit: no systemd runs where these tests do."""
    program = owner.folder / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL)
    program.chmod(0o755)
    process = owner.start()
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SHOP_PID", str(process.pid))
    return process


def test_a_unit_is_followed_by_its_main_process_and_says_how_it_ended(
    unit: subprocess.Popen[bytes], drill: Callable[..., Drill]
) -> None:
    one = drill(unit="shop.service")
    one.target.start()
    assert one.target.pid == unit.pid
    with pytest.raises(StepFailed, match="could not be restarted: systemctl ended with 5"):
        one.step(restart={})
    assert one.target.pid == unit.pid


def test_a_unit_that_was_oom_killed_is_told_so(unit: subprocess.Popen[bytes], drill: Callable[..., Drill]) -> None:
    one = drill(unit="shop.service")
    one.target.start()
    unit.kill()
    unit.wait()
    (exited,) = wait_for(lambda: one.told(TargetExited), what="the end is told", timeout_s=10)
    assert (exited.oom_kill, exited.signal) == ("true", "SIGKILL")


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("SHOP_LOAD", "not-found", "systemd knows no unit shop.service"),
        ("SHOP_ACTIVE", "failed", "shop.service is failed"),
        ("SHOP_PID", "0", "has no main process"),
        ("SHOP_PID", "4194304999", "the main process of shop.service does not run"),
    ],
)
def test_a_unit_that_does_not_run_is_told(
    unit: subprocess.Popen[bytes],
    drill: Callable[..., Drill],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    expected: str,
) -> None:
    assert unit.poll() is None
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadInput, match=expected):
        drill(unit="shop.service").target.start()


def test_a_machine_without_systemd_is_told(
    owner: Owner, drill: Callable[..., Drill], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.start()
    monkeypatch.setenv("PATH", str(owner.folder))
    with pytest.raises(EnvironmentProblem, match=r"systemctl cannot be asked about shop\.service"):
        drill(unit="shop.service").target.start()
