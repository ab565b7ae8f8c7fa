"""A whole drill on a card: it passes, and what is not the service's doing is named and never laid on it.

The card is the stand-in for NVML; everything else is real: pynvml, the service, Locust, Prometheus, the rules.
"""

import subprocess
import sys

import pytest
from drill_runner import HERE

from meter_process import make_stand_in
from standin import GIB, STATE_VARIABLE, VERSION_MISMATCH

pytestmark = pytest.mark.long

CARD = HERE / "scenarios" / "card.yaml"
SWITCHED_ON = '"kind":"ok","name":"switch_on"'


SHORT = {
    "target.command": ["{python}", str(HERE / "services" / "card_keeper.py"), "{port}"],
    "phases": {"warmup": "1s", "baseline": "3s", "load": "6s", "mitigate": "2s", "recover": "2s"},
    "alerts.expect.0.fires_within": "5s",
    "alerts.expect.0.resolves_within": "2s",
}
"""What changes where the card cannot be read, and nothing would be seen in more time."""


@pytest.fixture
def gpu(tmp_path, monkeypatch):
    made = make_stand_in(tmp_path)
    for name in ("LD_LIBRARY_PATH", STATE_VARIABLE):
        monkeypatch.setenv(name, made.environment[name])
    return made


def test_exhaustion_of_a_card_fires_the_shipped_alert_and_the_memory_comes_back(gpu, run):
    drill = run(CARD)
    assert drill.exit_code == 0, drill.out + drill.err
    assert gpu.device().process_count
    claims = {check for check, _ in drill.verdicts}
    assert {"alert_fires_in_time", "gpu_memory_returns_to_baseline", "gpu_answers_throughout"} <= claims
    own = drill.verdict("gpu_memory_is_the_targets_own")
    assert own["numbers"]["own_bytes"] > 7 * GIB
    assert own["numbers"]["others_bytes"] == 0


def test_another_tenants_process_that_takes_the_card_is_named_and_the_service_is_not_blamed(gpu, start):
    drill = start(CARD)
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as tenant:
        drill.wait_until(SWITCHED_ON)
        gpu.device().take(tenant.pid, 7 * GIB)
        done = drill.finish()
        tenant.communicate()
    assert done.exit_code == 2, done.out
    assert not done.outcomes("FAIL")
    assert f"(pid {tenant.pid})" in done.verdict("gpu_memory_is_the_targets_own")["message"]
    assert "not laid on the service" in done.verdict("alert_resolves_and_stays_resolved")["message"]


def test_a_card_that_falls_off_in_the_middle_is_named_and_the_service_is_not_blamed(gpu, start, vary):
    drill = start(vary(SHORT, CARD))
    drill.wait_until(SWITCHED_ON)
    gpu.device().lose()
    done = drill.finish()
    assert done.exit_code == 2, done.out
    assert not done.outcomes("FAIL")
    assert "gpu0 was lost" in done.verdict("gpu_answers_throughout")["message"]
    assert {"alert_fires_in_time", "gpu_memory_returns_to_baseline"} <= done.outcomes("UNKNOWN")


def test_a_driver_that_does_not_fit_is_named_and_the_service_is_not_blamed(gpu, run, vary):
    gpu.state.init_error = VERSION_MISMATCH
    done = run(vary(SHORT, CARD))
    assert done.exit_code == 2, done.out
    assert not done.outcomes("FAIL")
    assert "mismatched" in done.verdict("gpu_answers_throughout")["message"]
    assert "mismatched" in done.verdict("alert_fires_in_time")["message"]
