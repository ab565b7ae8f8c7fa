"""The gate on a live service: what leaks fails, what does not passes, and the verdict says which and where."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from drill_runner import recorded

from leakdrill.judging.leak.looks import GENTLE_REQUESTS
from leakdrill.record.history import read_history
from leakdrill.wait import wait_for
from leakdrill.yaml_file import read_yaml

SERVICES = Path(__file__).parent / "services"


@pytest.fixture
def service(tmp_path):
    """The keeper with another mode and other gate settings, as a scenario file."""

    def write(mode: str, **gate: object) -> Path:
        data = read_yaml(SERVICES / "gate.yaml", expected="a scenario", scalars="yaml 1.2").data
        data["target"]["command"] = ["{python}", str(SERVICES / "keeper.py"), "{port}", mode]
        data["load"]["locustfile"] = str(SERVICES / "locustfile.py")
        data["gate"] = gate
        path = tmp_path / f"{mode}.yaml"
        path.write_text(yaml.safe_dump(data))
        return path

    return write


@pytest.fixture
def gate(tmp_path):
    """Runs the gate; its exit code, its verdicts by claim, and what it said on stderr."""

    def run(scenario: Path, *arguments: str):
        command = [sys.executable, "-m", "leakdrill", "gate", str(scenario), "--runs", str(tmp_path / "runs"), "--json"]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        verdicts = json.loads(done.stdout)["verdicts"] if done.stdout else []
        return done.returncode, {v["check"]: v for v in verdicts}, done.stderr

    return run


@pytest.mark.long
def test_a_service_that_keeps_nothing_passes_and_is_judged_alike_offline(gate, service, tmp_path):
    code, verdicts, err = gate(service("nothing"))
    assert code == 0, (verdicts, err)
    latest = tmp_path / "runs" / "test-keeper" / "latest"
    again = [sys.executable, "-m", "leakdrill", "analyze", str(latest), "--json"]
    done = subprocess.run(again, capture_output=True, text=True, check=False)
    assert {v["check"]: v for v in json.loads(done.stdout)["verdicts"]} == verdicts


@pytest.mark.long
def test_a_leak_fails_with_the_type_and_the_line_that_grew_and_is_no_baseline(gate, service, tmp_path):
    baseline = tmp_path / "baseline.json"
    # A busy machine takes longer to be certain, and the lines are looked for only while there is time.
    code, verdicts, err = gate(service("every", at_most="2m"), "--baseline", str(baseline), "--update")
    assert code == 1, (verdicts, err)
    message = verdicts["memory_does_not_leak"]["message"]
    assert "Visit +1.00" in message
    assert "keeper.py" in message
    assert not baseline.exists()


@pytest.mark.thorough
def test_load_is_gentle_where_memory_rises_plainly_and_the_leak_is_found_all_the_same(gate, service, tmp_path):
    warmup = {"at_least": "1s", "at_most": "9s"}
    code, verdicts, err = gate(
        service("much", slots=8, slot="0.4s", longest_ttl="1s", warmup=warmup, tracemalloc=False)
    )
    assert code == 1, (verdicts, err)
    history = read_history(tmp_path / "runs" / "test-keeper" / "latest" / "history.jsonl")
    assert any("memory rises plainly" in str(notice.value) for notice in history.where(name="notice"))
    served = [event.value["requests"] for event in history.where(name="slot")]
    assert all(0 < later - before <= GENTLE_REQUESTS for before, later in pairwise(served))


@pytest.mark.thorough
def test_growth_keyed_by_content_is_told_from_growth_with_every_request(gate, service):
    code, verdicts, err = gate(service("new", corpus="both", slot="0.8s"))
    assert code == 1, (verdicts, err)
    assert "only with requests that are new" in verdicts["growth_is_explained"]["message"]


@pytest.mark.long
def test_of_two_builds_measured_in_turn_the_leaking_one_fails(gate, service):
    code, verdicts, err = gate(service("every", slots=12), "--against", str(service("nothing")))
    assert code == 1, (verdicts, err)
    assert "than the baseline" in verdicts["memory_does_not_leak"]["message"]


@pytest.mark.thorough
def test_threads_that_pile_up_fail(gate, service):
    code, verdicts, err = gate(service("threads", slots=12))
    assert code == 1, (verdicts, err)
    assert verdicts["threads_do_not_grow"]["outcome"] == "FAIL"


@pytest.mark.parametrize(
    "number", [signal.SIGINT, *(pytest.param(n, marks=pytest.mark.thorough) for n in (signal.SIGTERM, signal.SIGHUP))]
)
@pytest.mark.long
def test_a_gate_that_is_stopped_undoes_everything(service, tmp_path, number):
    command = [sys.executable, "-m", "leakdrill", "gate", str(service("nothing")), "--runs", str(tmp_path / "runs")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: recorded(tmp_path / "runs", '"name":"slot"'), what="a slot", timeout_s=180)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err


def test_bad_arguments_start_nothing(gate, service):
    code, _, err = gate(service("nothing"), "--update")
    assert (code, "--baseline FILE" in err) == (3, True)
    code, _, err = gate(service("nothing"), "--against", "nothing-there")
    assert (code, "--against nothing-there" in err) == (3, True)
