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
    f"postgres://user:p@{CANARY}@db/x",
    f"postgres://user:p/{CANARY}@db/x",
    f"https://{CANARY}@github.com/x.git",
    f"redis://{CANARY}@cache/0",
    f"//user:{CANARY}@host/path",
    f"http://h/a?sig={CANARY}",
    f"http://h/a?b=1&code={CANARY}",
    f"http://h/a?key={CANARY}",
    f"https://events.pagerduty.com/integration/{CANARY}/enqueue",
    f"https://api.telegram.org/bot12:{CANARY}/sendMessage",
    f"DB_PASS={CANARY}",
    f"STRIPE_KEY={CANARY}",
    f"AccountKey={CANARY}==;Endpoint=x",
    f"BASIC_AUTH={CANARY}",
    f'{{"auths": {{"registry": {{"auth": "{CANARY}"}}}}}}',
    f"{{'password': b'{CANARY}'}}",
    f'password=\\"{CANARY}\\"',
    f'env: SECRET="{CANARY}',
    f'"token" => "{CANARY}"',
    f"[password]={CANARY}",
    f"<password>{CANARY}</password>",
    f"machine h login u password {CANARY}",
    f"CREATE USER u IDENTIFIED BY '{CANARY}'",
    f"curl -u admin:{CANARY} http://h",
    f"curl --user=admin:{CANARY} http://h",
    f"sshpass -p {CANARY} ssh h",
    f"redis-cli -h h -a {CANARY} ping",
    f"mysqldump -h h -p{CANARY} x",
    f"--token '{CANARY} with blanks'",
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{CANARY}\n-----END PGP PRIVATE KEY BLOCK-----",
    "sk_live_c4nary-s3cret".replace("-s3cret", "0123456789abcdef") + f"?token={CANARY}",
)
PLAIN = (
    "http://127.0.0.1:9090/-/ready answered 503", "max_tokens = 5", "cache_key: x", "KeyError: 'a'",
    "10 tokens a second", "docker run -u 1000:1000 x", "ssh://git@github.com/x", "postgres://postgres@db/x",
    "compass=1",
    "PASS shop: 3 claims hold", "PASS: all", "http://127.0.0.1:9/a@b", "author: me", "keys = [a]", "token == other",
    "http://[::1]:80/x?mail=a@b", "passes=all", "-p 8000:80", "//server/share", "oauth2=on", "std::auth::x",
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


@pytest.mark.parametrize(
    "tree",
    [
        {"env": [{"name": "API_TOKEN", "value": CANARY}]},
        {"password": {"value": CANARY}},
        {"credentials": {"a": CANARY, "b": [CANARY, {"c": CANARY}]}},
        {"token": [CANARY]},
        {"command": ["curl", "-u", f"admin:{CANARY}", "http://h"]},
        {"command": ["/usr/bin/redis-cli", "-a", CANARY]},
        {"command": ["sshpass", "-p", CANARY, "ssh"]},
        {"command": ["mysql", f"-p{CANARY}"]},
        {f"postgres://u:{CANARY}@h": 1},
    ],
)
def test_no_place_in_a_tree_hides_a_secret(tree):
    assert CANARY not in json.dumps(masked_tree(tree))
    assert masked_tree(masked_tree(tree)) == masked_tree(tree)


def test_what_is_no_secret_in_a_tree_stays():
    tree = {
        "command": ["docker", "run", "-u", "1000:1000", "-p", "8000:80"], "tokens": 5,
        "covers": ["secret-rotation", "b"],
        "events": [{"name": "cache", "value": "full"}],
    }  # fmt: skip
    assert masked_tree(tree) == tree


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


LONG = (
    "token=" * 20_000, "-" * 50_000 + "token", "a.b-" * 20_000 + "=",
    "://" * 30_000, "//a:" * 20_000, "mysql " * 10_000,
    "redis-cli " * 8_000, "-u " * 20_000, "<token>" * 10_000, "login x password " * 5_000, "auth_" * 15_000,
    '"token"' * 9_000,
)  # fmt: skip


@pytest.mark.parametrize("text", LONG)
def test_long_text_takes_no_long_time(text):
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 3


@pytest.mark.parametrize("text", HIDDEN)
def test_what_is_masked_is_looked_for(text):
    """The quick look that leaves most text alone misses nothing that the patterns find."""
    assert _HINT.search(text)
    assert not any(pattern.search(line) for pattern, _ in _PATTERNS for line in PLAIN if not _HINT.search(line))
