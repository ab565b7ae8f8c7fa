"""`leakdrill export`: annotations in a Grafana and a trace over OTLP, tried against stand-ins of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from histories import complete, drill, leaking, plan
from recorded_api import recorded_api
from stored_runs import store_run

from leakdrill.cli.export import otlp_headers
from leakdrill.cli.main import exit_code
from leakdrill.errors import BadInput
from leakdrill.masking import masked
from leakdrill.record.store import RunFolder, read_run_info

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recorded_api import RecordedApi

pytestmark = pytest.mark.integration
TOKEN = "glsa_not_a_real_token_1234"  # noqa: S105 - made up


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return store_run(tmp_path / "a", complete(drill()), plan())


@pytest.fixture
def grafana(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedApi]:
    kept: list[dict[str, Any]] = []

    def answer(method: str, path: str, body: Any) -> Any:
        if method == "POST":
            kept.append(body)
            return {"message": "Annotation added", "id": len(kept)}
        (tag,) = parse_qs(urlsplit(path).query)["tags"]
        return [one for one in kept if tag in one["tags"]]

    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    with recorded_api(answer) as server:
        yield server


@pytest.fixture
def collector() -> Iterator[RecordedApi]:
    with recorded_api(lambda *_: {}) as server:
        yield server


def posted(server: RecordedApi) -> list[Any]:
    return [body for (method, _), body in zip(server.requests, server.bodies, strict=True) if method == "POST"]


def test_grafana_gets_the_drill_the_leak_the_steps_and_the_alerts_at_their_times(
    grafana: RecordedApi, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["export", str(run.path), "--grafana", grafana.url, "--dashboard", "abc"]) == 0
    info, made = read_run_info(run), posted(grafana)
    began_ms = int(info.started.timestamp() * 1000)
    by_kind = {
        kind: [one for one in made if kind in one["tags"]] for kind in ("drill", "leak", "step", "alert", "delivery")
    }
    assert {kind: len(found) for kind, found in by_kind.items()} == {
        "drill": 1,
        "leak": 2,
        "step": 1,
        "alert": 2,
        "delivery": 1,
    }
    assert by_kind["step"][0]["text"].startswith("clear the cache: PASS; http: done")
    assert by_kind["step"][0]["time"] == pytest.approx(began_ms + 55_200, abs=2)
    assert by_kind["step"][0]["timeEnd"] == pytest.approx(began_ms + 55_700, abs=2)
    assert by_kind["drill"][0]["text"] == "drill gateway/unbounded-cache: PASS"
    assert {one["dashboardUID"] for one in made} == {"abc"}
    assert {tag for one in made for tag in one["tags"]} >= {"leakdrill", f"scenario:{info.scenario.name}"}
    assert {one["Authorization"] for one in grafana.headers} == {f"Bearer {TOKEN}"}
    assert capsys.readouterr().out == f"grafana: {len(made)} annotations made, 0 were there already\n"


def test_a_second_export_makes_no_annotation_twice(
    grafana: RecordedApi, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert exit_code(["export", str(run.path), "--grafana", grafana.url]) == 0
    made = len(posted(grafana))
    assert capsys.readouterr().out.splitlines()[-1] == f"grafana: 0 annotations made, {made} were there already"
    assert [method for method, _ in grafana.requests].count("GET") == 2


def test_a_token_that_may_not_is_told_and_is_not_shown(
    grafana: RecordedApi, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    grafana.status = 403
    assert exit_code(["export", str(run.path), "--grafana", grafana.url]) == 4
    shown = capsys.readouterr().err
    assert "role Editor" in shown
    assert TOKEN not in shown


def spans_of(body: Any) -> list[dict[str, Any]]:
    (resource,) = body["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    found: list[dict[str, Any]] = scope["spans"]
    return found


def plain(attributes: list[dict[str, Any]]) -> dict[str, str]:
    return {one["key"]: one["value"]["stringValue"] for one in attributes}


def test_otlp_gets_a_span_for_the_drill_each_phase_and_each_step_and_events_for_alerts(
    collector: RecordedApi, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=shop, authorization=Bearer%20some-secret-token")
    assert exit_code(["export", str(run.path), "--otlp", collector.url]) == 0
    assert collector.requests == [("POST", "/v1/traces")]
    sent = {name.lower(): value for name, value in collector.headers[0].items()}
    assert (sent["x-tenant"], sent["authorization"]) == ("shop", "Bearer some-secret-token")
    root, *rest = spans_of(collector.bodies[0])
    assert root["name"] == "drill gateway/unbounded-cache"
    assert root["parentSpanId"] == ""
    assert plain(root["attributes"])["leakdrill.outcome"] == "PASS"
    assert root["status"] == {"code": 1}
    names = {one["name"]: one for one in rest}
    assert {"phase load", "phase recover", "step clear the cache"} <= set(names)
    assert names["step clear the cache"]["parentSpanId"] == names["phase mitigate"]["spanId"]
    assert {one["parentSpanId"] for name, one in names.items() if name.startswith("phase")} == {root["spanId"]}
    assert {one["traceId"] for one in (root, *rest)} == {root["traceId"]}
    assert len({one["spanId"] for one in (root, *rest)}) == len(rest) + 1
    assert (len(root["traceId"]), len(root["spanId"])) == (32, 16)
    assert all(int(one["endTimeUnixNano"]) >= int(one["startTimeUnixNano"]) for one in (root, *rest))
    events = [one["name"] for one in root["events"]]
    assert "HighMemoryUsage (warning): firing" in events
    assert any("delivered to" in one for one in events)
    assert masked("some-secret-token, a Bearer's") == "***, a Bearer's"


def test_a_step_that_did_not_work_is_an_error_of_its_span(tmp_path: Path, collector: RecordedApi) -> None:
    folder = store_run(
        tmp_path / "b", complete(drill(lambda t: leaking(min(t, 55.4)) if t >= 15 else leaking(t))), plan()
    )
    assert exit_code(["export", str(folder.path), "--otlp", collector.url]) == 0
    step = next(one for one in spans_of(collector.bodies[0]) if one["name"] == "step clear the cache")
    assert step["status"]["code"] == 2
    assert step["status"]["message"].startswith("FAIL; http: done")


def test_a_second_export_is_the_same_trace(collector: RecordedApi, run: RunFolder) -> None:
    for _ in range(2):
        assert exit_code(["export", str(run.path), "--otlp", collector.url]) == 0
    assert collector.bodies[0] == collector.bodies[1]


def test_a_drill_that_failed_is_an_error_and_an_unknown_one_neither(collector: RecordedApi, tmp_path: Path) -> None:
    kept = store_run(tmp_path / "b", complete(drill(lambda t: 60e6 + 65536 * 100 * max(0, t - 15))), plan())
    cut = store_run(tmp_path / "c", complete(drill()).cut(50), plan())
    for run in (kept, cut):
        assert exit_code(["export", str(run.path), "--otlp", collector.url]) == 0
    failed, unknown = (spans_of(body)[0] for body in collector.bodies)
    assert failed["status"]["code"] == 2
    assert failed["status"]["message"]
    assert unknown["status"] == {}
    assert plain(unknown["attributes"])["leakdrill.outcome"] == "UNKNOWN"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nowhere to export to"),
        (["--grafana", "grafana:3000"], "is no address"),
        (["--otlp", "file:///etc/passwd"], "is no address"),
    ],
)
def test_what_names_no_place_is_refused(
    run: RunFolder, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["export", str(run.path), *arguments]) == 3
    assert words in capsys.readouterr().err


def test_nobody_there_is_an_error_of_the_surroundings(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["export", str(run.path), "--otlp", "http://127.0.0.1:9"]) == 4
    assert "POST http://127.0.0.1:9/v1/traces" in capsys.readouterr().err


def test_headers_without_a_name_are_refused() -> None:
    with pytest.raises(BadInput, match="name=value"):
        otlp_headers({"OTEL_EXPORTER_OTLP_HEADERS": "=x"})
