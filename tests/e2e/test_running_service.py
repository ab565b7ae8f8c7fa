"""The drill of the page about services that already run, played on one: PASS, and the service is as it was."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from leakdrill.machine.ports import free_port
from leakdrill.wait import wait_for

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tasks" / "running-service.md"
TOKEN = "t0ken-of-the-gateway"  # noqa: S105 - it opens a service that lives for this test


@pytest.fixture
def service():
    """The sample gateway, started as the page says, with the environment of a person and not of a drill."""
    port = free_port()
    mark = {"LEAKDRILL_TOKEN": TOKEN, "LEAKDRILL_TEST_MARK": "somebody else's"}
    command = [sys.executable, "-m", "leaky_apps.gateway", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **mark}, stdout=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(url), what="the gateway answers", timeout_s=60)
        yield process, url
        process.terminate()


def answers(url):
    try:
        return httpx.get(f"{url}/health", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def write_page(folder, url):
    """The scenario of the page, about the service at `url`."""
    text = re.search(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)[1]
    path = folder / "running-service.yaml"
    path.write_text(text.replace("http://127.0.0.1:8000", url).replace("scenarios/", f"{ROOT}/scenarios/"))
    return path


def test_the_drill_of_the_page_passes_and_leaves_the_service_as_it_was(service, start, tmp_path, monkeypatch):
    process, url = service
    monkeypatch.setenv("GATEWAY_TOKEN", TOKEN)
    before = psutil.Process(process.pid).create_time()
    drill = start(write_page(tmp_path, url)).finish()
    assert drill.exit_code == 0, drill.out + drill.err
    assert drill.verdict("target_keeps_running")["outcome"] == "PASS"
    assert process.poll() is None
    assert psutil.Process(process.pid).create_time() == before
    leaks = httpx.get(f"{url}/admin/leaks", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False).json()
    assert not any(leak["on"] for leak in leaks["leaks"])
    files = [path for path in drill.runs.rglob("*") if path.is_file()]
    assert [str(path) for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert "Bearer ${GATEWAY_TOKEN}" in (drill.folder / "run.json").read_text()
    assert TOKEN not in drill.out + drill.err


def test_a_service_that_is_killed_in_the_drill_is_a_fail_and_is_not_started_again(
    service, start, tmp_path, monkeypatch
):
    process, url = service
    monkeypatch.setenv("GATEWAY_TOKEN", TOKEN)
    running = start(write_page(tmp_path, url))
    running.wait_until('"name":"switch_on"')
    process.kill()
    process.wait()
    drill = running.finish()
    assert drill.exit_code in (1, 2), drill.out + drill.err
    assert drill.verdict("target_keeps_running")["outcome"] == "FAIL"
    assert drill.verdict("memory_returns_to_baseline")["outcome"] != "PASS"
    assert not answers(url)
