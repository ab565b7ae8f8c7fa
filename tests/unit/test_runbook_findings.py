"""Each finding of lint: a text that shows it, with its line, and a good one on which it is silent."""

import time
from pathlib import Path

import pytest

from leakdrill.runbooks import read_runbook
from leakdrill.runbooks.finding import Level
from leakdrill.runbooks.findings.lint import RULES, lint


@pytest.fixture
def found(tmp_path):
    """Lints a text; returns the findings of one rule, or of all."""

    def of(text, rule=None, **more):
        path = tmp_path / "runbook.md"
        path.write_text(text, encoding="utf-8")
        return [one for one in lint(read_runbook(path), **more).findings if rule in (None, one.rule)]

    return of


def block(text, language="bash"):
    return f"```{language}\n{text}\n```\n"


def alert(expr, name="OrdersMemoryHigh", more=""):
    return block(f"- alert: {name}\n  expr: {expr}\n{more}".rstrip(), "yaml")


LIMIT = "container_spec_memory_limit_bytes"
SET = "container_memory_working_set_bytes"
GUARDED = f"{SET} / ({LIMIT} > 0)"
LIST = "ps aux --sort=-rss | head -5"
SHOWN = {
    "unclosed-quote": (block('uptime -p\ncurl -d \'{"a": 1} http://localhost:8000/x'), 3),
    "unclosed-fence": ("# A\n\n```bash\nuptime -p\n\n## B\n", 3),
    "shell-syntax": (block("kubectl get pods )\nuptime -p"), 2),
    "wrong-language": (block('rate(errors_total{job="a"}[5m]) > 1'), 2),
    "url-braces": (block("curl -s 'http://localhost:9090/api/v1/query?query=rate(up{job=\"a\"}[5m])' | jq ."), 2),
    "unknown-flag": (block("py-spy top --pid 1 --duration 10"), 2),
    "pid-unresolved": (block(f"{LIST}\nkill -9 <PID>"), 3),
    "needs-terminal": (block("docker exec -it orders sh\nps aux"), 2),
    "awk-no-number": (block("docker exec orders ps aux | grep python | awk '$10 > 300 {print $2}'"), 2),
    "rule-unreadable": (alert("sum(rate(a_total[5m])"), 3),
    "limit-may-be-zero": (alert(f"{SET} / {LIMIT} > 0.8"), 3),
    "page-cache": (alert(f"container_memory_usage_bytes / ({LIMIT} > 0) > 0.8"), 3),
    "share-against-per-cent": (alert(f"{GUARDED} > 80"), 3),
    "threshold-differs": ("Memory above 90% for long.\n\n" + alert(f"{GUARDED} > 0.8"), 5),
    "threshold-unit-differs": ("Memory above 0.8 of the limit.\n\n" + alert(f"{GUARDED} * 100 > 80"), 5),
    "duration-differs": (
        alert(f"{GUARDED} > 0.8", more="  for: 10m\n  annotations:\n    summary: high for 5 minutes"),
        4,
    ),
    "alert-in-no-rule": ("**Alert**: `OrdersMemoryHigh`\n\n" + alert("up == 0", "OrdersDown"), 1),
    "broken-link": ("see [the other](other.md)\n", 1),
    "no-check": ("# A\n\n## Mend\n\n" + block("docker restart orders"), 6),
    "no-way-back": ("# A\n\n## Mend\n\n" + block("redis-cli FLUSHDB"), 6),
    "allow-without-reason": ("# A\n\n<!-- leakdrill: allow broken-link -->\n\n[x](x.md)\n", 3),
    "allow-unknown": ("# A\n\n<!-- leakdrill: allow broken-lnik because of x -->\n\n[x](x.md)\n", 3),
    "allow-unused": ("# A\n\n<!-- leakdrill: allow broken-link because of x -->\n\ntext\n", 3),
}
"""For each rule a text, and the line on which it is found."""


@pytest.mark.parametrize("rule", SHOWN)
def test_what_is_wrong_is_found_on_its_line(found, rule):
    text, line = SHOWN[rule]
    (finding,) = found(text, rule)
    assert finding.line == line
    assert finding.message


