"""The agent in real processes: answers, stays out of the way, and gives up without harm."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leakdrill.agent.client import AgentClient
from leakdrill.agent.environment import agent_environment
from leakdrill.machine.ports import free_port
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.integration

PYTHONS = [f"python3.{minor}" for minor in range(9, 15)]
CODE = "LEAKDRILL_TEST_CODE"


class Running:
    """A target that reads commands from its input; each line is executed in it and answered with one line."""

    def __init__(self, process: subprocess.Popen[str], client: AgentClient) -> None:
        self.process = process
        self.client = client

    def do(self, line: str) -> str:
        """Execute `line` in the target; what the expression after a last `;;` gives, if any."""
        print(line, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()


def interpreters() -> dict[str, str]:
    """Where each of `PYTHONS` is, on PATH or in `~/.pyenv/versions`; without those that are not here."""
    kept = {path.name: str(path) for path in sorted(Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3.*"))}
    found = {name: kept.get(name) or shutil.which(name) for name in PYTHONS}
    return {name: path for name, path in found.items() if path}


def all_answer(client: AgentClient, *pids: int) -> None:
    """Wait until each of `pids` has announced itself and answers: a process lives before it does."""
    wait_for(lambda: {answer["pid"] for answer in client.ping()} >= set(pids), what="every agent", timeout_s=60)


OBEDIENT = """
import os, sys
{setup}
if __name__ == "__main__":
    print("ready", flush=True)
for line in iter(sys.stdin.readline if __name__ == "__main__" else str, ""):
    statement, _, expression = line.strip().partition(";;")
    exec(statement)
    print(eval(expression or "None"), flush=True)
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts obedient targets; all of them are gone afterwards."""
    with contextlib.ExitStack() as started:

        def start(
            setup: str = "", *flags: str, python: str = sys.executable, in_front: str = "", **extra: str
        ) -> Running:
            folder = tmp_path / "agent"
            base = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            env = agent_environment(folder, {**base, **extra})
            env["PYTHONPATH"] = os.pathsep.join(filter(None, [in_front, env["PYTHONPATH"]]))
            script = tmp_path / "target.py"
            script.write_text(OBEDIENT.format(setup=textwrap.dedent(setup)))
            process = started.enter_context(
                subprocess.Popen(
                    [python, *flags, str(script)], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            started.callback(process.kill)
            assert process.stdout.readline() == "ready\n"
            return Running(process, AgentClient(folder, pids=lambda: [process.pid], timeout_s=20))

        yield start


def test_a_plain_script_answers_and_never_notices(run):
    target = run()
    assert target.client.available() is None
    [answer] = target.client.ping()
    assert answer["pid"] == target.process.pid
    assert target.do(";; [path for path in sys.path if 'harness' in path and 'injected' in path]") == "[]"
    assert target.do("import threading;; threading.active_count()") == "1"


def test_readings_at_rest_are_equal_to_the_block(run):
    target = run()

    def five_alike() -> bool:
        """Not at once: the target has yet to come to rest in its `readline`."""
        readings = [target.client.quiet() for _ in range(5)]
        return {len({getattr(reading, name) for reading in readings}) for name in ("blocks", "gc_objects")} == {1}

    wait_for(five_alike, what="five readings to the block alike", timeout_s=60)
    assert target.client.quiet().threads == 1


def test_a_leak_of_a_known_type_shows_to_the_object(run):
    target = run("class Row:\n    def __init__(self): self.key = object()\nheld = []")
    target.client.quiet()
    before, blocks = target.client.types(), target.client.quiet().blocks
    target.do("held.extend(Row() for _ in range(1234))")
    growth = {grown.name: grown.count for grown in target.client.types().since(before)}
    assert growth["__main__.Row"] == 1234
    assert target.client.quiet().blocks - blocks >= 2 * 1234


def test_garbage_in_cycles_is_collected(run):
    target = run("import gc; gc.disable()\nclass Row: pass")
    target.client.quiet()
    before = target.client.reading().gc_objects
    target.do("row = None")
    target.do("for _ in range(500): row = Row(); row.me = row")
    assert target.client.reading().gc_objects >= before + 499
    [process] = target.client.quiet().processes
    assert process.collected[0] >= 499


def test_trim_gives_freed_memory_back(run):
    target = run("import ctypes; libc = ctypes.CDLL(None); libc.malloc.restype = ctypes.c_void_p")
    reading = target.client.quiet()
    if reading.uordblks_bytes is None:
        pytest.skip(reading.processes[0].trim_refused)
    target.do("libc.mallopt(-3, 1 << 20)")  # 64 KiB from the heap and not from mappings
    target.do("held = [libc.malloc(65536) for _ in range(512)]")
    target.do("[ctypes.memset(place, 1, 65536) for place in held]")
    grown = target.client.reading()
    assert grown.uordblks_bytes - reading.uordblks_bytes >= 512 * 65536
    target.do("[libc.free(ctypes.c_void_p(place)) for place in held[:-1]]")  # the last one holds the heap's top
    freed = resident_bytes(target.process.pid)
    [trimmed] = target.client.trim()
    assert trimmed == {"trimmed": True, "why": None}
    assert freed - resident_bytes(target.process.pid) >= 500 * 65536


def resident_bytes(pid: int) -> int:
    """Resident memory of a process, from the kernel."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


