"""Secrets are recognised by their place, and masked in the record, in run.json, in reports and in messages."""

from __future__ import annotations

import json
import time

import pytest
from histories import plan

from leakdrill.masking import _HINT, _PATTERNS, MASK, masked, masked_tree
from leakdrill.printable import printable, printable_lines
from leakdrill.record.events import Notice
from leakdrill.record.recorder import Recorder
from leakdrill.record.store import RunFolder, read_run_info, write_run_info

CANARY = "c4nary-s3cret"
HIDDEN = (
    f"postgres://user:{CANARY}@db:5432/x",
    f"GET http://h/a?token={CANARY}&x=1 failed",
    f"https://hooks.slack.com/services/T0/B0/{CANARY}",
    f"Authorization: Bearer {CANARY}",
    f"authorization: Basic {CANARY}==",
    f"Cookie: a={CANARY}; b={CANARY}",
    f"X-Api-Key: {CANARY}",
    f"DB_PASSWORD={CANARY} PORT=80",
    f"--password {CANARY} --rate 5",
    f"--api-key={CANARY}",
    f'{{"access_token": "{CANARY} and more"}}',
    f"password: '{CANARY} with blanks'",
    f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c4nary-s3cret",
)
PLAIN = (
    "http://127.0.0.1:9090/-/ready answered 503", "max_tokens = 5", "cache_key: x", "KeyError: 'a'",
    "10 tokens a second",
    "step clear-token: done", "x.yaml:3: steps[0].http.headers.authorization: is missing",
    "alert HighMemoryUsage fires 12.5 s after the leak began", "key=cache", "std::map<int>::at", "a@b.example", "12:30",
)  # fmt: skip


@pytest.mark.parametrize("text", HIDDEN)
def test_a_secret_is_masked_wherever_text_is_shown(text):
    for shown in (masked(text), printable(text), printable_lines(text), json.dumps(masked_tree({"a": [text]}))):
        assert CANARY not in shown
    assert MASK in masked(text)
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text):
    assert masked(text) == text


def test_a_value_is_masked_by_its_key_and_a_word_by_the_option_before_it():
    tree = {"env": {"DB_PASSWORD": CANARY, "PORT": "80"}, "command": ["app", "--token", CANARY, "--rate", "5"], "n": 1}
    assert masked_tree(tree) == {
        "env": {"DB_PASSWORD": MASK, "PORT": "80"},
        "command": ["app", "--token", MASK, "--rate", "5"],
        "n": 1,
    }


def test_the_record_and_run_json_hold_no_secret_and_can_be_read(tmp_path):
    target = {"name": "gateway", "command": ["app", "--password", CANARY], "env": {"API_TOKEN": CANARY}}
    folder = RunFolder(tmp_path)
    write_run_info(folder, plan(target=target), tmp_path / "x.yaml", {})
    recorder = Recorder(folder.history)
    recorder.record(Notice(f"could not reach redis://:{CANARY}@cache and caf\udce9"))
    recorder.close()
    for path in tmp_path.iterdir():
        assert CANARY not in path.read_text(encoding="utf-8")
    assert read_run_info(folder).scenario.target.env == {"API_TOKEN": MASK}


@pytest.mark.parametrize("text", ["token=" * 20_000, "-" * 50_000 + "token", "a.b-" * 20_000 + "=", "://" * 30_000])
def test_long_text_takes_no_long_time(text):
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 3


@pytest.mark.parametrize("text", HIDDEN)
def test_what_is_masked_is_looked_for(text):
    """The quick look that leaves most text alone misses nothing that the patterns find."""
    assert _HINT.search(text)
    assert not any(pattern.search(line) for pattern, _ in _PATTERNS for line in PLAIN if not _HINT.search(line))
