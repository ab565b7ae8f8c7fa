"""Whole drills on Docker that end before their time; `tests/targets` plays those that do not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from engine_proxy import EngineProxy

from drills import cleaned, drill, recorded, told, verdicts, wait_for_phase
from ends import ended_by_ctrl_c, ended_by_error, ended_in_setup
from leakdrill.wait import wait_for

PLATFORMS = Path(__file__).parents[1] / "platforms"
OUTAGE = PLATFORMS / "outage.yaml"


def test_an_error_in_any_phase_leaves_nothing_on_the_engine(tmp_path):
    """What is left is counted when the module ends; that the drill was cut short is what its exit code says."""
    assert set(ended_by_error(tmp_path, "docker").values()) == {2}
    assert ended_in_setup(tmp_path, "docker") == 4


def test_ctrl_c_in_any_phase_leaves_nothing_on_the_engine(tmp_path):
    assert set(ended_by_ctrl_c(tmp_path, "docker").values()) == {130}


@pytest.fixture(scope="module")
def outage(tmp_path_factory):
    """A drill whose engine goes away while its leak is on; then the service is killed for its memory, unseen."""
    folder = tmp_path_factory.mktemp("outage")
    proxy = EngineProxy()
    process = drill(str(OUTAGE), folder, "docker", DOCKER_HOST=proxy.url)
    wait_for_phase(folder, "load")
    proxy.cut()
    out, _ = process.communicate(timeout=170)
    again = EngineProxy(port=proxy.port)
    cleaned(folder)
    again.cut()
    return process.returncode, out, told(folder)


def test_an_engine_that_goes_away_in_the_middle_is_unknown_and_what_stays_is_named(outage):
    code, out, _ = outage
    assert code == 2, out
    assert "could not be undone: container" in " ".join(out.split())


@pytest.mark.parametrize("claim", ["requests_keep_error_rate", "step_works", "target_keeps_running"])
def test_what_fails_after_the_engine_went_away_is_not_laid_on_the_service(outage, claim):
    (verdict,) = [verdict for (check, _), verdict in outage[2].items() if check == claim]
    assert verdict["outcome"] == "UNKNOWN"
    assert "nobody could see it: the engine does not answer" in verdict["message"]


def test_an_engine_that_comes_back_has_hidden_nothing_of_the_service_s_life(tmp_path):
    """What was to be read meanwhile may be missed; that the service lived is known all the same."""
    proxy = EngineProxy()
    process = drill(str(PLATFORMS / "away.yaml"), tmp_path, "docker", DOCKER_HOST=proxy.url)
    wait_for_phase(tmp_path, "baseline")
    proxy.cut()
    wait_for(lambda: recorded(tmp_path, '"name":"unwatched"'), what="that it is missed", timeout_s=15)
    time.sleep(3)
    again = EngineProxy(port=proxy.port)
    out, _ = process.communicate(timeout=120)
    again.cut()
    assert process.returncode in (0, 2), out
    assert recorded(tmp_path, '"name":"watched_again"')
    assert verdicts(tmp_path)["target_keeps_running", ""] == "PASS"
    assert verdicts(tmp_path)["requests_keep_error_rate", ""] == "PASS"
    assert "could not be undone" not in out