SYSTEMS_PYTHON = "/usr/bin/python3"


@pytest.mark.skipif(not Path(SYSTEMS_PYTHON).exists(), reason=f"there is no {SYSTEMS_PYTHON}")
def test_the_heap_of_an_interpreter_at_a_fixed_address_is_read_too(run):
    """Debian's has a stub named `malloc` of its own, behind which stands the C library."""
    target = run(python=SYSTEMS_PYTHON)
    assert target.client.ping()[0]["malloc"].startswith("libc")
    assert target.client.quiet().live_bytes > 0


def test_tracemalloc_names_the_line_that_allocates(run):
    target = run("held = []\ndef leak(): held.append(bytearray(10_000))")
    target.client.tracemalloc_start(frames=1)
    target.client.tracemalloc_mark()
    target.do("[leak() for _ in range(100)]")
    [site] = target.client.tracemalloc_diff(top=1)
    assert site.frames[0].endswith("target.py:4")
    assert site.count_diff == pytest.approx(200, abs=5)
    assert site.size_diff_bytes >= 1_000_000
    target.client.tracemalloc_stop()
    assert target.do("import tracemalloc;; tracemalloc.is_tracing()") == "False"


def test_forked_children_get_sockets_of_their_own_and_leave_nothing_behind(run):
    target = run("import time, signal")
    target.client.quiet()
    child = int(target.do("pid = os.fork(); pid or time.sleep(100);; pid"))
    all_answer(target.client, child)
    reading = target.client.quiet()
    assert reading.pids == tuple(sorted((target.process.pid, child)))
    assert reading.threads == 2
    target.do(f"os.kill({child}, signal.SIGKILL); os.waitpid({child}, 0)")
    assert target.client.quiet().pids == (target.process.pid,)
    assert target.client.silent == ()


def test_a_program_of_one_thread_still_forks_as_one(run, tmp_path):
    # Hooks run before a fork in reverse order, so what a `sitecustomize` in front of ours registers runs after ours.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys; from importlib.machinery import PathFinder as finder; sys.seen = []\n"
        "os.register_at_fork(before=lambda: sys.seen.append(len(os.listdir('/proc/self/task'))))\n"
        "sys.path.remove(os.path.dirname(__file__))\n"
        "ours = finder.find_spec('sitecustomize', sys.path).loader.load_module()\n"
        "def patient(self, name, part=ours._Ear.part):\n"  # how long a fork waits at most is not what is tested
        "    part(self, name)._FORK_WAITS_S = 60\n"
        "    return part(self, name)\n"
        "ours._Ear.part = patient\n"
    )
    target = run(in_front=str(tmp_path))
    for _ in range(20):
        target.do("pid = os.fork(); pid or os._exit(0); os.waitpid(pid, 0)")
    assert target.do(";; sys.seen") == str([1] * 20)
    assert target.client.available() is None
    assert target.do(";; len(os.listdir('/proc/self/task'))") == "2"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_works_and_its_workers_answer(run, method):
    target = run(f"""
        import multiprocessing, time
        pool = None
        if __name__ == "__main__":
            pool = multiprocessing.get_context("{method}").Pool(2)
            assert pool.map(abs, [-1, 2]) == [1, 2]
    """)
    workers = {int(pid) for pid in target.do(";; ' '.join(str(worker.pid) for worker in pool._pool)").split()}
    assert len(workers) == 2
    all_answer(target.client, *workers)  # a pool gives its first answers before all of its workers have started
    assert workers <= set(target.client.quiet().pids)
    target.do("pool.terminate(); pool.join()")


def test_a_subprocess_with_a_preexec_function_works(run):
    target = run("import subprocess")
    code = "subprocess.run(['true'], preexec_fn=lambda: os.nice(1)).returncode"
    assert target.do(f";; {code}") == "0"
    assert target.client.quiet().pids == (target.process.pid,)


