"""What an address is, and that whatever is none is refused before anything is sent, with nothing of it shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leakdrill.address import http_address
from leakdrill.cli.export import otlp_headers
from leakdrill.cli.main import exit_code
from leakdrill.code_hosts.github import github_pull_request
from leakdrill.code_hosts.gitlab import gitlab_merge_request
from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2hunter2"  # noqa: S105 - made up
NONE = {
    "": "does not begin with http",
    "grafana:3000": "does not begin with http",
    "ftp://host": "does not begin with http",
    "javascript:alert(1)": "does not begin with http",
    "http:/host": "does not begin with http",
    "http://": "names no host",
    "http:///path": "names no host",
    "http://:80": "names no host",
    "http://[/": "no host can have this name",
    "http://[": "no host can have this name",
    "http://[]": "no host can have this name",
    "http://[::g]": "no host can have this name",
    "http://999.1.1.1": "no host can have this name",
    "http://a..b": "no host can have this name",
    "http://" + "a" * 64: "no host can have this name",
    "http://" + "a." * 130 + "b": "no host can have this name",
    "http://%68ost": "no host can have this name",
    "http://a:80:80": "no host can have this name",
    "http://host:": "a port is a number",
    "http://host:0": "a port is a number",
    "http://host:65536": "a port is a number",
    "http://host:99999999999999999999": "a port is a number",
    "http://host:http": "a port is a number",
    "http://host:\uff11": "a port is a number",
    "http://host:-1": "a port is a number",
    f"http://host/?key={SECRET}": "a query or a fragment",
    f"http://host#{SECRET}": "a query or a fragment",
    f"http://me:{SECRET}@host": "a user or a password",
    f"http://{SECRET}@host/x": "a user or a password",
    f"http://me:{SECRET}@[/": "a user or a password",
    "http://host\n": "a control character",
    "http://ho\tst": "a control character",
    "http://ho st": "a blank",
    "http://host\\x": "a backslash",
    "http://host/\x00": "a control character",
    "http://host/\udc80": "a control character",
    "http://host/\u202e": "a control character",
}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("HTTPS://Shop.example/API/", "https://Shop.example/API"),
        ("http://[::1]:4318/", "http://[::1]:4318"),
        ("http://otel_collector:4318/base/v2", "http://otel_collector:4318/base/v2"),
        ("http://münchen.example", "http://münchen.example"),
        ("http://host.", "http://host."),
        ("http://host:65535/a@b:c", "http://host:65535/a@b:c"),
    ],
)
def test_the_address_of_a_service_is_taken(text: str, address: str) -> None:
    assert http_address(text) == address


@pytest.mark.parametrize(("text", "words"), NONE.items())
def test_what_is_no_address_is_refused_and_not_shown(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        http_address(text)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("text", NONE)
@pytest.mark.parametrize("option", ["--grafana", "--otlp"])
def test_an_option_with_no_address_is_named(
    option: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["export", str(tmp_path), option, text]) == 3
    shown = capsys.readouterr().err
    assert shown.startswith(f"leakdrill: {option}: is no address")
    assert SECRET not in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("text", [text for text in NONE if text])
def test_a_variable_with_no_address_is_named(text: str) -> None:
    github = {"GITHUB_TOKEN": SECRET, "GITHUB_REPOSITORY": "shop/cart", "GITHUB_API_URL": text}
    gitlab = {"LEAKDRILL_GITLAB_TOKEN": SECRET, "CI_PROJECT_ID": "1", "CI_API_V4_URL": text}
    with pytest.raises(BadInput, match=r"^GITHUB_API_URL: is no address") as one:
        github_pull_request(github, number=1)
    with pytest.raises(BadInput, match=r"^CI_API_V4_URL: is no address") as two:
        gitlab_merge_request(gitlab, number=1)
    assert SECRET not in f"{one.value}{two.value}"


@pytest.mark.parametrize("iid", ["x", "0", "-1", "1/../2", "1.5", "9" * 400, "\uff11", " 1"])
def test_what_is_no_number_of_a_merge_request_is_refused(iid: str) -> None:
    with pytest.raises(BadInput, match="CI_MERGE_REQUEST_IID"):
        gitlab_merge_request({"CI_MERGE_REQUEST_IID": iid})


@pytest.mark.parametrize("project", ["a b", "\udc80", "x\n", "?", "a" * 501])
def test_what_is_no_project_is_refused(project: str) -> None:
    gitlab = {"LEAKDRILL_GITLAB_TOKEN": SECRET, "CI_PROJECT_ID": project, "CI_API_V4_URL": "http://127.0.0.1:9"}
    with pytest.raises(BadInput, match="CI_PROJECT_ID"):
        gitlab_merge_request(gitlab, number=1)
    with pytest.raises(BadInput, match="--number"):
        gitlab_merge_request(gitlab, number=10**30)


@pytest.mark.parametrize("repository", ["..", "../..", "a/..", "./b", "a/b/c", "a", "\udc80/b", "a/b\n"])
def test_what_is_no_repository_is_refused(repository: str) -> None:
    with pytest.raises(BadInput, match="GITHUB_REPOSITORY"):
        github_pull_request({"GITHUB_TOKEN": SECRET, "GITHUB_REPOSITORY": repository}, number=1)


@pytest.mark.parametrize(
    "text", ["=x", "x", "na me=x", "näme=x", "Host=elsewhere", "content-length=1", "a\nb=x", "\udc80=x"]
)
def test_a_header_that_no_request_of_ours_has_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="OTEL_EXPORTER_OTLP_HEADERS"):
        otlp_headers({"OTEL_EXPORTER_OTLP_HEADERS": text})


@pytest.mark.parametrize("uid", ["a/b", "a b", "x\n", "ä", "\udc80", "a" * 201])
def test_what_is_no_uid_of_a_dashboard_is_refused(uid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["export", str(tmp_path), "--grafana", "http://127.0.0.1:9", "--dashboard", uid]
    assert exit_code(arguments) == 3
    assert "--dashboard" in capsys.readouterr().err
