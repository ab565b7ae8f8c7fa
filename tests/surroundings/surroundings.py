"""Surroundings that fail: each part of a drill gone, stopped, slow, full or lying, and what it must come to."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import psutil
from spoilt_drill import MOST_S, Case, remove_run_folder, send, signal_to, stop_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoilt_drill import Drill

SETUP: Final = '"phase":"setup"'
WARMUP: Final = '"phase":"warmup"'
BASELINE: Final = '"phase":"baseline"'
LEAK: Final = '"name":"switch_on"'
FIRING: Final = '"value":"firing"'
MITIGATE: Final = '"phase":"mitigate"'
RECOVER: Final = '"phase":"recover"'

COMPLETE: Final = "measurements_are_complete"
RUNS_ON: Final = "target_keeps_running"


def full_disk(source: str) -> Callable[[Drill], object]:
    """No file of a part may grow any more, as on a full disk."""
    return lambda drill: psutil.Process(drill.pid_of(source)).rlimit(psutil.RLIMIT_FSIZE, (4096, 4096))


def crawl(source: str, seconds: float) -> Callable[[Drill], object]:
    """Let a part run for a fiftieth of the time."""

    def act(drill: Drill) -> None:
        process = psutil.Process(drill.pid_of(source))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.is_running():
            process.send_signal(signal.SIGSTOP)
            time.sleep(1.5)
            process.send_signal(signal.SIGCONT)
            time.sleep(0.03)

    return act


def worker(number: signal.Signals) -> Callable[[Drill], object]:
    """Send a signal to a worker of Locust."""
    return lambda drill: psutil.Process(drill.pid_of("load")).children()[0].send_signal(number)


def another_drill(drill: Drill) -> None:
    """Run the same scenario into the same folder of runs at the same time; it must pass."""
    command = [sys.executable, "-m", "leakdrill", "run", str(drill.folder / "scenario.yaml"), "--runs", str(drill.runs)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_S, check=False)
    if done.returncode:
        raise RuntimeError(f"the other drill: exit {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")


def log_stays_short(drill: Drill) -> None:
    """Raise when the log was ever longer than it may be, or the drill took memory for it."""
    longest = largest = 0
    process = psutil.Process(drill.process.pid)
    send("floods")(drill)
    deadline = time.monotonic() + 12
    while time.monotonic() < deadline and process.is_running():
        longest = max(longest, (drill.run / "target.log").stat().st_size)
        largest = max(largest, process.memory_info().rss)
        time.sleep(0.05)
    if longest > 80_000_000 or largest > 400_000_000:
        raise RuntimeError(f"target.log had {longest} bytes, the drill {largest} bytes of memory")
    if longest < 10_000_000:
        raise RuntimeError(f"the service wrote only {longest} bytes")


def in_a_namespace(script: str) -> tuple[str, ...]:
    """A shell with mounts of its own that prepares the drill's folders and then becomes the drill."""
    return ("unshare", "-m", "--propagation", "private", "sh", "-ec", f'{script}; exec "$@"', "sh")


def later(act: Callable[[Drill], object], seconds: float) -> Callable[[Drill], object]:
    """Do it so much later."""

    def wait(drill: Drill) -> None:
        time.sleep(seconds)
        act(drill)

    return wait


