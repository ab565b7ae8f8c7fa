"""The log of a load holds no secret that can be recognised, once the load has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.load.log_masking import mask_log
from leakdrill.masking import masked

if TYPE_CHECKING:
    from pathlib import Path

LINES = (
    "[2026-01-01 00:00:00,001] host/ERROR/locust: GET http://h/a?token=c4nary failed\n",
    "[2026-01-01 00:00:01,001] host/ERROR/locust: GET http://h/a?token=c4nary failed\n",
    "RuntimeError: cannot log in: password=c4nary\n",
    "-----BEGIN RSA PRIVATE KEY-----\nc4nary\nc4nary\n-----END RSA PRIVATE KEY-----\n",
    "[2026-01-01 00:00:02,001] all users spawned: 4\n",
    "postgres://u:c4nary@db/x and http://a/b, c:d@e\n",
    "db:\n  password: |\n    c4nary\n  user: u\n",
    "password:\n  c4nary\n",
    "half a line, api_key=c4nary",
)


def test_a_log_is_masked_and_otherwise_left_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "load.log"
    log.write_text("".join(LINES))
    mask_log(log)
    text = log.read_text()
    assert "c4nary" not in text
    assert text == masked("".join(LINES))
    assert LINES[4] in text
    assert (log.stat().st_mode & 0o777, [path.name for path in tmp_path.iterdir()]) == (0o600, ["load.log"])


def test_what_there_is_no_time_for_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "load.log"
    log.write_text(LINES[0] * 3)
    mask_log(log, within_s=0)
    assert log.read_text() == "*** 3 lines\n"


def test_a_link_or_nothing_in_its_place_is_left_alone(tmp_path: Path) -> None:
    mask_log(tmp_path / "load.log")
    (tmp_path / "theirs").write_text(LINES[0])
    (tmp_path / "load.log").symlink_to("theirs")
    mask_log(tmp_path / "load.log")
    assert (tmp_path / "theirs").read_text() == LINES[0]
    assert {path.name for path in tmp_path.iterdir()} == {"theirs", "load.log"}
