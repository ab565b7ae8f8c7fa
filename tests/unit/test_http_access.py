"""Headers and certificates of requests: from the environment, before the start, and in no file."""

from __future__ import annotations

import json
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from leakdrill import masking
from leakdrill.errors import BadInput
from leakdrill.machine.http_access import access_mistakes, access_to, header_mistakes
from leakdrill.masking import masked, masked_json
from leakdrill.runs.drill.plan_check import check_plan
from leakdrill.scenario.http_access import HttpAccess
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.target import ProcessTarget

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "t0ken-of-the-shop"  # noqa: S105 - nobody's


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    monkeypatch.setenv("SHOP_BROKEN", "two\nlines")
    monkeypatch.setenv("SHOP_EMPTY", "")


def http(**fields: Any) -> HttpAccess:
    return HttpAccess.model_validate(fields)


def test_a_header_is_filled_in_and_its_value_masked_from_then_on(tmp_path: Path) -> None:
    access = access_to(http(headers={"X-Shop": "id ${SHOP_TOKEN}", "X-Tenant": "eu"}), tmp_path, https=False)
    assert access.headers == {"X-Shop": f"id {TOKEN}", "X-Tenant": "eu"}
    assert TOKEN not in repr(access)
    assert masked(f"the service said: {TOKEN}!") == "the service said: ***!"
    assert access.tls is None


def test_the_runs_token_gives_way_to_what_the_scenario_says(tmp_path: Path) -> None:
    access = access_to(http(headers={"authorization": "Bearer ${SHOP_TOKEN}"}), tmp_path, https=False)
    assert access.headers_with("of this run") == {"authorization": f"Bearer {TOKEN}"}
    assert access.headers_with("", {"Authorization": "Basic ${SHOP_TOKEN}"}) == {"Authorization": f"Basic {TOKEN}"}
    anyone = access_to(http(), tmp_path, https=False)
    assert anyone.headers_with("of this run") == {"Authorization": "Bearer of this run"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X": "${SHOP_UNSET}"}, "SHOP_UNSET is not set in the environment; expected a value for ${SHOP_UNSET}"),
        ({"X": "${SHOP_EMPTY}"}, "SHOP_EMPTY is not set in the environment"),
        ({"X": "${}"}, "${} names no variable; expected one such as ${SHOP_TOKEN}"),
        ({"X": "${A B}"}, "${A B} names no variable"),
        ({"X": "${SHOP_BROKEN}"}, "its value has characters that no header may have, such as the end of a line"),
        ({"X": "ä"}, "its value has characters that no header may have"),
        ({"Authorization": "Bearer abc123def"}, "found a secret in the file; expected it from the environment"),
        ({"Cookie": "a=b"}, "found a secret in the file"),
        ({"X-Api-Key": "abc"}, "found a secret in the file"),
    ],
)
def test_a_header_that_cannot_be_sent_is_named_with_its_place(headers: dict[str, str], expected: str) -> None:
    ((loc, text),) = header_mistakes(headers, ("target", "http", "headers"))
    assert loc == ("target", "http", "headers", *headers)
    assert text.startswith(expected)
    assert "two" not in text
    assert "abc123def" not in text


@pytest.mark.parametrize("name", ["Content-Length", "host", "X Y", "X:", "", "Ä"])
def test_a_header_that_is_none_or_not_the_scenarios_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=r"no name of a header|is set for each request"):
        http(headers={name: "1"})


def test_a_certificate_needs_an_https_url_and_a_key_a_certificate() -> None:
    spec = {"name": "shop", "http": {"ca": "ca.pem"}}
    with pytest.raises(ValidationError, match="are for an https url"):
        ProcessTarget.model_validate({**spec, "url": "http://127.0.0.1:8000"})
    with pytest.raises(ValidationError, match="are for an https url"):
        ProcessTarget.model_validate({**spec, "command": ["shop"]})
    assert ProcessTarget.model_validate({**spec, "url": "https://127.0.0.1:8000"}).http.uses_tls
    with pytest.raises(ValidationError, match="expected certificate, whose key it is"):
        http(key="key.pem")


def make_certificate(folder: Path, *, password: str = "") -> None:
    """A certificate that signs itself, as `both.pem`, `certificate.pem` and `key.pem`."""
    key = ["-nodes"] if not password else ["-passout", f"pass:{password}"]
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=shop", "-days", "2"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(["openssl", "req", "-x509", *made, *key, *files], check=True, capture_output=True)


def test_certificates_are_loaded_relative_to_the_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_certificate(tmp_path, password=TOKEN)
    monkeypatch.setenv("SHOP_KEY", str(tmp_path / "key.pem"))
    wanted = http(ca="certificate.pem", certificate="certificate.pem", key="${SHOP_KEY}", key_password="${SHOP_TOKEN}")  # noqa: S106
    assert isinstance(access_to(wanted, tmp_path, https=True).tls, ssl.SSLContext)