def test_every_rule_has_a_text_that_shows_it():
    assert {rule.name for rule in RULES} == {*SHOWN}


SILENT = [
    ("unclosed-quote", block("curl -d '{\"a\":\n 1}' http://localhost:8000/x\n# it's fine\necho \"it's\"")),
    ("unclosed-fence", "# A\n\n- x\n  ```bash\n  uptime -p\n  ```\n\n~~~\n```\n~~~\n"),
    ("shell-syntax", block("for x in a b; do\n  uptime -p\ndone\nkubectl get pods -n <namespace> -l app={app}")),
    ("wrong-language", block('rate(errors_total{job="a"}[5m]) > 1', "promql")),
    ("url-braces", block("curl -sg 'http://localhost:9090/api/v1/query?query=up{job=\"a\"}'")),
    ("url-braces", block("curl -G http://localhost:9090/api/v1/query --data-urlencode 'query=up{job=\"a\"}'")),
    ("url-braces", block("curl http://{host}:9090/api/${NAME}/x http://a/{b,c}/[1-9] http://[::1]:80/")),
    (
        "unknown-flag",
        block("py-spy record --pid 1 --duration 10\nkubectl get pods --no-headers -n x\ndocker logs a --tail 5"),
    ),
    (
        "unknown-flag",
        block("docker exec orders tool --whatever\nkubectl exec a -- tool --whatever\ncurl --no-progress-meter x"),
    ),
    (
        "unknown-flag",
        block(
            "kubectl -n shop patch deployment a --patch-file x.yaml\nkubectl create secret generic a --from-literal=a=b"
        ),
    ),
    (
        "unknown-flag",
        block("kubectl someplugin --node a\ndocker login --username a --password-stdin\nkubectl -n a logs b --tail=5"),
    ),
    ("pid-unresolved", block('kill "$(pgrep -o -f worker)"')),
    ("pid-unresolved", block("PID=$(pgrep -o worker)\nkill $PID")),
    ("pid-unresolved", block(f"{LIST}\npy-spy dump --pid <PID>")),
    ("needs-terminal", block("docker exec orders ps aux\nkubectl exec a -- top -bn1\ndocker exec -i db psql < a.sql")),
    ("needs-terminal", block("kubectl exec -it <pod> -- /bin/bash")),
    (
        "awk-no-number",
        block("ps aux | awk '$3 > 50 {print $2}'\nps -eo pid,etimes | awk '$2 > 300'\ndf | awk '$5+0 > 80'"),
    ),
    (
        "awk-no-number",
        block("kubectl get pods | awk '$4 > 3'\nps aux | awk '{print $10}'\ndf -h | awk '$1 == \"tmpfs\"'"),
    ),
    ("rule-unreadable", alert('rate(a_total{job="<job>"}[5m]) > 1')),
    ("limit-may-be-zero", alert(f"{GUARDED} > 0.8")),
    ("limit-may-be-zero", alert(f"{SET} / {LIMIT} > 0.8 and {LIMIT} > 0")),
    ("limit-may-be-zero", alert(f"{SET} / {LIMIT} > 0.8 unless {LIMIT} == 0")),
    ("limit-may-be-zero", alert('a_bytes / kube_pod_container_resource_limits{resource="memory"} > 0.8')),
    ("page-cache", alert(f"{SET} > 1e9")),
    (
        "page-cache",
        "Beware of `container_memory_usage_bytes`.\n\n"
        + alert("container_memory_usage_bytes - container_memory_cache > 1e9"),
    ),
    (
        "share-against-per-cent",
        alert(f"{GUARDED} > 0.8") + alert(f"100 * {GUARDED} > 80") + alert("rate(a_total[5m]) > 80"),
    ),
    ("threshold-differs", "Memory above 80%.\n\n" + alert(f"{GUARDED} > 0.8")),
    (
        "threshold-differs",
        "Memory above 80%, disk above 90%; CPU falls below 50%.\n\n" + alert(f"{GUARDED} * 100 > 80"),
    ),
    (
        "threshold-differs",
        "| what | warning | critical |\n|---|---|---|\n| memory | > 80% | > 90% |\n\n" + alert(f"{GUARDED} > 0.9"),
    ),
    ("threshold-unit-differs", "Memory above 80% of the limit.\n\n" + alert(f"{GUARDED} > 0.8")),
    ("duration-differs", alert(f"{GUARDED} > 0.8", more="  for: 5m\n  annotations:\n    summary: high for 5 minutes")),
    (
        "duration-differs",
        alert("avg_over_time(a_ratio[30m]) > 1", more="  for: 1m\n  annotations: {summary: high for 30 minutes}"),
    ),
    ("alert-in-no-rule", "**Alert**: `OrdersMemoryHigh`\n\n" + alert("up == 0")),
    ("alert-in-no-rule", 'Alert: "Orders Memory High" fired\n\n' + alert("up == 0")),
    ("alert-in-no-rule", "# OrdersMemoryHigh\n\nwithout any rules here\n"),
    ("alert-in-no-rule", alert("up == 0") + "\n## Related alerts\n\nAlert: `OtherThing`\n"),
    (
        "broken-link",
        "[me](runbook.md) [net](https://example.org/x.md) [a](#see-it) ![i](data:image/png;base64,x)\n\n## See it\n",
    ),
    ("broken-link", "[placeholder]({url}) [mail](mailto:a@example.org)\n"),
    ("no-check", "# A\n\n## Mend\n\n" + block("docker restart orders\ndocker stats --no-stream orders")),
    ("no-check", "# A\n\n## Mend\n\n" + block("docker restart orders") + "\nMemory should drop to 200 MB.\n"),
    ("no-check", "# A\n\n## Mend\n\n" + block("docker restart orders") + "\n## Verify\n\n" + block("docker stats")),
    ("no-check", "# A\n\n## Save\n\n" + block("mkdir -p out\nkubectl cp a:/x ./x")),
    (
        "no-way-back",
        "# A\n\n## Mend\n\n"
        + block("kubectl scale deployment/a --replicas=5\ndocker restart a\nkubectl delete pod a-1"),
    ),
    ("no-way-back", "# A\n\n## Mend\n\nTake a backup first.\n\n" + block("redis-cli FLUSHDB")),
    ("no-way-back", "# A\n\n## Mend\n\n" + block("redis-cli FLUSHDB") + "\n## Rollback\n\nnone\n"),
]


