"""A runbook rehearsed on Docker: `docker exec`, `docker-compose exec` and plain commands mean the container."""

from __future__ import annotations

import pytest

from rehearsals import InsideTheTarget

pytestmark = pytest.mark.timeout(500)


@pytest.fixture(scope="module")
def rehearsal(engine, tmp_path_factory):
    del engine
    return TestOnDocker.rehearsed(tmp_path_factory.mktemp("rehearsal"), "docker")


class TestOnDocker(InsideTheTarget):
    enter = ("docker exec inference-gateway", "docker-compose exec -T inference-gateway")
    elsewhere = "docker exec redis cat /proc/1/status"
    outside = "docker stats --no-stream inference-gateway"
    shows = "MiB"
