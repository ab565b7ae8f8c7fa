"""Whole drills in a cluster: replicas and limits under load, and ends before their time."""

from __future__ import annotations

from pathlib import Path

from api_proxy import ApiProxy

from drills import cleaned, drill, recorded, told, verdicts, wait_for_phase
from ends import ended_by_ctrl_c, ended_by_error, ended_in_setup
from leakdrill.wait import wait_for

HERE = Path(__file__).parent
OUTAGE = HERE.parent / "platforms" / "outage.yaml"
AWAY = HERE.parent / "platforms" / "away.yaml"


def test_replicas_and_limits_change_under_load_that_does_not_notice(tmp_path):
    process = drill(str(HERE / "scale-out.yaml"), tmp_path, "kubernetes")
    out, _ = process.communicate(timeout=170)
    assert process.returncode == 0, out
    assert verdicts(tmp_path)["requests_survive_steps", ""] == "PASS"


def test_an_error_in_any_phase_leaves_nothing_in_the_cluster(tmp_path):
    """What is left is counted when the module ends; that the drill was cut short is what its exit code says."""
    assert set(ended_by_error(tmp_path, "kubernetes").values()) == {2}
    assert ended_in_setup(tmp_path, "kubernetes") == 4


def test_ctrl_c_in_any_phase_leaves_nothing_in_the_cluster(tmp_path):
    assert set(ended_by_ctrl_c(tmp_path, "kubernetes").values()) == {130}


def test_an_api_server_that_goes_away_in_the_middle_is_unknown_and_what_stays_is_named(tmp_path):
    """Nothing that its absence broke is laid on the service, which was killed for its memory soon after, unseen."""
    proxy = ApiProxy(tmp_path)
    process = drill(str(OUTAGE), tmp_path, "kubernetes", KUBECONFIG=str(proxy.kubeconfig))
    wait_for_phase(tmp_path, "load")
    proxy.cut()
    out, _ = process.communicate(timeout=170)
    again = ApiProxy(tmp_path, port=proxy.port)
    try:
        assert process.returncode == 2, out
        assert "could not be undone: namespace" in " ".join(out.split())
        cleaned(tmp_path)
    finally:
        again.cut()
    assert {verdict["outcome"] for verdict in told(tmp_path).values()} <= {"PASS", "UNKNOWN"}
    assert "nobody could see it" in told(tmp_path)["target_keeps_running", ""]["message"]


def test_an_api_server_that_comes_back_ends_the_drill_without_a_verdict_and_nothing_is_left(tmp_path):
    """What was not seen may have been anything; but it answers again, so that everything is undone."""
    proxy = ApiProxy(tmp_path)
    process = drill(str(AWAY), tmp_path, "kubernetes", KUBECONFIG=str(proxy.kubeconfig))
    wait_for_phase(tmp_path, "baseline")
    proxy.cut()
    wait_for(lambda: recorded(tmp_path, '"name":"unwatched"'), what="that it is missed", timeout_s=15)
    again = ApiProxy(tmp_path, port=proxy.port)
    out, _ = process.communicate(timeout=120)
    again.cut()
    assert process.returncode == 2, out
    assert "lost sight of: the API server" in told(tmp_path)["measurements_are_complete", ""]["message"]
    assert set(verdicts(tmp_path).values()) == {"UNKNOWN"}
    assert "could not be undone" not in out