@pytest.mark.parametrize(
    ("fields", "key", "expected"),
    [
        ({"ca": "nobody.pem"}, "ca", "cannot be used: No such file"),
        ({"ca": "text.pem"}, "ca", "cannot be used"),
        ({"certificate": "nobody.pem"}, "certificate", "cannot be used: No such file"),
        ({"certificate": "certificate.pem"}, "certificate", "cannot be used"),
        ({"certificate": "certificate.pem", "key": "key.pem"}, "certificate", "cannot be used"),
        (
            {"certificate": "certificate.pem", "key": "key.pem", "key_password": "abc123"},
            "key_password",
            "found a secret in the file",
        ),
        ({"ca": "${SHOP_UNSET}"}, "ca", "SHOP_UNSET is not set in the environment"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_named(
    tmp_path: Path, fields: dict[str, str], key: str, expected: str
) -> None:
    make_certificate(tmp_path, password=TOKEN)
    (tmp_path / "text.pem").write_text("no certificate")
    ((loc, text),) = access_mistakes(http(**fields), tmp_path)
    assert loc == ("target", "http", key)
    assert text.startswith(expected)
    with pytest.raises(BadInput, match=f"target.http.{key}: "):
        access_to(http(**fields), tmp_path, https=True)


def test_the_plan_check_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text("")
    path = tmp_path / "shop.yaml"
    path.write_text(
        "name: shop\n"
        "target:\n  name: shop\n  url: http://127.0.0.1:8000\n  http:\n    headers: {X-Shop: '${SHOP_UNSET}'}\n"
        "load: {locustfile: locustfile.py}\n"
        "leaks:\n  - name: cache\n    switch:\n      on: {path: /on}\n"
        "      off: {path: /off, headers: {X: '${SHOP_UNSET}'}}\n"
        "steps:\n  - name: flush\n    http: {path: /flush, headers: {Authorization: Bearer abc}}\n"
    )
    with pytest.raises(BadInput) as raised:
        check_plan(path, read_scenario(path))
    lines = raised.value.message.replace(f"{path}:", "").splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["6", "target.http.headers.X-Shop"],
        ["12", "leaks[0].switch.off.headers.X"],
        ["15", "steps[0].http.headers.Authorization"],
    ]


def test_the_record_keeps_the_names_of_variables_and_no_values(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer ${SHOP_TOKEN}", "X-Shop": "${SHOP_TOKEN}"}
    spec = ProcessTarget.model_validate({"name": "shop", "url": "http://127.0.0.1:1", "http": {"headers": headers}})
    access_to(spec.http, tmp_path, https=False)
    kept = masked_json(spec.model_dump(mode="json"))
    assert json.loads(kept)["http"]["headers"] == headers
    assert masked_json({"Authorization": f"Bearer {TOKEN}", "seen": f"x{TOKEN}"}).count(TOKEN) == 0


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ('password: "${A}"', False),
        ("password: ${A}", False),
        ('Authorization: "Bearer ${A}"', False),
        ('password: "${A}hunter2"', True),
        ('password: "${A} hunter2"', True),
        ("password: ${A}hunter2", True),
    ],
)
def test_the_name_of_a_variable_is_no_secret(text: str, hidden: bool) -> None:
    assert ("***" in masked(text)) is hidden


@pytest.mark.parametrize(
    ("secret", "masked_too"),
    [("the", False), ("baseline", False), ("123456", False), ("a1b2c3", True), ("correcthorsebattery", True)],
)
def test_a_value_that_is_a_usual_word_is_not_masked_everywhere(secret: str, masked_too: bool) -> None:
    masking.hide(secret)
    assert (masked(f"a {secret} b") == "a *** b") is masked_too


def test_a_value_that_names_something_in_the_scenario_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "gateway-1")
    ((_, text),) = header_mistakes({"X": "${SHOP_TOKEN}"}, (), plain='{"name": "gateway-1"}')
    assert text == "the value of SHOP_TOKEN stands elsewhere in the scenario; expected a secret, or the text itself"
    monkeypatch.setenv("SHOP_TOKEN", "gate")
    assert list(header_mistakes({"X": "${SHOP_TOKEN}"}, (), plain='{"name": "gateway-1"}')) == []


def test_the_path_of_a_certificate_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_certificate(tmp_path)
    monkeypatch.setenv("SHOP_CA", str(tmp_path / "certificate.pem"))
    assert access_to(http(ca="${SHOP_CA}"), tmp_path, https=True).tls is not None
    assert masked(str(tmp_path / "certificate.pem")) == str(tmp_path / "certificate.pem")
