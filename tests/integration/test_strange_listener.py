"""Whose answer it is: a service that answers on the target's port and is not the target is never measured as it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pytest

from leakdrill.machine.ports import free_port, stranger_on
from leakdrill.record.events import Notice
from leakdrill.record.recorder import Recorder
from leakdrill.targets.base import log_keeper
from leakdrill.targets.base.log_keeper import LogKeeper
from leakdrill.targets.base.readiness import last_lines, show_exit

pytestmark = pytest.mark.integration

LISTEN = """
import socket, sys, time
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.create_server((sys.argv[1], int(sys.argv[2])), family=family, dualstack_ipv6=family == socket.AF_INET6)
print("listening", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_who_listens_is_known_by_the_socket_itself(address):
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", LISTEN, address, str(port)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        own = subprocess.Popen(["sleep", "60"])
        assert stranger_on(port, [process.pid]) == ""
        assert str(process.pid) in stranger_on(port, [own.pid])
        assert str(process.pid) in stranger_on(port, [])
        own.kill()
        own.wait()
        process.kill()


def test_a_socket_that_was_handed_down_is_the_child_s_too():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = subprocess.Popen(["sleep", "60"], pass_fds=[listener.fileno()])
        assert stranger_on(listener.getsockname()[1], [child.pid]) == ""
        child.kill()
        child.wait()


def test_nobody_is_a_stranger_on_a_port_without_a_listener():
    assert stranger_on(free_port(), []) == ""


@pytest.fixture
def small(monkeypatch):
    for name, size in (("HEAD_BYTES", 8_000), ("MOST_BYTES", 24_000), ("_KEPT_BYTES", 1_000), ("_EVERY_S", 0.02)):
        monkeypatch.setattr(log_keeper, name, size)


@pytest.mark.usefixtures("small")
def test_a_log_stays_short_while_it_is_written_and_its_writer_never_waits(tmp_path):
    log = tmp_path / "target.log"
    notices = []
    recorder = Recorder(tmp_path / "history.jsonl")
    recorder.subscribe(lambda event: notices.append(event) if Notice.read(event) else None)
    keeper = LogKeeper(log, recorder)
    keeper.start()
    keeper.start()
    longest = 0
    with log.open("ab", buffering=0) as writer:
        writer.write(b"first line\n")
        for number in range(20_000):
            writer.write(b"%020d\n" % number)
            longest = max(longest, log.stat().st_size)
        writer.write(b"last line\n")
    keeper.stop()
    keeper.stop()
    recorder.close()
    text = log.read_text()
    assert text.startswith("first line\n")
    assert text.endswith("last line\n")
    assert "(leakdrill left out" in text
    assert longest < 420_000, "20,000 lines would be 420,020 bytes"
    assert log.stat().st_size <= 24_000
    assert len(notices) == 1
    assert not [t for t in threading.enumerate() if t.name == "log-keeper"]


def test_a_log_that_was_cut_still_has_last_lines(tmp_path):
    log = tmp_path / "target.log"
    log.write_bytes(b"what it said last\n")
    assert last_lines(log, start=1_000_000) == ["what it said last"]


def test_a_log_that_is_not_there_is_no_error(tmp_path):
    recorder = Recorder(tmp_path / "history.jsonl")
    keeper = LogKeeper(tmp_path / "none" / "target.log", recorder)
    keeper.start()
    keeper.stop()
    recorder.close()


@pytest.mark.parametrize(
    ("status", "text"), [(-9, "signal 9 (SIGKILL)"), (-40, "signal 40 (SIGRTMIN+6)"), (-35, "signal 35 (SIGRTMIN+1)")]
)
def test_an_end_by_any_signal_has_words(status, text):
    assert show_exit(status) == text
