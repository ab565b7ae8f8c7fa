"""A runbook rehearsed on Docker: `docker exec`, `docker-compose exec` and plain commands mean the container."""

from __future__ import annotations

import shutil

import pytest

from rehearsals import rehearsed

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]

MEMORY = "docker exec inference-gateway cat /proc/<pid>/status | grep VmRSS"
THROUGH_COMPOSE = "docker-compose exec -T inference-gateway cat /proc/<pid>/cmdline"
PLAIN = "cat /proc/<pid>/cmdline"
ELSEWHERE = "docker exec redis cat /proc/1/status"
CHANGE = "docker exec inference-gateway sh -c 'echo cleared > /tmp/note'"
CURE = "curl -sS -X POST http://localhost:8000/admin/clear-cache"
NOTE = "docker exec inference-gateway cat /tmp/note"
HEALTH = "curl -sS http://localhost:8000/health"
OUTSIDE = "docker stats --no-stream inference-gateway"
LINES = [MEMORY, THROUGH_COMPOSE, PLAIN, ELSEWHERE, CHANGE, CURE, NOTE, HEALTH]


@pytest.fixture(scope="module")
def rehearsal(engine, tmp_path_factory):
    """One rehearsal of all of them; from outside only where the client of Docker is here."""
    del engine
    lines = [*LINES, *([OUTSIDE] if shutil.which("docker") else [])]
    return rehearsed(tmp_path_factory.mktemp("rehearsal"), lines, CHANGE, "docker")


def test_the_runbook_relieves_and_every_look_answers(rehearsal):
    assert set(rehearsal.outcomes("look_answers").values()) == {"PASS"}
    assert set(rehearsal.outcomes("runbook_relieves").values()) == {"PASS"}
    assert rehearsal.exit_code in (0, 2)  # a busy machine may leave a claim of the drill itself UNKNOWN


@pytest.mark.parametrize("text", [THROUGH_COMPOSE, PLAIN])
def test_what_enters_the_container_and_what_does_not_see_the_same_process(rehearsal, text):
    assert "leaky_apps.gateway" in rehearsal.said(text)


def test_a_change_inside_is_seen_inside(rehearsal):
    assert rehearsal.said(NOTE) == "cleared"
    assert "kB" in rehearsal.said(MEMORY)


def test_another_container_is_never_entered(rehearsal):
    assert "not the drill's target" in rehearsal.left_out()[ELSEWHERE]


@pytest.mark.skipif(shutil.which("docker") is None, reason="no client of Docker on this machine")
def test_a_look_from_outside_sees_the_drills_own_container(rehearsal):
    assert "MiB" in rehearsal.said(OUTSIDE)
