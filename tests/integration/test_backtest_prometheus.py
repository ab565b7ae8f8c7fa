"""`leakdrill backtest --prometheus`: samples as a Prometheus has them, asked for piece by piece, of a stand-in."""

from __future__ import annotations

import json
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from leakdrill.cli.main import exit_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

BEGIN_S = 1_767_225_600.0  # 2026-01-01T00:00:00Z
RULES = {
    "groups": [
        {
            "name": "g",
            "rules": [
                {"alert": "Full", "expr": "used > 50", "for": "2m", "labels": {"severity": "warning"}},
                {"alert": "Gone", "expr": "nothing > 1"},
                {"alert": "Clock", "expr": "time() - used > 1"},
            ],
        }
    ]
}


class StandIn:
    """Remembers samples, and answers instant queries of `selector[range]`."""

    def __init__(self) -> None:
        self.samples: dict[str, list[tuple[float, float]]] = {}
        self.labels = {"pod": "a"}
        self.status = 200
        self.body: Any = None
        self.asked: list[str] = []

    def answer(self, path: str) -> Any:
        if self.body is not None:
            return self.body
        query = parse_qs(urlsplit(path).query)
        self.asked.append(query["query"][0])
        found = re.fullmatch(r"(\w+)(?:\{.*\})?\[(\d+)ms\]", query["query"][0])
        assert found is not None
        end_s, length_s = float(query["time"][0]), float(found[2]) / 1000
        values = [[t, str(v)] for t, v in self.samples.get(found[1], []) if end_s - length_s <= t <= end_s]
        row = {"metric": {"__name__": found[1], **self.labels}, "values": values}
        return {"status": "success", "data": {"resultType": "matrix", "result": [row] if values else []}}


@pytest.fixture
def served() -> Iterator[tuple[StandIn, str]]:
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(stand_in.answer(self.path)).encode()
            self.send_response(stand_in.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield stand_in, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def backtest(folder: Path, url: str, *more: str) -> int:
    file = folder / "rules.yaml"
    file.write_text(json.dumps(RULES))
    span = ("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T02:00:00Z")
    return exit_code(["backtest", str(file), "--prometheus", url, *span, "--json", *more])


def test_alerts_are_told_in_the_time_that_was_asked_for_beside_what_was_seen(
    served: tuple[StandIn, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in, url = served
    stand_in.samples["used"] = [(BEGIN_S + t, 60.0 if 3000 <= t < 4000 else 40.0) for t in range(-600, 7200, 15)]
    stand_in.samples["ALERTS"] = [(BEGIN_S + t, 1.0) for t in range(3130, 4000, 30)]
    assert backtest(tmp_path, url) == 0
    (past,) = json.loads(capsys.readouterr().out)["pasts"]
    full, gone, clock = past["alerts"]
    assert full["word"] == "FIRES"
    before_s = past["lasts_s"] - 7200
    assert full["fires_s"] - before_s == pytest.approx(3000 + 120, abs=45)
    assert full["stretches"][0]["over_s"] - before_s == pytest.approx(4000, abs=45)
    assert (gone["word"], gone["reason"]) == ("UNKNOWN", "there is no nothing")
    assert clock["reason"].startswith("it asks for the time of day with time()")
    assert len([query for query in stand_in.asked if query.startswith("used")]) > 1, "in pieces"


def test_a_gap_in_the_samples_is_a_gap(
    served: tuple[StandIn, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in, url = served
    stand_in.samples["used"] = [
        *((BEGIN_S + t, 40.0) for t in range(0, 3000, 15)),
        *((BEGIN_S + t, 60.0) for t in range(3000, 4000, 15) if t % 120 < 60),
    ]
    assert backtest(tmp_path, url) == 0
    (past,) = json.loads(capsys.readouterr().out)["pasts"]
    assert past["alerts"][0]["word"] == "PENDING"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (200, [], "expected Prometheus' JSON"),
        (200, {"status": "success", "data": {"result": [1]}}, "without a list of result"),
        (503, {"status": "error", "error": "starting up"}, "starting up"),
    ],
)
def test_what_is_no_prometheus_is_named_and_ends_with_4(
    served: tuple[StandIn, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    status: int,
    body: Any,
    message: str,
) -> None:
    stand_in, url = served
    stand_in.status, stand_in.body = status, body
    assert backtest(tmp_path, url) == 4
    told = capsys.readouterr().err
    assert url in told
    assert message in told or "is it the address of a Prometheus?" in told


def test_values_that_are_no_samples_are_left_out(
    served: tuple[StandIn, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in, url = served
    values = [[BEGIN_S, "1"], ["x", "y"], [BEGIN_S + 60], None, [BEGIN_S + 30, "NaN"], [BEGIN_S + 45, {}]]
    row = {"metric": {"__name__": "used"}, "values": values}
    stand_in.body = {"status": "success", "data": {"resultType": "matrix", "result": [row, {}]}}
    assert backtest(tmp_path, url) == 0
    assert json.loads(capsys.readouterr().out)["pasts"][0]["alerts"][0]["word"] == "SILENT"
