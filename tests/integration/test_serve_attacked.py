"""`leakdrill serve` and clients that mean harm, or no harm: nothing on its terminal, no endless wait, no wrong link."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import socket
import struct
import tempfile
import threading
import time
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from histories import complete, drill, plan
from stored_runs import store_run

from leakdrill.cli.main import exit_code
from leakdrill.judging.analyze import analyze
from leakdrill.record.store import RunFolder
from leakdrill.serving.pages import Pages, Served
from leakdrill.serving.server import PageServer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
START = "20260101T000000Z"
NAMES = ["shop-cart", "a b", "50%", "a%2fb", "what?", "a#b", "ä", "javascript:alert(1)", '"><script>', b"\xff\xfe"]
EACH_WAY_S = 0.5


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = store_run(tmp_path_factory.mktemp("made"), complete(drill()), plan(name="shop/cart"))
    analyze(RunFolder(run.path))
    return run.path


@pytest.fixture
def root(tmp_path: Path, stored: Path) -> Path:
    shutil.copytree(stored, tmp_path / "runs" / "shop-cart" / START)
    return tmp_path / "runs"


@pytest.fixture
def server(root: Path) -> Iterator[PageServer]:
    yield from serving(Pages(root))


def serving(pages: Pages) -> Iterator[PageServer]:
    page_server = PageServer(pages, 0, each_way_s=EACH_WAY_S)
    thread = threading.Thread(target=page_server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield page_server
    page_server.shutdown()
    thread.join()
    page_server.server_close()


def connected(server: PageServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.server_address[1])), timeout=20)


def everything(connection: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(2**16):
            found += piece
    return found


def said(server: PageServer, request: bytes) -> bytes:
    with connected(server) as connection:
        connection.sendall(request)
        return everything(connection)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def asked(server: PageServer, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    connection.request("GET", path, headers={"Host": "localhost"})
    response = connection.getresponse()
    found = response.status, response.read().decode()
    connection.close()
    return found


def idle(server: PageServer) -> None:
    """Waits until no thread serves a client any more."""
    end = time.monotonic() + 20
    while server.clients and time.monotonic() < end:
        time.sleep(0.02)
    assert server.clients == 0


REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: loc", REQUEST, REQUEST[:-2]])
def test_a_client_that_resets_leaves_no_word_on_the_terminal(
    server: PageServer, sent: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(5):
        connection = connected(server)
        connection.sendall(sent)
        reset(connection)
    idle(server)
    assert asked(server, "/")[0] == 200
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "path",
    [b"http://[/x", b"http://[", b"//[/", b"http://[::1/x", b"/\xff", b"/%", b"/%00/%ff"],
)
def test_a_path_that_is_none_is_answered_as_the_mistake_of_the_client(
    server: PageServer, path: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    status = said(server, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n").split(b" ", 2)[1]
    assert status == (b"400" if path.startswith(b"http://[") else b"404")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00" * 100,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: " + b"a" * 70_000,
        b"\x16\x03\x01\x02",
    ],
)
def test_what_is_no_request_is_no_mistake_of_ours(
    server: PageServer, request_: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    said(server, request_)
    idle(server)
    assert asked(server, "/")[0] == 200
    assert capsys.readouterr() == ("", "")


def test_a_client_that_drips_its_request_is_cut_off(server: PageServer) -> None:
    began = time.monotonic()
    with connected(server) as connection, contextlib.suppress(OSError):
        while time.monotonic() - began < 10:
            connection.sendall(b"G")
            time.sleep(EACH_WAY_S / 5)
    assert time.monotonic() - began < 10 * EACH_WAY_S
    idle(server)


def test_a_client_that_does_not_read_its_answer_is_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Long(Pages):
        """A page that no buffer of a socket holds."""

        def index(self) -> Served:
            return Served("x" * 64 * 2**20)

    for server in serving(Long(tmp_path)):
        with connected(server) as connection:
            connection.sendall(REQUEST)
            began = time.monotonic()
            idle(server)
            assert time.monotonic() - began < 10 * EACH_WAY_S
    assert capsys.readouterr() == ("", "")


def test_more_clients_than_are_served_at_once_are_told_so_and_the_next_ones_are_served(
    server: PageServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.each_way_s = 10 * EACH_WAY_S  # nobody is cut off while the others are still being opened
    with contextlib.ExitStack() as opened:
        many = [opened.enter_context(connected(server)) for _ in range(100)]
        found = [everything(connection) for connection in many]
    assert 0 < sum(b" 503 " in one for one in found) <= 40
    idle(server)
    assert asked(server, "/")[0] == 200
    assert capsys.readouterr() == ("", "")


def test_a_fault_of_ours_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Faulty(Pages):
        """A page that nobody foresaw."""

        def index(self) -> Served:
            raise RuntimeError("two\nlines \x1b[31m")

    for server in serving(Faulty(tmp_path)):
        assert said(server, REQUEST) == b""
        idle(server)
    shown = capsys.readouterr().err
    assert re.fullmatch(r"leakdrill: a page could not be served: RuntimeError\(.*\)\n", shown)
    assert "\x1b" not in shown


@pytest.mark.parametrize("name", NAMES)
def test_each_link_of_the_index_leads_to_its_page(server: PageServer, root: Path, name: str | bytes) -> None:
    (root / "shop-cart").rename(root / os.fsdecode(name))
    status, text = asked(server, "/")
    (link,) = re.findall(r'href="(/[^"]*/)"', text)
    assert status == 200
    assert re.fullmatch(r"[\w/%.~-]+", unescape(link), re.ASCII)
    status, text = asked(server, unescape(link))
    assert (status, "alert_fires_in_time" in text) == (200, True)


@pytest.mark.parametrize("name", NAMES)
def test_each_link_of_a_written_index_leads_to_its_page(root: Path, name: str | bytes) -> None:
    (root / "shop-cart").rename(root / os.fsdecode(name))
    (root / os.fsdecode(name) / START / "report.html").write_text("page")
    assert exit_code(["runs", str(root), "--html", str(root / "index.html")]) == 0
    (link,) = re.findall(r'href="([^"]*/report\.html)"', (root / "index.html").read_text())
    assert re.fullmatch(r"[\w/%.~-]+", link, re.ASCII)


def test_folders_that_come_and_go_do_not_break_the_index(
    server: PageServer, root: Path, stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            place = root / "other" / START
            shutil.copytree(stored, place)
            shutil.rmtree(root / "other")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        found = {asked(server, path)[0] for _ in range(60) for path in ("/", "/index.json")}
        pages = {asked(server, f"/other/{START}/")[0] for _ in range(20)}
    finally:
        stop.set()
        thread.join()
    assert found == {200}
    assert pages <= {200, 404, 500}
    assert capsys.readouterr() == ("", "")


def test_runs_that_went_altogether_are_told(server: PageServer, root: Path) -> None:
    shutil.rmtree(root)
    assert asked(server, "/")[0] == 500
    assert asked(server, "/x/y/")[0] == 500


@pytest.mark.parametrize("name", ["run.json", "history.jsonl", "verdicts.json", "journal.jsonl", "report.html"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "/dev/zero"])
def test_odd_files_of_a_run_do_not_break_the_index(server: PageServer, root: Path, name: str, kind: str) -> None:
    path = root / "shop-cart" / START / name
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(name if kind == "loop" else kind)
    assert asked(server, "/")[0] == 200
    assert asked(server, f"/shop-cart/{START}/")[0] in (200, 404, 500)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a moment")
def test_a_folder_that_may_not_be_looked_into_is_a_row_that_says_so(
    server: PageServer, root: Path, tmp_path: Path
) -> None:
    asked(server, "/")  # the templates are read before this process may read less
    (root / "closed").mkdir(mode=0o700)
    for folder in (tmp_path, *tmp_path.parents):
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    for path in (root, *(root / "shop-cart").rglob("*"), root / "shop-cart"):
        path.chmod(0o755)
    os.seteuid(65534)
    try:
        status, text = asked(server, "/")
        page_status, page = asked(server, "/closed/")
    finally:
        os.seteuid(0)
    assert (status, page_status) == (200, 500)
    assert "closed/run.json: cannot be read: Permission denied" in unescape(text)
    assert "Permission denied" in page
