"""Odd answers of GitHub, GitLab, Grafana and an OTLP endpoint: told in one line, and nothing counts as made."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from histories import complete, drill, plan
from recorded_api import recorded_api
from stored_runs import store_run

from leakdrill.cli.main import exit_code
from leakdrill.code_hosts.api import Api
from leakdrill.code_hosts.comment import keep_comment, marker
from leakdrill.code_hosts.github import GitHubPullRequest, github_pull_request
from leakdrill.code_hosts.gitlab import GitLabMergeRequest
from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.exports.grafana import push_annotations
from leakdrill.exports.moments import Moment
from leakdrill.exports.otlp_answer import EXPORTED

if TYPE_CHECKING:
    from pathlib import Path

    from recorded_api import RecordedApi

    from leakdrill.code_hosts.comment import CommentHost

TOKEN = 'a"b/c+d==&e f'  # noqa: S105 - made up
HTML = b"<!doctype html><title>Log in</title>"
NO_JSON = [HTML, b"NaN", b"\xff\xfe", b"{", b"[" * 100_000, b'{"id": 1', b"1" * 5000]
NO_OBJECT = [None, 5, "made", [], [{"id": 1}], True]
NO_ID = [{}, {"id": None}, {"id": "1"}, {"id": 1.5}, {"id": True}, {"id": 0}, {"id": -1}, {"id": [1]}, {"id": 10**30}]
NO_LIST = [{}, {"message": "no"}, None, 5, "none", [None], [5], [[]], [{}], [{"id": None}]]
NOT_MADE = [*NO_JSON, b"", *NO_OBJECT, *NO_ID]
NOT_LISTED = [*NO_JSON, b"", *NO_LIST]


def host_of(kind: str, server: RecordedApi) -> CommentHost:
    api = Api(server.url, {"X": TOKEN}, [TOKEN])
    return GitHubPullRequest(api, "a/b", 7) if kind == "github" else GitLabMergeRequest(api, "a/b", "7")


def comment(text: str) -> dict[str, Any]:
    person = {"id": 5, "login": "github-actions[bot]"}
    return {"id": 9, "user": person, "author": person, "body": text, "system": False}


def answering(*, listed: Any = (), written: Any = None, me: Any = None) -> Any:
    def answer(method: str, path: str, _: Any) -> Any:
        if path.startswith("/user"):
            return {"id": 5} if me is None else me
        return listed if method == "GET" else written

    return answer


def refused(error: EnvironmentProblem) -> str:
    """The message, which is one short line."""
    assert "\n" not in error.message
    assert len(error.message) < 600
    assert "; expected " in error.message
    return error.message


@pytest.mark.parametrize("written", NOT_MADE)
@pytest.mark.parametrize("there", [[], [comment(marker("shop"))]])
@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_comment_counts_as_written_only_when_the_answer_has_its_id(kind: str, there: Any, written: Any) -> None:
    with recorded_api(answering(listed=there, written=written)) as server:
        with pytest.raises(EnvironmentProblem, match="answered with") as error:
            keep_comment(host_of(kind, server), "shop", "text")
        assert "its id" in refused(error.value)
        assert [method for method, _ in server.requests][-1] in ("POST", "PATCH", "PUT")


@pytest.mark.parametrize("listed", NOT_LISTED)
@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_no_comment_is_written_where_the_list_is_none(kind: str, listed: Any) -> None:
    with recorded_api(answering(listed=listed, written=comment(""))) as server:
        with pytest.raises(EnvironmentProblem, match="answered with") as error:
            keep_comment(host_of(kind, server), "shop", "text")
        assert "a list of" in refused(error.value)
        assert {method for method, _ in server.requests} == {"GET"}


@pytest.mark.parametrize(
    "change",
    [{"user": 5, "author": 5}, {"user": [], "author": []}, {"user": {}, "author": {}}, {"body": 5}, {"body": ["x"]}],
)
@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_comment_of_another_form_is_not_guessed_at(kind: str, change: dict[str, Any]) -> None:
    listed = [{**comment(marker("shop")), **change}]
    with recorded_api(answering(listed=listed, written=comment(""))) as server:
        with pytest.raises(EnvironmentProblem, match="a list of") as error:
            keep_comment(host_of(kind, server), "shop", "text")
        refused(error.value)


@pytest.mark.parametrize("me", [{}, {"id": None}, [], HTML, b"", {"id": "5"}])
def test_whoever_does_not_know_who_we_are_gets_no_note(me: Any) -> None:
    nobodys = {**comment(marker("shop")), "author": None}
    with recorded_api(answering(listed=[nobodys], written=comment(""), me=me)) as server:
        with pytest.raises(EnvironmentProblem, match="the user of the token"):
            keep_comment(host_of("gitlab", server), "shop", "text")
        assert server.requests == [("GET", "/user")]


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_comment_of_a_user_who_is_gone_is_nobodys(kind: str) -> None:
    nobodys = {**comment(marker("shop")), "author": None, "user": None}
    with recorded_api(answering(listed=[nobodys], written=comment(""))) as server:
        assert keep_comment(host_of(kind, server), "shop", "text").done == "made"


def test_pages_without_end_are_given_up() -> None:
    page = [{**comment("x"), "id": number} for number in range(1, 101)]
    with recorded_api(answering(listed=page, written=comment(""))) as server:
        with pytest.raises(EnvironmentProblem, match="more than 5,000"):
            keep_comment(host_of("github", server), "shop", "text")
        assert {method for method, _ in server.requests} == {"GET"}


MOMENT = Moment(kind="drill", name="drill shop", start_ns=10**18, end_ns=10**18)


def annotated(listed: Any, written: Any) -> tuple[int, int]:
    with recorded_api(answering(listed=listed, written=written)) as server:
        return push_annotations(Api(server.url, {}, []), [MOMENT], run_id="r", scenario="s")


@pytest.mark.parametrize("written", NOT_MADE)
def test_an_annotation_counts_as_made_only_when_the_answer_has_its_id(written: Any) -> None:
    with pytest.raises(EnvironmentProblem, match="the id of the annotation") as error:
        annotated([], written)
    refused(error.value)


@pytest.mark.parametrize("listed", [*NOT_LISTED, [{"time": None}], [{"time": "1"}], [{"time": 1, "text": 5}]])
def test_no_annotation_is_made_where_those_that_are_there_are_not_known(listed: Any) -> None:
    with pytest.raises(EnvironmentProblem, match="a list of annotations") as error:
        annotated(listed, {"id": 1})
    refused(error.value)


def test_an_annotation_that_is_there_is_known_by_its_time_and_text() -> None:
    assert annotated([{"time": 10**12, "text": "drill shop", "id": None}], None) == (0, 1)
    assert annotated([{"time": 10**12 + 1, "text": "drill shop"}, {"time": 5}], {"id": 1}) == (1, 0)


@pytest.mark.parametrize(
    ("content", "rejected"),
    [
        (b"", 0),
        (b" \n", 0),
        (b"{}", 0),
        (b'{"partialSuccess": null}', 0),
        (b'{"partialSuccess": {}}', 0),
        (b'{"partialSuccess": {"rejectedSpans": null, "errorMessage": null}}', 0),
        (b'{"partialSuccess": {"rejectedSpans": 0, "errorMessage": "slow down"}}', 0),
        (b'{"partialSuccess": {"rejectedSpans": "3"}}', 3),
        (b'{"partial_success": {"rejected_spans": 3}}', 3),
        (b'{"partialSuccess": {"rejectedSpans": 3, "new": 1}}', 3),
        (b'{"partialSuccess": {"rejectedSpans": "9223372036854775807"}}', 2**63 - 1),
    ],
)
def test_an_otlp_answer_is_empty_or_says_how_many_spans_were_rejected(content: bytes, rejected: int) -> None:
    success = EXPORTED.read(content).partial_success
    assert (success.rejected_spans if success else 0) == rejected


@pytest.mark.parametrize(
    "content",
    [
        *NO_JSON,
        *(json.dumps(one).encode() for one in (None, 5, "ok", [], [{}], {"error": "no"}, {"partialSuccess": []})),
        *(
            json.dumps({"partialSuccess": {"rejectedSpans": one}}).encode()
            for one in ("", "x", "-1", -1, "1.5", 1.5, True, [], {}, "1" * 5000, 10**30, "\uff11", float("nan"))
        ),
        b'{"partialSuccess": {"errorMessage": 5}}',
    ],
)
def test_any_other_otlp_answer_is_no_success(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        EXPORTED.read(content)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return store_run(tmp_path / "a", complete(drill()), plan()).path


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ({"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too\nlate"}}, 4, "otlp: 3 of "),
        ({"partialSuccess": {"rejectedSpans": 1}}, 4, "no reason is given"),
        ({"partialSuccess": {"errorMessage": "slow\x1b down"}}, 0, r"slow\x1b down"),
        (HTML, 4, "answered with <!doctype html>"),
        ({"error": "no"}, 4, "expected an OTLP answer"),
    ],
)
def test_spans_that_were_rejected_are_told_and_are_no_success(
    run: Path, answer: Any, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorded_api(lambda *_: answer) as server:
        assert exit_code(["export", str(run), "--otlp", server.url]) == code
    shown = capsys.readouterr()
    assert words in shown.err
    assert ("otlp: trace" in shown.out) == (code == 0)


ECHOES = {
    "whole": TOKEN,
    "JSON": json.dumps(TOKEN),
    "JSON with slashes": json.dumps(TOKEN).replace("/", "\\/"),
    "JSON in JSON": json.dumps(json.dumps(TOKEN)),
    "JSON of Go": json.dumps(TOKEN).replace("&", "\\u0026"),
    "URL": quote(TOKEN, safe=""),
    "URL in small letters": quote(TOKEN, safe="").lower(),
    "form": quote(TOKEN, safe="").replace("%20", "+"),
    "HTML": TOKEN.replace("&", "&amp;").replace('"', "&quot;"),
    "HTML by numbers": TOKEN.replace("&", "&#38;").replace('"', "&#x22;"),
    "Python": repr(TOKEN),
    "cut": "x" * 290 + TOKEN,
    "far behind": " " * 10_000 + TOKEN,
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("status", [200, 401])
def test_a_token_that_comes_back_is_masked_however_it_is_written(echo: str, status: int) -> None:
    with recorded_api(lambda *_: f"token {echo} is none".encode()) as server:
        server.status, server.refusal = status, f"token {echo} is none".encode()
        with pytest.raises(EnvironmentProblem, match=f"GET {server.url}/x: answered") as error:
            Api(server.url, {"X": TOKEN}, [TOKEN]).call("GET", "/x", EXPORTED)
    assert not any(part in str(error.value) for part in ('a"b', "b/c", "c+d", "d==", "%2fc", "b%2F", "d%3d"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_answer_that_leads_elsewhere_is_not_followed_and_says_where(status: int) -> None:
    with recorded_api(lambda *_: {}) as server:
        server.status, server.more = status, {"Location": f"{server.url}/login?for={quote(TOKEN)}"}
        with pytest.raises(EnvironmentProblem, match=r"which leads to http://127\.0\.0\.1:[0-9]+/login") as error:
            Api(server.url, {"X": TOKEN}, [TOKEN]).call("GET", "/x", EXPORTED)
        assert len(server.requests) == 1
    assert "c%2Bd" not in error.value.message


def test_a_password_in_a_basic_header_is_masked_too(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20c2hvcDpodW50ZXIyaHVudGVyMg==")
    with recorded_api(lambda *_: {}) as server:
        server.status, server.refusal = 401, {"for": "hunter2hunter2", "sent": "c2hvcDpodW50ZXIyaHVudGVyMg=="}
        assert exit_code(["export", str(run), "--otlp", server.url]) == 4
    shown = capsys.readouterr().err
    assert "***" in shown
    assert "hunter2" not in shown
    assert "c2hvc" not in shown


def event(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "event.json"
    path.write_text(text)
    return {"GITHUB_EVENT_PATH": str(path), "GITHUB_TOKEN": TOKEN.replace(" ", ""), "GITHUB_REPOSITORY": "a/b"}


@pytest.mark.parametrize("text", ["{}", '{"pull_request": null}', '{"ref": "main", "pull_request": null}'])
def test_an_event_of_no_pull_request_is_about_none(tmp_path: Path, text: str) -> None:
    assert github_pull_request(event(tmp_path, text)) is None


@pytest.mark.parametrize(
    "number", ["true", "-7", "0", "7.5", '"7"', "null", "[7]", "{}", "NaN", "1e3", "1" * 400, "9223372036854775808"]
)
def test_an_event_whose_number_is_none_is_refused(tmp_path: Path, number: str) -> None:
    with pytest.raises(BadInput, match=r"cannot be read as the event of a job: pull_request\.number"):
        github_pull_request(event(tmp_path, f'{{"pull_request": {{"number": {number}}}}}'))


@pytest.mark.parametrize(
    "text", ["", "[]", "5", "null", "{", "[" * 100_000, '{"pull_request": 7}', '{"pull_request": {}}']
)
def test_what_is_no_event_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="cannot be read as the event of a job"):
        github_pull_request(event(tmp_path, text))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "folder", "/dev/zero", "nowhere", "huge"])
def test_an_event_that_is_no_plain_file_of_a_sane_size_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate(2**34)
    else:
        path.symlink_to(kind)
    with pytest.raises(BadInput, match="cannot be read as the event of a job"):
        github_pull_request({"GITHUB_EVENT_PATH": str(path)})