@pytest.mark.parametrize(("rule", "text"), SILENT)
def test_a_good_text_has_no_finding(found, rule, text):
    assert not found(text, rule)


def test_every_rule_about_the_text_has_a_good_one():
    assert {rule.name for rule in RULES} - {rule for rule, _ in SILENT} == {
        "allow-without-reason",
        "allow-unknown",
        "allow-unused",
    }


def test_a_placeholder_is_told_and_no_finding(found, tmp_path):
    text = block("kubectl describe pod <pod-name> -n {namespace}")
    assert not found(text)
    (fragment,) = read_runbook(tmp_path / "runbook.md").fragments
    assert [one.name for one in fragment.placeholders] == ["pod-name", "namespace"]


def test_alerts_are_looked_for_in_the_rules_that_are_given(found):
    text = "**Alert name**: OrdersMemoryHigh\n"
    assert [one.level for one in found(text, "alert-in-no-rule")] == [Level.NOTE]
    assert not found(text, "alert-in-no-rule", alerts_elsewhere={"OrdersMemoryHigh"})
    (finding,) = found(text, "alert-in-no-rule", alerts_elsewhere={"Other"})
    assert finding.level is Level.WARNING


def test_a_link_is_looked_for_where_a_site_would_find_it(found, tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("x")
    assert not found("[a](docs/a.md) [b](docs/a) [c](/docs/a.md#x) [d](docs/a.html) and docs/a.md\n", "broken-link")
    assert [one.level.value for one in found("[a](docs/b.md) and docs/c.md\n", "broken-link")] == ["warning", "error"]


@pytest.mark.parametrize(
    "expr",
    [
        f"80 < {SET} / {LIMIT}",
        f"(max({SET}) by (pod) / max({LIMIT}) by (pod)) >= 80",
        f"avg_over_time(({SET} / {LIMIT})[5m:]) > 80",
    ],
)
def test_a_share_is_known_in_whatever_form(found, expr):
    assert found(alert(expr), "share-against-per-cent")


def test_per_cent_below_one_is_told(found):
    (finding,) = found(alert(f"{GUARDED} * 100 > 0.8"), "share-against-per-cent")
    assert "less than one per cent" in finding.message


def test_a_quote_in_one_command_spoils_no_other(found):
    text = block("echo 'a\nuptime -p") + block("echo 'b'")
    assert [one.line for one in found(text, "unclosed-quote")] == [2]


COMMENT = "<!-- leakdrill: allow broken-link because the file comes with the release -->"


@pytest.mark.parametrize(
    "text",
    [
        f"# A\n\n{COMMENT}\n\n[x](x.md)\n",
        f"# A\n\n[x](x.md) {COMMENT}\n",
        f"{COMMENT}\n\n# A\n\ntext\n\n[x](x.md)\n",
        f"# A\n\n- a\n\n  {COMMENT}\n  [x](x.md)\n",
        "# A\n\n<!-- leakdrill: allow no-check,\n  broken-link because it comes\n  with the release -->\n[x](x.md)\n",
    ],
)
def test_a_comment_with_a_reason_silences_a_finding(tmp_path, text):
    (tmp_path / "a.md").write_text(text)
    result = lint(read_runbook(tmp_path / "a.md"))
    assert not result.findings
    assert [one.finding.rule for one in result.silenced] == ["broken-link"]
    assert "release" in result.silenced[0].reason


@pytest.mark.parametrize(
    "text",
    [
        f"# A\n\n{COMMENT}\n\ntext\n\n[x](x.md)\n",
        f"# A\n\n```html\n{COMMENT}\n```\n\n[x](x.md)\n",
        f"# A\n\n{COMMENT.replace('broken-link', 'no-check')}\n\n[x](x.md)\n",
    ],
)
def test_a_comment_silences_nothing_elsewhere(found, text):
    assert found(text, "broken-link")


def test_a_comment_before_a_block_counts_for_all_of_it(tmp_path):
    text = "# A\n\n<!-- leakdrill: allow url-braces because of a proxy -->\n" + block(
        "uptime -p\n\ncurl 'http://a/x?query=up{a=\"b\"}'"
    )
    (tmp_path / "a.md").write_text(text)
    assert not [one for one in lint(read_runbook(tmp_path / "a.md")).findings if one.rule == "url-braces"]


def test_findings_come_in_the_order_of_the_file(found):
    lines = [one.line for one in found("".join(text for text, _ in SHOWN.values()))]
    assert lines == sorted(lines)


def test_the_place_of_a_finding_is_a_line_of_the_file(tmp_path):
    text = "\n".join(text for text, _ in SHOWN.values())
    (tmp_path / "a.md").write_text(text)
    result = lint(read_runbook(Path(tmp_path / "a.md")))
    assert all(1 <= one.line <= len(result.runbook.lines) for one in result.findings)


@pytest.mark.parametrize(
    "text",
    [
        "```console\n" + "$ ls\nfoo\n" * 4_000 + "```\n",
        "[a](#b)\n\n" * 4_000,
        "# A\n" + "<!-- leakdrill: allow no-check because of x -->\n" * 6_000,
        "- `ls -l`\n" * 6_000,
    ],
    ids=["session", "anchors", "comments", "inline"],
)
@pytest.mark.timeout(60)
def test_a_file_that_was_made_to_take_long_is_linted_in_a_time_that_grows_with_its_length(text, tmp_path):
    """Each took minutes, or would have, where every line was compared with all that follow."""
    path = tmp_path / "runbook.md"
    path.write_text(text)
    began = time.process_time()
    lint(read_runbook(path))
    assert time.process_time() - began < 15  # a tenth of it on a machine that is not busy