def both(*acts: Callable[[Drill], object]) -> Callable[[Drill], object]:
    """Do several things at once."""

    def do(drill: Drill) -> None:
        threads = [threading.Thread(target=act, args=(drill,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return do


def metrics(name: str, *, in_ci: bool = False) -> Case:
    """The service's metrics break in the middle of the load."""
    return Case(
        f"{name} from the load on", "UNKNOWN", COMPLETE, "service/metrics", moment=LEAK, act=send(name), in_ci=in_ci
    )


ALERTING: Final = (
    Case(
        "Prometheus is killed between firing and delivery",
        "UNKNOWN",
        COMPLETE,
        "Prometheus ended",
        moment=FIRING,
        act=signal_to("prometheus", signal.SIGKILL),
        in_ci=True,
    ),
    Case(
        "Prometheus is stopped for 5 s while the leak grows",
        "UNKNOWN",
        COMPLETE,
        "Prometheus did not answer",
        moment=LEAK,
        act=stop_for("prometheus", 5),
        in_ci=True,
    ),
    Case(
        "Prometheus is stopped for good",
        "UNKNOWN",
        COMPLETE,
        "Prometheus did not answer",
        moment=LEAK,
        act=signal_to("prometheus", signal.SIGSTOP),
    ),
    Case(
        "Prometheus crawls and misses evaluations",
        "UNKNOWN",
        COMPLETE,
        "Prometheus did not",
        moment=LEAK,
        act=crawl("prometheus", 9),
        in_ci=True,
    ),
    Case(
        "Prometheus' disk is full",
        "UNKNOWN",
        COMPLETE,
        "Prometheus",
        moment=BASELINE,
        act=full_disk("prometheus"),
        in_ci=True,
    ),
    Case(
        "Alertmanager is killed between firing and delivery",
        "UNKNOWN",
        COMPLETE,
        "Alertmanager ended",
        moment=FIRING,
        act=signal_to("alertmanager", signal.SIGKILL),
    ),
    Case(
        "Alertmanager is stopped while the leak grows",
        "UNKNOWN",
        COMPLETE,
        "Alertmanager did not answer",
        moment=LEAK,
        act=signal_to("alertmanager", signal.SIGSTOP),
        in_ci=True,
    ),
    Case(
        "a Prometheus to watch has a name that nobody knows",
        "bad input",
        "",
        "answers as a Prometheus does",
        changes={"alerts.prometheus": "http://no-such-host.invalid:9090", "alerts.rules": [], "alerts.time_scale": 1},
    ),
    Case(
        "the clock is set by a minute while the leak grows",
        "UNKNOWN",
        COMPLETE,
        "clock of this machine had been set",
        environment={"PYTHONPATH": "{here}/clock", "CLOCK_IS_SET_BY": "{folder}/set"},
        moment=LEAK,
        act=lambda drill: (drill.folder / "set").touch(),
        in_ci=True,
    ),
)

LOAD: Final = (
    Case(
        "Locust is stopped while the leak grows",
        "UNKNOWN",
        "load_is_as_asked",
        "no request came back for",
        moment=LEAK,
        act=signal_to("load", signal.SIGSTOP),
        in_ci=True,
    ),
    Case(
        "the locustfile crashes at import",
        "error",
        "",
        "RuntimeError",
        changes={"load.locustfile": "HERE/crashing_locustfile.py"},
    ),
    Case(
        "a worker of Locust is killed",
        "UNKNOWN",
        COMPLETE,
        "Locust lost 1 of 2 workers",
        changes={"load.workers": 2},
        moment=LEAK,
        act=worker(signal.SIGKILL),
        in_ci=True,
    ),
    Case(
        "a worker of Locust is stopped",
        "UNKNOWN",
        COMPLETE,
        "",
        changes={"load.workers": 2},
        moment=LEAK,
        act=worker(signal.SIGSTOP),
    ),
    Case(
        "the service redirects the load to another machine",
        "FAIL",
        "requests_keep_error_rate",
        "",
        moment=BASELINE,
        act=send("redirects"),
        in_ci=True,
    ),
)

TARGET: Final = (
    Case(
        "the target is OOM-killed before it is ready",
        "error",
        "",
        "signal 9 (SIGKILL)",
        changes={"target.command": ["{python}", "-c", "import time; x = b'x' * 400_000_000; time.sleep(60)"]},
    ),
    Case("the target is OOM-killed in the warm-up", "FAIL", RUNS_ON, "OOM", moment=WARMUP, act=send("eats")),
    Case(
        "the target is OOM-killed in the baseline",
        "FAIL",
        RUNS_ON,
        "OOM",
        moment=BASELINE,
        act=send("eats"),
        in_ci=True,
    ),
    Case("the target is OOM-killed in the load", "FAIL", RUNS_ON, "OOM", moment=LEAK, act=send("eats")),
    Case("the target is OOM-killed by its step", "FAIL", RUNS_ON, "OOM", moment=MITIGATE, act=send("eats")),
    Case("the target is OOM-killed in the recovery", "FAIL", RUNS_ON, "OOM", moment=RECOVER, act=send("eats")),
    Case("the target ends with status 0 in the load", "FAIL", RUNS_ON, "exit", moment=LEAK, act=send("ends")),
    Case(
        "the target listens and never answers",
        "error",
        "",
        "failed with",
        fault="listens and never accepts",
    ),
    Case(
        "the target hangs from the load on",
        "FAIL",
        "requests_keep_error_rate",
        "",
        moment=LEAK,
        act=send("hangs"),
        in_ci=True,
    ),
    Case("the target goes into the background", "FAIL", RUNS_ON, "exit", fault="forks away", in_ci=True),
    Case("the target ignores SIGTERM", "PASS", RUNS_ON, "", fault="ignores SIGTERM", in_ci=True),
    Case(
        "the target is killed by a signal without a name",
        "FAIL",
        RUNS_ON,
        "",
        moment=LEAK,
        act=lambda drill: psutil.Process(drill.pid_of("target")).send_signal(40),
    ),
    Case(
        "the target is stopped from the load on",
        "FAIL",
        "requests_keep_error_rate",
        "",
        moment=LEAK,
        act=signal_to("target", signal.SIGSTOP),
    ),
    Case(
        "the target writes 50 MB of log a second", "PASS", RUNS_ON, "", moment=BASELINE, act=log_stays_short, in_ci=True
    ),
    Case(
        "another service answers at the target's port",
        "error",
        "",
        "which is no process of the target",
        fault="is served by another",
        in_ci=True,
    ),
)

ANSWERS: Final = (
    Case(
        "readiness redirects to another machine",
        "error",
        "",
        "redirect to 'http://192.0.2.1/elsewhere'",
        fault="health redirects",
        in_ci=True,
    ),
    Case("readiness is garbage", "error", "", "failed: the answer is no HTTP", fault="health is garbage"),
    Case("readiness never ends", "PASS", RUNS_ON, "", fault="health never ends"),
    Case(
        "metrics are garbage from the start",
        "error",
        "",
        "/metrics was not scraped",
        fault="metrics are garbage",
        in_ci=True,
    ),
    metrics("metrics are garbage"),
    metrics("metrics are 200 MB"),
    metrics("metrics never end", in_ci=True),
    metrics("metrics drip"),
    metrics("metrics are a bomb"),
    metrics("metrics redirect"),
    metrics("metrics hang"),
    Case(
        "a step's answer redirects to another machine",
        "FAIL",
        "step_works",
        "302",
        moment=LEAK,
        act=send("step redirects"),
    ),
    Case(
        "a step's answer never ends",
        "FAIL",
        "step_works",
        "no answer within 2 s",
        moment=LEAK,
        act=send("step never ends"),
    ),
)

MACHINE: Final = (
    Case(
        "the run folder's disk is full",
        "error",
        "",
        "No space left on device",
        wrap=in_a_namespace("mkdir {folder}/runs; mount -t tmpfs -o size=300k none {folder}/runs"),
        in_ci=True,
    ),
    Case(
        "the run folder cannot be written",
        "error",
        "",
        "Read-only file system",
        wrap=in_a_namespace("mkdir {folder}/runs; mount -t tmpfs -o ro none {folder}/runs"),
        in_ci=True,
    ),
    Case("the run folder is removed in the load", "error", "", "", moment=LEAK, act=remove_run_folder, in_ci=True),
    Case("two drills at once in one folder of runs", "PASS", RUNS_ON, "", moment=SETUP, act=another_drill),
    Case(
        "twenty files may be open",
        "error",
        "",
        "Too many open files",
        wrap=("sh", "-c", 'ulimit -n 20; exec "$@"', "sh"),
        in_ci=True,
    ),
    Case(
        "there is no /dev/shm", "PASS", RUNS_ON, "", wrap=in_a_namespace("mount -t tmpfs -o ro,size=4k none /dev/shm")
    ),
    Case("there is no home", "PASS", RUNS_ON, "", wrap=("env", "-u", "HOME")),
    Case("the home cannot be written", "PASS", RUNS_ON, "", environment={"HOME": "/proc/1"}),
    Case(
        "the folder for temporary files has spaces in its name",
        "PASS",
        RUNS_ON,
        "",
        environment={"TMPDIR": "{folder}/a b  c"},
        wrap=("sh", "-c", 'mkdir "$TMPDIR"; exec "$@"', "sh"),
    ),
    Case(
        "the disk for temporary files is full",
        "PASS",
        RUNS_ON,
        "",
        wrap=in_a_namespace("mount -t tmpfs -o size=4k none {folder}/tmp; head -c 4096 /dev/zero > {folder}/tmp/full"),
    ),
)

SURROUNDINGS: Final = (*ALERTING, *LOAD, *TARGET, *ANSWERS, *MACHINE)
"""Every case; CI runs those that say so."""
