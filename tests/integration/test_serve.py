"""`leakdrill serve`: loopback alone, reading alone, live while a run is under way."""

from __future__ import annotations

import http.client
import shutil
import threading
from typing import TYPE_CHECKING

import pytest
from histories import complete, drill, plan
from stored_runs import store_run

from leakdrill.cli.main import exit_code
from leakdrill.judging.analyze import analyze
from leakdrill.record.store import RunFolder
from leakdrill.serving.pages import Pages
from leakdrill.serving.server import PageServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration


@pytest.fixture
def root(tmp_path: Path) -> Path:
    run = store_run(tmp_path / "made", complete(drill()), plan(name="shop/cart"))
    place = tmp_path / "runs" / "shop-cart"
    place.mkdir(parents=True)
    shutil.move(run.path, place / run.path.name)
    analyze(RunFolder(place / run.path.name))
    (tmp_path / "secret.txt").write_text("not to be read")
    return tmp_path / "runs"


@pytest.fixture
def server(root: Path) -> Iterator[PageServer]:
    serving = PageServer(Pages(root), 0)
    thread = threading.Thread(target=serving.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield serving
    serving.shutdown()
    thread.join()
    serving.server_close()


def asked(
    server: PageServer, path: str, *, method: str = "GET", host: str = "127.0.0.1:1"
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    connection.request(method, path, headers={"Host": host})
    response = connection.getresponse()
    found = response.status, dict(response.getheaders()), response.read().decode()
    connection.close()
    return found


def test_the_index_and_the_pages_are_served_and_nothing_is_written(server: PageServer, root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    status, headers, text = asked(server, "/")
    assert (status, "Refresh" in headers) == (200, False)
    assert 'href="/shop-cart/20260101T000000Z/"' in text
    status, headers, text = asked(server, "/shop-cart/20260101T000000Z/")
    assert status == 200
    assert "Content-Security-Policy" in text
    assert "alert_fires_in_time" in text
    assert asked(server, "/index.json")[1]["Content-Type"].startswith("application/json")
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/shop-cart/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/shop-cart/20260101T000000Z/history.jsonl",
        "/x/y/",
    ],
)
def test_no_file_is_served(server: PageServer, path: str) -> None:
    status, _, text = asked(server, path)
    assert (status, "not to be read" in text) == (404, False)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(server: PageServer, method: str) -> None:
    assert asked(server, "/", method=method)[0] == 501


@pytest.mark.parametrize(
    ("host", "status"), [("evil.example", 403), ("localhost:8337", 200), ("[::1]:8337", 200), ("", 403)]
)
def test_only_a_request_to_a_loopback_name_is_answered(server: PageServer, host: str, status: int) -> None:
    assert asked(server, "/", host=host)[0] == status


def test_it_listens_on_loopback_alone(server: PageServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_a_head_request_has_no_body(server: PageServer) -> None:
    status, headers, text = asked(server, "/", method="HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 0


def test_a_run_that_is_under_way_is_shown_as_far_as_it_is_and_loaded_again(
    server: PageServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leakdrill.serving.pages.owner_lives", lambda _: True)
    run = root / "shop-cart" / "20260101T000000Z"
    (run / "verdicts.json").unlink()
    lines = (run / "history.jsonl").read_text().splitlines(keepends=True)
    (run / "history.jsonl").write_text("".join(lines[: len(lines) // 2]) + lines[-1][:20])
    status, headers, text = asked(server, "/")
    assert (status, headers["Refresh"]) == (200, "5")
    assert "RUNNING" in text
    status, headers, text = asked(server, "/shop-cart/20260101T000000Z/")
    assert (status, headers["Refresh"]) == (200, "5")
    assert "The run is under way. Its claims are judged when it has ended." in text
    assert "RUNNING" in text
    assert "could not be shown" not in text
    assert "<dt>took</dt>" not in text
    assert text.count("not judged yet") >= 10
    assert "alert_fires_in_time" in text
    assert "The record holds what the other checks rely on, without gaps." in text
    assert '<a href="/">All runs</a>' in text


def test_a_page_leads_back_to_the_index(server: PageServer, root: Path) -> None:
    assert '<a href="/">All runs</a>' in asked(server, "/shop-cart/20260101T000000Z/")[2]
    assert "All runs" not in (root / "shop-cart" / "20260101T000000Z" / "history.jsonl").read_text()


def test_a_port_that_is_taken_and_a_folder_that_is_none_are_refused(
    server: PageServer, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["serve", str(root), "--port", str(server.server_address[1])]) == 3
    assert "cannot be listened on" in capsys.readouterr().err
    assert exit_code(["serve", str(root / "none")]) == 3