def test_a_gevent_patched_program_runs_and_answers(run):
    target = run("""
        from gevent import monkey; monkey.patch_all()
        import gevent, threading, time, socket, queue
        beats = []
        def beat():
            while True:
                beats.append(1)
                time.sleep(0.005)
        threading.Thread(target=beat, daemon=True).start()
    """)
    target.client.quiet()
    for _ in range(5):
        assert target.client.quiet().pids == (target.process.pid,)
    before = int(target.do(";; len(beats)"))
    wait_for(lambda: int(target.do("time.sleep(0.01);; len(beats)")) > before, what="the next beat", timeout_s=60)


def test_a_uvicorn_service_with_workers_serves_and_answers(tmp_path):
    (tmp_path / "service.py").write_text(
        "async def app(scope, receive, send):\n"
        "    if scope['type'] != 'http': return\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'served'})\n"
    )
    port = free_port()
    env = agent_environment(tmp_path / "agent", {**os.environ, "PYTHONPATH": ""})
    command = [sys.executable, "-m", "uvicorn", "service:app", "--port", str(port), "--workers", "2", "--lifespan=off"]
    with subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as main:
        try:
            wait_for(lambda: body_of(port), what="uvicorn", timeout_s=60)
            client = AgentClient(tmp_path / "agent")
            wait_for(lambda: len(client.ping()) >= 3, what="three agents", timeout_s=60)
            assert client.quiet().blocks > 0
            assert body_of(port) == b"served"
        finally:
            main.terminate()


def body_of(port: int) -> bytes | None:
    """What the service says; None while it is not up."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return answer.read()
    except OSError:
        return None


def test_the_user_s_own_sitecustomize_runs_and_its_errors_show(tmp_path, run):
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import sys; sys.own_ran = __file__\n")
    (own / "usercustomize.py").write_text("import sys; sys.user_ran = True\n")
    target = run("import sitecustomize", PYTHONPATH=str(own))
    assert target.do(";; sys.own_ran == sitecustomize.__file__") == "True"
    assert target.client.available() is None
    (own / "sitecustomize.py").write_text("raise RuntimeError('mine')\n")
    env = agent_environment(tmp_path / "agent", {**os.environ, "PYTHONPATH": str(own)})
    ended = subprocess.run([sys.executable, "-c", "print(1)"], env=env, capture_output=True, text=True, check=True)
    assert ended.stdout == "1\n"
    assert "RuntimeError: mine" in ended.stderr


@pytest.mark.parametrize("breakage", ["missing", "a file", "read-only", "deep"])
def test_a_broken_socket_folder_does_not_reach_the_target(tmp_path, breakage):
    folder = tmp_path / ("d" * 120 if breakage == "deep" else "agent")
    env = agent_environment(folder, {**os.environ, "PYTHONPATH": ""})
    if breakage in ("missing", "a file"):
        folder.rmdir()
    if breakage == "a file":
        folder.touch()
    if breakage == "read-only":
        env["LEAKDRILL_AGENT"] = "/proc"
    ended = subprocess.run(
        [sys.executable, "-c", "import os; os.fork() or os._exit(0); print(1)"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1\n", "")


def test_a_folder_with_a_long_name_works(tmp_path):
    folder = tmp_path / ("d" * 120)
    env = agent_environment(folder, {**os.environ, "PYTHONPATH": ""})
    with subprocess.Popen([sys.executable, "-c", "input()"], env=env, stdin=subprocess.PIPE) as target:
        wait_for(lambda: AgentClient(folder).available() is None, what="the agent", timeout_s=60)
        target.communicate(b"\n")


@pytest.mark.parametrize(("flag", "reason"), [("-I", "ignores the environment"), ("-S", "leaves out `site`")])
def test_an_interpreter_that_ignores_the_environment_is_named(run, flag, reason):
    target = run("", flag)
    assert target.client.available() == (
        f"no agent answered: pid {target.process.pid} ({Path(sys.executable).resolve().name}) "
        f"was started with {flag}, which {reason}"
    )


def test_a_program_that_is_no_python_is_named(tmp_path):
    folder = tmp_path / "agent"
    with subprocess.Popen(["sleep", "60"], env=agent_environment(folder, os.environ)) as target:
        assert "is no Python interpreter" in AgentClient(folder, pids=lambda: [target.pid]).available()
        target.kill()


def test_a_process_that_has_not_announced_itself_is_named_and_no_reading_is_silently_short(run):
    target, child = run(), 0
    client = AgentClient(target.client._folder, pids=lambda: [target.process.pid, child], timeout_s=20)
    child = int(target.do("import time; pid = os.fork(); pid or time.sleep(100);; pid"))
    all_answer(target.client, child)
    assert client.quiet().silent == ()
    (target.client._folder / f"{child}.sock").unlink()  # as it is between its birth and its first words
    reading = client.quiet()
    os.kill(child, signal.SIGKILL)
    assert reading.pids == (target.process.pid,)
    [sentence] = reading.silent
    assert sentence.startswith(f"pid {child} (python")
    assert sentence.endswith("did not announce itself; it may still be starting")


def test_a_stopped_process_is_reported_after_the_time_out_and_the_others_still_count(run):
    target = run("import time, signal")
    child = int(target.do("pid = os.fork(); pid or time.sleep(100);; pid"))
    all_answer(target.client, child)
    os.kill(child, signal.SIGSTOP)
    wait_for(lambda: states(child) == {"T"}, what="the stop", timeout_s=20)
    client = AgentClient(target.client._folder, timeout_s=5)  # which is also what the other one has for its answer
    reading = client.quiet()
    assert reading.pids == (target.process.pid,)
    assert reading.silent == (
        (
            f"pid {child} did not answer 'quiet': it was silent until the time was over; "
            "it may be stopped, or busy in native code"
        ),
    )
    os.kill(child, signal.SIGKILL)


def states(pid: int) -> set[str]:
    """What the threads of a process are doing, as the kernel's letters."""
    stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return {stat.rpartition(")")[2].split()[0] for stat in stats}


