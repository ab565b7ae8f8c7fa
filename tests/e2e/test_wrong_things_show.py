"""What is wrong gives FAIL, UNKNOWN or a clear error, never PASS, and leaves nothing running."""

import os
import signal
import socket
import subprocess
import sys

import pytest
from drill_runner import QUICK

from leakdrill.wait import wait_for

RULES = QUICK.parent


@pytest.mark.long
def test_the_quick_drill_itself_passes(run):
    drill = run(QUICK)
    assert drill.exit_code == 0, drill.out + drill.err


@pytest.mark.long
def test_a_rules_file_with_a_mistyped_label_fails_and_the_selector_is_named(run, vary):
    changes = {"phases.load": "12s", "alerts.expect.0.fires_within": "10s"}
    drill = run(vary({"alerts.rules": [str(RULES / "mistyped-rules.yaml")], **changes}))
    assert drill.exit_code == 1, drill.out
    verdict = drill.verdict("alert_fires_in_time")
    assert verdict["outcome"] == "FAIL"
    assert "inference-gatewya" in verdict["message"]


@pytest.mark.long
def test_a_step_that_does_nothing_fails(run, vary):
    drill = run(vary({"steps.0.http": {"method": "GET", "path": "/health"}}))
    assert drill.exit_code == 1, drill.out
    assert drill.verdict("step_works")["outcome"] == "FAIL"


@pytest.mark.long
def test_a_step_that_cannot_be_carried_out_fails(run, vary):
    drill = run(vary({"steps.0.http": {"path": "/admin/no-such-thing"}}))
    assert drill.exit_code == 1, drill.out
    assert "404" in drill.verdict("step_works")["message"]


@pytest.mark.long
def test_a_leak_that_is_off_while_the_scenario_expects_it_is_unknown(run, vary):
    off = {"path": "/admin/leaks", "body": {"unbounded-cache": False}}
    changes = {"phases.load": "10s", "alerts.expect.0.fires_within": "10s"}
    drill = run(vary({"leaks.0.switch": {"on": off, "off": off}, **changes}))
    assert drill.exit_code == 2, drill.out
    assert drill.verdict("leak_grows_as_declared")["outcome"] == "UNKNOWN"
    assert not drill.outcomes("FAIL")


@pytest.mark.long
@pytest.mark.parametrize("part", ["prometheus", "alertmanager"])
def test_a_part_that_is_killed_in_the_middle_makes_the_drill_unknown(start, part):
    drill = start(QUICK)
    drill.wait_until('"name":"switch_on"')
    os.kill(drill.pid_of(part), signal.SIGKILL)
    done = drill.finish()
    assert done.exit_code == 2, done.out
    assert part.capitalize() in done.verdict("measurements_are_complete")["message"]


@pytest.mark.long
def test_a_locust_that_is_killed_in_the_middle_makes_the_drill_unknown(start):
    drill = start(QUICK)
    drill.wait_until('"name":"switch_on"')
    os.kill(drill.pid_of("load"), signal.SIGKILL)
    done = drill.finish()
    assert done.exit_code == 2, done.out


def test_a_target_that_never_answers_is_an_error_with_its_last_words(run, vary):
    command = ["{python}", "-c", "import time; print('loading weights', flush=True); time.sleep(60)"]
    drill = run(vary({"target.command": command, "target.ready": {"timeout": "6s"}}))
    assert drill.exit_code == 4
    assert "was not ready after 6 s" in drill.err
    assert "loading weights" in drill.err
    assert "Traceback" not in drill.err


def test_a_program_that_is_not_there_is_bad_input(run, vary):
    drill = run(vary({"target.command": ["no-such-program"]}))
    assert drill.exit_code == 3
    assert "no-such-program" in drill.err


def test_a_port_that_is_taken_is_an_error_that_names_it(run, vary):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        drill = run(vary({"target.port": port}))
    assert drill.exit_code == 4
    assert f"port {port} is taken" in drill.err


@pytest.mark.long
def test_a_service_that_is_fed_beyond_its_limit_is_oom_killed_and_the_drill_fails(run, vary):
    changes = {"alerts.time_scale": 2, "phases.load": "18s", "alerts.expect.0.fires_within": "18s"}
    drill = run(vary({"target.limits": {"memory": "80MiB"}, **changes}))
    assert drill.exit_code == 1, drill.out
    verdict = drill.verdict("target_keeps_running")
    assert verdict["outcome"] == "FAIL"
    assert "OOM" in verdict["message"]
    assert drill.verdict("alert_fires_before_oom_kill")["outcome"] == "FAIL"


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        pytest.param('"phase":"setup"', signal.SIGTERM, marks=pytest.mark.long),
        ('"name":"switch_on"', signal.SIGINT),
        pytest.param('"phase":"recover"', signal.SIGHUP, marks=pytest.mark.long),
    ],
)
def test_a_drill_that_is_stopped_undoes_everything(start, moment, number):
    drill = start(QUICK)
    drill.wait_until(moment)
    drill.process.send_signal(number)
    done = drill.finish(120)
    assert done.exit_code == 130, done.out + done.err
    assert "stopped by" in done.err
    assert "Traceback" not in done.err


def test_what_a_killed_drill_left_behind_is_cleaned_from_its_journal(start, traces):
    drill = start(QUICK)
    drill.wait_until('"name":"switch_on"')
    drill.process.kill()
    drill.process.communicate()
    assert traces.residue()
    clean = [sys.executable, "-m", "leakdrill", "clean", "--runs", str(drill.runs)]
    done = subprocess.run(clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for(traces.gone, what="an empty machine", timeout_s=30)
