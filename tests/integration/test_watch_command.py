"""`leakdrill watch` with real commands: what passes through, what is seen, what is left behind (nothing)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from leakdrill.judging.analyze import analyze
from leakdrill.record.history import read_history
from leakdrill.record.store import open_run
from leakdrill.record.stored_journal import read_journal

pytestmark = [pytest.mark.integration, pytest.mark.long]

# A command that is to be seen looks into its own record, and goes on when it has been read often enough.
UNTIL_SEEN = """
import glob, time
def readings():
    return sum(open(path).read().count('"name":"tree"') for path in glob.glob("runs/*/2*/history.jsonl"))
def until_seen(times=3):
    wanted = readings() + times
    while readings() < wanted:
        time.sleep(0.05)
"""
SEEN = (
    "before=$(cat runs/*/2*/history.jsonl | grep -c tree); "
    "until test $(cat runs/*/2*/history.jsonl | grep -c tree) -gt $((before + 1)); do sleep 0.1; done"
)
GROW = "import sys; x = bytearray(int(sys.argv[1]) << 20); print(flush=True); sys.stdin.read()"
FAMILY = f"""
import subprocess, sys
{UNTIL_SEEN}
grown = [
    subprocess.Popen([sys.executable, "-c", {GROW!r}, size, "MiB"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for size in ("20", "120")
]
for process in grown:
    process.stdout.readline()
until_seen(6)
for process in grown:
    process.communicate()
"""
GROW_BY_MODE = f"import os; x = bytearray(int(os.environ['MB']) << 20)\n{UNTIL_SEEN}\nuntil_seen()"


class Ran:
    def __init__(self, process, runs):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr
        found = sorted(path.parent for path in runs.glob("*/*/run.json") if not path.parent.is_symlink())
        self.folder = open_run(found[-1]) if found else None

    @property
    def verdicts(self):
        return {v["check"]: v for v in json.loads(self.folder.verdicts.read_bytes())["verdicts"]}

    @property
    def history(self):
        return read_history(self.folder.history)


def argv(tmp_path, *arguments):
    return [sys.executable, "-m", "leakdrill", "watch", "--runs", str(tmp_path / "runs"), *arguments]


@pytest.fixture
def watch(tmp_path):
    def run(*arguments, stdin=None, **env):
        ended = subprocess.run(
            argv(tmp_path, *map(str, arguments)),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "200", **env},
        )
        return Ran(ended, tmp_path / "runs")

    return run


def alive(marker):
    """Processes with `marker` among their arguments, our own line aside."""
    found = [p for p in psutil.process_iter(["cmdline"]) if marker in (p.info["cmdline"] or [])]
    return [p for p in found if p.pid != os.getpid()]


def test_standard_streams_are_the_commands_own(watch):
    ran = watch("--", "sh", "-c", f"cat; echo oops >&2; {SEEN}", stdin="hello\n")
    assert (ran.code, ran.out) == (0, "hello\n")
    assert "oops\n" in ran.err
    assert "PASS: all 2 claims hold" in ran.err


def test_options_after_the_command_are_the_commands(watch):
    script = f"{UNTIL_SEEN}\nuntil_seen()\nimport sys; print(sys.argv)"
    ran = watch("--limit", "500MiB", sys.executable, "-c", script, "--json")
    assert (ran.code, ran.out) == (0, "['-c', '--json']\n")


def test_children_are_counted_and_the_split_names_them(watch):
    ran = watch("--limit", "1GiB", "--phase", "big= 120 ", "--", sys.executable, "-c", FAMILY)
    assert ran.code == 0, ran.err
    peak = ran.verdicts["peak_stays_within_budget"]["numbers"]["peak_bytes"]
    assert 145 * 2**20 < peak < 200 * 2**20
    assert "big" in ran.err
    assert len(ran.history.where(source="process", name="tree")) >= 5


def test_over_the_limit_it_warns_as_it_happens_and_names_the_process_that_broke_it(watch):
    ran = watch("--limit", "110MiB", "--", sys.executable, "-c", FAMILY)
    assert ran.code == 1
    for share in ("75 %", "85 %", "95 %"):
        assert ran.err.count(f"over {share} of the limit 110 MiB") == 1
    assert ran.err.count("over the limit 110 MiB") == 1
    large = next(e.labels["pid"] for e in ran.history.where(name="member") if " 120 " in e.labels["command"] + " "
                 and "Popen" not in e.labels["command"])  # fmt: skip
    assert f"(pid {large}) held" in ran.verdicts["peak_stays_within_budget"]["message"]
    assert ran.verdicts["command_succeeds"]["outcome"] == "PASS"


def test_a_command_that_fails_is_a_fail_with_its_status(watch):
    ran = watch("--", "sh", "-c", f"{SEEN}; exit 7")
    assert ran.code == 1
    assert "ended with exit code 7" in ran.verdicts["command_succeeds"]["message"]


def test_a_command_that_is_killed_is_a_fail_with_its_signal(watch):
    ran = watch("--", "sh", "-c", f"{SEEN}; kill -KILL $$")
    assert ran.code == 1
    assert "killed by SIGKILL" in ran.verdicts["command_succeeds"]["message"]


def test_a_command_too_short_to_be_read_is_unknown(watch):
    ran = watch("--limit", "1GiB", "--", "true")
    assert ran.code == (0 if ran.verdicts["memory_is_measured"]["outcome"] == "PASS" else 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--", "no-such-program"],
        ["--limit", "8", "--", "true"],
        ["--limit", "0B", "--", "true"],
        ["--limit", "", "--", "true"],
        ["--limit", "9999999999999GiB", "--", "true"],
        ["--enforce", "--", "true"],
        ["--update", "--", "true"],
        ["--baseline", "absent.json", "--", "true"],
        ["--mode", "small X", "--", "true"],
        ["--retries", "1", "--", "true"],
        ["--phase", "x", "--", "true"],
        ["--tolerance", "10", "--", "true"],
        [],
    ],
)
def test_bad_arguments_exit_3_and_start_nothing(watch, arguments):
    ran = watch(*arguments)
    assert (ran.code, ran.folder) == (3, None)
    assert "Traceback" not in ran.err


def test_an_enforced_limit_kills_and_the_kill_is_seen(watch):
    ran = watch("--limit", "80MiB", "--enforce", "--", sys.executable, "-c", GROW_BY_MODE, MB="200")
    if "watched, not enforced" in ran.err:
        pytest.skip("this machine gives us no control group")
    assert ran.code == 1
    assert "the kernel killed for memory at the limit 80 MiB" in ran.verdicts["peak_stays_within_budget"]["message"]
    assert not list(Path("/sys/fs/cgroup").rglob(f"leakdrill-watch-*{ran.folder.path.name.lower()}*"))


def test_a_retry_in_the_next_smaller_mode_succeeds_and_is_counted(watch):
    modes = ["--mode", "optimized MB=300", "--mode", "safe MB=30"]
    ran = watch("--limit", "150MiB", *modes, "--retries", "1", "--", sys.executable, "-c", GROW_BY_MODE)
    assert ran.code == 0, ran.err
    assert "trying again in mode safe" in ran.err
    assert ran.err.count("over 75 % of the limit") == 1
    assert "at attempt 2 of at most 2" in ran.verdicts["command_succeeds"]["message"]
    assert "1 of 1 recorded runs of this command failed no claim (100%); 1 of them after a retry" in ran.err


def test_with_little_memory_it_starts_in_the_small_mode(watch):
    modes = ["--mode", "optimized MB=300", "--mode", "safe below=200MiB MB=30"]
    ran = watch("--limit", "150MiB", *modes, "--", sys.executable, "-c", GROW_BY_MODE)
    assert (ran.code, ran.verdicts["command_succeeds"]["numbers"]["mode"]) == (0, "safe")


def test_what_memory_did_not_end_is_not_tried_again_unless_asked(watch):
    modes = ["--mode", "one", "--mode", "two", "--retries", "1"]
    command = ["--", "sh", "-c", SEEN + '; test "$LEAKDRILL_MODE" = two']
    assert "attempt 1" not in (refused := watch(*modes, *command)).err
    assert refused.code == 1
    assert watch(*modes, "--retry-any", *command).code == 0


def test_a_baseline_is_written_compared_and_not_compared_with_another_command(watch, tmp_path):
    base = ["--baseline", tmp_path / "build.json"]
    command = ["--", sys.executable, "-c", GROW_BY_MODE]
    for _ in range(2):
        assert watch(*base, "--update", *command, MB="60").code == 0
    assert len(json.loads((tmp_path / "build.json").read_bytes())["runs"]) == 2
    same = watch(*base, *command, MB="60")
    assert (same.code, same.verdicts["peak_stays_near_baseline"]["outcome"]) == (0, "PASS")
    more = watch(*base, *command, MB="90")
    assert (more.code, more.verdicts["peak_stays_near_baseline"]["outcome"]) == (1, "FAIL")
    assert "grew most" in more.verdicts["peak_stays_near_baseline"]["message"]
    other = watch(*base, "--", "sh", "-c", SEEN)
    assert other.code == 2
    assert "of another command" in other.err
    assert watch(*base, "--update", "--", "sh", "-c", SEEN).code == 3


def test_json_is_printed_after_the_commands_own_output(watch):
    ran = watch("--json", "--", "sh", "-c", f"echo mine; {SEEN}")
    mine, _, verdicts = ran.out.partition("\n")
    assert mine == "mine"
    assert json.loads(verdicts)["outcome"] == "PASS"


def test_a_stored_run_is_judged_again_alike(watch):
    ran = watch("--limit", "110MiB", "--", sys.executable, "-c", FAMILY)
    before = ran.folder.verdicts.read_bytes()
    analyze(ran.folder)
    assert ran.folder.verdicts.read_bytes() == before


def test_a_child_between_vfork_and_exec_does_not_double_its_parent(watch):
    spawner = (
        f"import subprocess; x = bytearray(100 << 20)\n{UNTIL_SEEN}\nwanted = readings() + 15\n"
        "while readings() < wanted: subprocess.run(['true'])"
    )
    ran = watch("--limit", "160MiB", "--", sys.executable, "-c", spawner)
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_command_and_nothing_is_left(tmp_path, number):
    stray = f"stray{os.getpid()}"
    script = (
        "import signal, subprocess, sys, time\n"
        "def told(n, f): print('told', signal.Signals(n).name, flush=True); sys.exit(0)\n"
        "for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(number, told)\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)', {stray!r}], start_new_session=True)\n"
        "print('up', flush=True); time.sleep(99)"
    )
    process = subprocess.Popen(
        argv(tmp_path, "--", sys.executable, "-c", script), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert out == f"told {number.name}\n"
    assert not alive(stray)
    journal = next(path for path in tmp_path.glob("runs/*/*/journal.jsonl") if not path.parent.is_symlink())
    assert read_journal(journal) == []


ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
COUNT_INTERRUPTS = """
import signal, time
heard = []
signal.signal(signal.SIGINT, lambda *a: heard.append(1))
print('got', input(), flush=True)
end = time.time() + 100
while not heard and time.time() < end:
    time.sleep(0.05)
time.sleep(0.4)
print('heard', len(heard), flush=True)
"""


def test_on_a_terminal_ctrl_c_reaches_the_command_once_and_its_keys_are_its_own(tmp_path):
    watched = argv(tmp_path, "--", sys.executable, "-c", COUNT_INTERRUPTS)
    terminal = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *watched], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    terminal.stdin.write(b"typed\n")
    seen = b""
    while b"got typed" not in seen:
        seen += terminal.stdout.read(1)
    terminal.stdin.write(b"\x03")
    seen += terminal.communicate(timeout=120)[0]
    assert terminal.returncode == 130
    assert b"heard 1" in seen