def test_a_signal_that_the_target_waits_for_reaches_the_target(run):
    target = run("import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})")
    os.kill(target.process.pid, signal.SIGTERM)
    assert target.do(";; signal.sigwait({signal.SIGTERM}) == signal.SIGTERM") == "True"


def test_a_daemon_that_closes_every_descriptor_keeps_what_it_opens_next(run):
    target = run("import socket, time")
    port_line = (
        "os.closerange(3, 256); s = [socket.create_server(('127.0.0.1', 0)) for _ in range(4)];; "
        "' '.join(str(x.getsockname()[1]) for x in s)"
    )
    ports = [int(port) for port in target.do(port_line).split()]
    for _ in range(4):
        assert target.client.quiet().pids == (target.process.pid,)
    for number, port in enumerate(ports):
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            assert target.do(f"c = s[{number}].accept()[0];; c.close()") == "None"


@pytest.mark.parametrize("python", PYTHONS)
def test_other_versions_of_python_answer_and_fork_without_a_warning(run, python):
    path = interpreters().get(python)
    if not path or subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"{python} is not here")
    target = run("import warnings; warnings.simplefilter('error')", python=path)
    assert target.client.ping()[0]["python"].startswith(python.removeprefix("python"))
    for _ in range(3):
        target.client.quiet()
    assert target.client.quiet().blocks == target.client.quiet().blocks
    child = int(target.do("pid = os.fork(); pid or os._exit(0);; pid"))
    target.do(f"os.waitpid({child}, 0)")
    assert target.client.types(untracked=True).total > 0


HIDING = ("json", "types", "socket", "logging", "threading", "collections", "typing", "struct", "enum", "re", "ctypes",
          "functools", "fnmatch", "tracemalloc", "pickle", "math", "copyreg", "operator", "_ctypes")  # fmt: skip


@pytest.mark.parametrize("used", [False, True], ids=["not used yet", "used by the service"])
@pytest.mark.parametrize("python", [*interpreters()])
def test_a_service_with_modules_of_its_own_under_standard_names_keeps_them_and_is_answered(run, tmp_path, python, used):
    for name in HIDING:
        (tmp_path / f"{name}.py").write_text("import sys\nsys.ran = [*getattr(sys, 'ran', []), __name__]\n")
    own = f"import {', '.join(HIDING)}" if used else ""
    target = run(f"early = [*sys.modules]\n{own}", python=interpreters()[python])
    ran = target.do(";; getattr(sys, 'ran', [])")
    [reading] = target.client.quiet().processes
    assert reading.gc_objects > 0
    assert (reading.uordblks_bytes is None) == bool(reading.trim_refused)
    target.client.tracemalloc_start(frames=2)
    target.client.tracemalloc_mark()
    target.do("held = [object() for _ in range(5000)]")
    assert any(site.size_diff_bytes > 5000 for site in target.client.tracemalloc_diff(top=3))
    target.client.tracemalloc_stop()
    assert target.client.types(sizes=True).total > 0
    assert target.do(";; getattr(sys, 'ran', [])") == ran
    hidden = [name for name in HIDING if target.do(f";; {name!r} in early") == "False"]  # types may come with Python
    assert len(hidden) > 5
    for name in hidden:
        assert target.do(f"import {name};; {name}.__file__") == str(tmp_path / f"{name}.py")
    assert target.client.quiet().gc_objects > 0
