"""Secrets are recognised by their place, and masked in the record, in run.json, in reports and in messages."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from histories import plan

from leakdrill.masking import masked, masked_tree
from leakdrill.printable import printable, printable_lines
from leakdrill.record.events import Notice
from leakdrill.record.recorder import Recorder
from leakdrill.record.store import RunFolder, read_run_info, write_run_info
from leakdrill.secret_patterns import MASK, RULES

ROOT = Path(__file__).parents[2]
CANARY = "c4nary-s3cret"
SECRETS = (CANARY, "swordfish", "12345678", "Ym9iOmM0bmFyeS1zM2NyZXQ")
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
    f"the password is {CANARY}",
    f"Your password is: {CANARY}",
    f"PASSWORD WAS '{CANARY}'",
    "password is swordfish",
    f"token is {CANARY}1",
    f"mytool -p {CANARY}",
    f"mytool --password {CANARY}",
    f"docker login -u bob -p {CANARY} registry",
    f'["password", "{CANARY}"]',
    '[["user", "bob"], ["password", "swordfish"]]',
    f"('Authorization', 'Token {CANARY}')",
    f'{{"name": "DB_PASSWORD", "value": "{CANARY}"}}',
    f'{{"value": "{CANARY}", "name": "DB_PASSWORD"}}',
    f"- name: DB_PASSWORD\n  value: {CANARY}",
    f'<add key="password" value="{CANARY}"/>',
    f"password:\n  {CANARY}",
    f"password: |-\n  {CANARY}\n  {CANARY}\nuser: bob",
    f"tokens:\n  - {CANARY}\n  - {CANARY}\n",
    f'{{"password":\n  "{CANARY}"}}',
    f"Enter password:\n{CANARY}",
    f"12:00:01 INFO sent AUTHORIZATION: token {CANARY}",
    f"> Cookie: a={CANARY}",
    f"DEBUG header Set-Cookie: sid={CANARY}; Path=/",
    f"Proxy-Authorization: Digest {CANARY}",
    "Basic Ym9iOmM0bmFyeS1zM2NyZXQ=",
    f"https://{CANARY}:x-oauth-basic@github.com/x",
    f"bob:{CANARY}@tcp(db:3306)/x",
    f"bob/{CANARY}@//db:1521/x",
    f"Server=db;User Id=sa;Pwd={CANARY};",
    f"host=db user=bob password={CANARY} dbname=x",
    f"requirepass {CANARY}",
    f"aws configure set aws_secret_access_key {CANARY}",
    f"API key: {CANARY}1",
    f"password := {CANARY}",
    f"password -> {CANARY}",
    f"login failed for bob with password {CANARY}",
    "password=12345678",
    f"creds={CANARY}",
    f"openssl rsa -passin pass:{CANARY}",
    f"unzip -P {CANARY} x.zip",
)
PLAIN = (
    "http://127.0.0.1:9090/-/ready answered 503", "max_tokens = 5", "cache_key: x", "KeyError: 'a'",
    "10 tokens a second", "docker run -u 1000:1000 x", "ssh://git@github.com/x", "postgres://postgres@db/x",
    "compass=1", "GH_TOKEN: ${{ secrets.GH_TOKEN }}", '-H "JOB-TOKEN: $CI_JOB_TOKEN" x',
    "PASS shop: 3 claims hold", "PASS: all", "http://127.0.0.1:9/a@b", "author: me", "keys = [a]", "token == other",
    "http://[::1]:80/x?mail=a@b", "passes=all", "-p 8000:80", "//server/share", "oauth2=on", "std::auth::x",
    "step clear-token: done", "x.yaml:3: steps[0].http.headers.authorization: is missing",
    "alert HighMemoryUsage fires 12.5 s after the leak began", "key=cache", "std::map<int>::at", "a@b.example", "12:30",
    "password reset failed", "token count 5", "password is required", "the password is incorrect.", "token is expired",
    "password is stored in the environment", "password is too short", "password is correct", "password: required",
    "token: null", "password=true", "password:\n\nTraceback of it", "secret:\n  name: foo", "auth:\n  enabled: true",
    "tokens:\n  - name: a", "secretName: foo", "secretKeyRef:\n  key: bar", "password_file: /run/secrets/x",
    "mkdir -p build", "mkdir -p v1-b", "pytest -p no:xdist", "docker run -u app -p 8080:80 x", "ssh -u -p 2222 h",
    "cargo test -p crate-2b", "ps -p 4121", "kubectl get pods -p x1", "sudo -u app mkdir -p out",
    "Basic authentication is on", "basic tests passed", "bearer token missing", '["password", "email"]',
    '["token", 5]', "tokenizer: bert", "secretary: bob", "password authentication failed for user bob",
    "expected the header Authorization: Bearer <token>", "request refused, Authorization: missing",
    "password: 5 attempts", "secret db-7f9c8d not found", "the cookie banner", "token bucket: 5 of 10", "-p tcp",
    "password hash is sha256", "session opened", "the primary key: id", "cache key is user-5", "pass: 5 fail: 0",
)  # fmt: skip


@pytest.mark.parametrize("text", HIDDEN)
def test_a_secret_is_masked_wherever_text_is_shown(text):
    for shown in (masked(text), printable(text), printable_lines(text), json.dumps(masked_tree({"a": [text]}))):
        assert not any(secret in shown for secret in SECRETS)
    assert MASK in masked(text)
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text):
    assert masked(text) == text


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("docs/**/*.md")) + sorted(ROOT.glob("*.md")), ids=lambda page: page.name
)
def test_our_own_pages_hold_nothing_that_looks_like_a_secret(page):
    text = page.read_text(encoding="utf-8")
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
        ["password", CANARY],
        {"headers": [["authorization", CANARY], ["accept", "x"]]},
        {"command": ["tool", "-p", CANARY]},
        {"command": ["docker", "login", "-u", "bob", "-p", "canary-" + CANARY]},
        [{"Name": "API_TOKEN", "Value": CANARY}],
    ],
)
def test_no_place_in_a_tree_hides_a_secret(tree):
    assert CANARY not in json.dumps(masked_tree(tree))
    assert masked_tree(masked_tree(tree)) == masked_tree(tree)


def test_what_is_no_secret_in_a_tree_stays():
    tree = {
        "command": ["docker", "run", "-u", "1000:1000", "-p", "8000:80"], "tokens": 5,
        "covers": ["secret-rotation", "b"], "fields": ["password", "email"], "passwords": 5,
        "make": ["mkdir", "-p", "v1-b"],
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
    '"token"' * 9_000, "token." * 20_000, "=authorization:" * 8_000, "key" + "\\" * 100_000,
)  # fmt: skip


@pytest.mark.parametrize("text", LONG)
def test_long_text_takes_no_long_time(text):
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 3


@pytest.mark.parametrize("text", [*HIDDEN, *PLAIN])
def test_what_is_masked_is_looked_for(text):
    """The quick look that leaves most text alone misses nothing that the rules behind it find."""
    for hint, rules in RULES:
        assert hint.search(text) or not any(re.search(rule.pattern, text, rule.flags) for rule in rules)
