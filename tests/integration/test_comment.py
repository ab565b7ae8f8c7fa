"""`leakdrill comment`: one comment, edited and never added to; tried against stand-ins of the two APIs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from histories import complete, drill, flat, plan
from recorded_api import RecordedApi, recorded_api
from stored_runs import store_run

from leakdrill.cli.main import exit_code
from leakdrill.code_hosts.comment import marker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration
BOT = {"login": "github-actions[bot]", "id": 41898282}


class Comments:
    """The comments of one pull request, as GitHub and GitLab keep them."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []

    def answer(self, method: str, path: str, body: Any) -> Any:
        parts = urlsplit(path)
        if parts.path == "/user":
            return BOT
        if method == "GET":
            query = parse_qs(parts.query)
            page, each = int(query["page"][0]), int(query["per_page"][0])
            return self.comments[(page - 1) * each : page * each]
        if method == "POST":
            self.comments.append({"id": 1000 + len(self.comments), "user": BOT, "author": BOT, "body": body["body"]})
            return {**self.comments[-1], "html_url": "https://github.example/made"}
        found = next(one for one in self.comments if str(one["id"]) == parts.path.rsplit("/", 1)[-1])
        found["body"] = body["body"]
        return {**found, "html_url": "https://github.example/edited"}


class StandIn(NamedTuple):
    """The server, and what it keeps."""

    api: RecordedApi
    kept: Comments

    @property
    def url(self) -> str:
        return self.api.url

    @property
    def requests(self) -> list[tuple[str, str]]:
        return self.api.requests

    @property
    def headers(self) -> list[dict[str, str]]:
        return self.api.headers

    @property
    def comments(self) -> list[dict[str, Any]]:
        return self.kept.comments


@pytest.fixture
def host() -> Iterator[StandIn]:
    kept = Comments()
    with recorded_api(kept.answer) as api:
        yield StandIn(api, kept)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return store_run(tmp_path / "a", complete(drill()), plan()).path


@pytest.fixture
def github(host: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": host.url,
        "GITHUB_REPOSITORY": "shop/cart",
        "GITHUB_TOKEN": "ghs_not_a_real_token",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_RUN_ID": "99",
    }.items():
        monkeypatch.setenv(name, value)
    return host


@pytest.fixture
def gitlab(host: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    for name, value in {
        "CI_API_V4_URL": host.url,
        "CI_PROJECT_ID": "12",
        "CI_MERGE_REQUEST_IID": "3",
        "LEAKDRILL_GITLAB_TOKEN": "not-a-real-token",
    }.items():
        monkeypatch.setenv(name, value)
    return host


def other(number: int) -> dict[str, Any]:
    person = {"login": "someone", "id": number}
    return {"id": number, "user": person, "author": person, "body": f"{marker('shop-cart')}\nmine, not yours"}


def test_github_gets_one_comment_that_is_edited_by_these_requests(github: StandIn, run: Path, tmp_path: Path) -> None:
    assert exit_code(["comment", str(run)]) == 0
    assert len(github.comments) == 1
    first = github.comments[0]["body"]
    assert first.startswith(f"{marker('shop-cart')}\n## leakdrill: shop-cart")
    assert "[The job](https://github.example/shop/cart/actions/runs/99)" in first
    failed = store_run(tmp_path / "b", complete(drill(flat)), plan()).path
    assert exit_code(["comment", str(failed)]) == 0
    assert len(github.comments) == 1
    assert "**UNKNOWN: 4 of 13" in github.comments[0]["body"]
    assert exit_code(["comment", str(failed)]) == 0
    listed = ("GET", "/repos/shop/cart/issues/7/comments?per_page=100&page=1")
    assert github.requests == [
        listed,
        ("POST", "/repos/shop/cart/issues/7/comments"),
        listed,
        ("PATCH", "/repos/shop/cart/issues/comments/1000"),
        listed,
    ]
    assert {one["Authorization"] for one in github.headers} == {"Bearer ghs_not_a_real_token"}


def test_gitlab_gets_one_note_that_is_edited_by_these_requests(gitlab: StandIn, run: Path, tmp_path: Path) -> None:
    assert exit_code(["comment", str(run)]) == 0
    failed = store_run(tmp_path / "b", complete(drill(flat)), plan()).path
    assert exit_code(["comment", str(failed), "--against", str(run)]) == 0
    assert len(gitlab.comments) == 1
    assert "before and after" in gitlab.comments[0]["body"]
    notes = "/projects/12/merge_requests/3/notes"
    listed = ("GET", f"{notes}?sort=asc&order_by=created_at&per_page=100&page=1")
    assert gitlab.requests == [
        ("GET", "/user"),
        listed,
        ("POST", notes),
        ("GET", "/user"),
        listed,
        ("PUT", f"{notes}/1000"),
    ]
    assert {one["PRIVATE-TOKEN"] for one in gitlab.headers} == {"not-a-real-token"}


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_a_comment_of_somebody_else_with_our_marker_is_left_alone(
    name: str, run: Path, request: pytest.FixtureRequest
) -> None:
    host: StandIn = request.getfixturevalue(name)
    host.comments.extend([other(1), other(2)])
    assert exit_code(["comment", str(run)]) == 0
    assert [one["body"] for one in host.comments[:2]] == [other(1)["body"], other(2)["body"]]
    assert len(host.comments) == 3


def test_ours_is_found_behind_many_others(github: StandIn, run: Path) -> None:
    github.comments.extend(other(number) for number in range(1, 151))
    assert exit_code(["comment", str(run)]) == 0
    assert exit_code(["comment", str(run)]) == 0
    assert len(github.comments) == 151


def test_two_scenarios_have_a_comment_each(github: StandIn, run: Path, tmp_path: Path) -> None:
    assert exit_code(["comment", str(run)]) == 0
    other_run = store_run(tmp_path / "b", complete(drill()), plan()).path
    renamed = other_run.parent.parent / "shop-search" / other_run.name
    renamed.parent.mkdir()
    other_run.rename(renamed)
    assert exit_code(["comment", str(renamed)]) == 0
    assert len(github.comments) == 2


@pytest.mark.parametrize(
    ("status", "words"), [(401, "not valid"), (403, "pull-requests: write"), (404, "may not see"), (500, "500")]
)
def test_what_the_host_does_not_allow_is_told_without_the_token(
    github: StandIn, run: Path, status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    github.api.status = status
    assert exit_code(["comment", str(run)]) == 4
    shown = capsys.readouterr().err
    assert words in shown
    assert "ghs_not_a_real_token" not in shown


def test_a_job_about_no_pull_request_comments_on_nothing(
    github: StandIn, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"ref": "refs/heads/main"}))
    assert exit_code(["comment", str(run)]) == 0
    assert "no pull request" in capsys.readouterr().out
    assert github.requests == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN is not set"),
        ("GITHUB_REPOSITORY", "shop/cart/../x", "expected owner/name"),
        ("GITHUB_EVENT_PATH", "/none.json", "cannot be read as the event"),
    ],
)
def test_what_the_job_lacks_is_named(
    github: StandIn,
    run: Path,
    name: str,
    value: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    assert exit_code(["comment", str(run)]) == 3
    assert words in capsys.readouterr().err
    assert github.requests == []


def test_the_marker_is_a_comment_of_html_whatever_the_scenario_is_called() -> None:
    assert re.fullmatch(r"<!-- leakdrill comment [0-9a-f]{16} -->", marker("a --> <script>\n"))
