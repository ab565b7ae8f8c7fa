"""Whole drills on Docker that end before their time; `tests/targets` plays those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_proxy import EngineProxy

from drills import cleaned, drill, told, wait_for_phase
from ends import ended_by_ctrl_c, ended_by_error, ended_in_setup

OUTAGE = Path(__file__).parents[1] / "platforms" / "outage.yaml"


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
