"""Every fragment of a runbook is found and classed; the tables here were made by reading, not by running the code."""

import os
import time

import pytest

from leakdrill.errors import BadInput
from leakdrill.runbooks import read_runbook


@pytest.fixture
def read(tmp_path):
    def of(text):
        path = tmp_path / "runbook.md"
        path.write_text(text, encoding="utf-8")
        return read_runbook(path)

    return of


def fragments(runbook):
    return [(one.line, one.kind.value, one.text) for one in runbook.fragments]


RUNBOOK = """# Runbook: the order service runs out of memory

**Alert**: `OrdersMemoryHigh`, see `kubectl get prometheusrules -n shop` and `orders_heap_bytes`.

## See

- Pods:

  ```bash
  # which pods
  kubectl get pods -n shop
  kubectl top pod -n shop | sort -k3 -h \\
    | tail -5
  ```

> Or on the machine:
>
> ```console
> $ ps aux --sort=-rss | head -3
> USER       PID %CPU %MEM
> app       4121  9.0 71.2
> $ free -m
> ```

    docker stats --no-stream orders

```promql
container_memory_working_set_bytes{container="orders"} / 2e9 > 0.8
```

| what | how |
|------|-----|
| queue | `redis-cli LLEN jobs` |

## Mend

```
docker restart orders
docker exec orders find /tmp -name '*.cache' -delete
for pod in a b; do
  kubectl delete pod "$pod" -n shop
done
```

```python
import gc
gc.collect()
```

```bash
/var/log/orders/*.log {
    daily
    rotate 7
}
```

```yaml
- alert: OrdersMemoryHigh
  expr: up == 0
```

```
cache:
  max_items: 100
```

It answers:

```json
{"status": "ok"}
```

```
Dear customers, the shop is slow today.
We are working on it.
```
"""
TABLE = [
    (3, "look", "kubectl get prometheusrules -n shop"),
    (11, "look", "kubectl get pods -n shop"),
    (12, "look", "kubectl top pod -n shop | sort -k3 -h \\\n  | tail -5"),
    (19, "look", "ps aux --sort=-rss | head -3"),
    (20, "output", "USER       PID %CPU %MEM\napp       4121  9.0 71.2"),
    (22, "look", "free -m"),
    (25, "look", "docker stats --no-stream orders"),
    (28, "query", 'container_memory_working_set_bytes{container="orders"} / 2e9 > 0.8'),
    (33, "look", "redis-cli LLEN jobs"),
    (38, "change", "docker restart orders"),
    (39, "destructive", "docker exec orders find /tmp -name '*.cache' -delete"),
    (40, "destructive", 'for pod in a b; do\n  kubectl delete pod "$pod" -n shop\ndone'),
    (46, "code for the application", "import gc\ngc.collect()"),
    (51, "configuration", "/var/log/orders/*.log {\n    daily\n    rotate 7\n}"),
    (58, "rule", "- alert: OrdersMemoryHigh\n  expr: up == 0"),
    (63, "configuration", "cache:\n  max_items: 100"),
    (70, "output", '{"status": "ok"}'),
    (74, "prose", "Dear customers, the shop is slow today.\nWe are working on it."),
]


def test_a_runbook_is_read_as_a_person_reads_it(read):
    runbook = read(RUNBOOK)
    assert fragments(runbook) == TABLE
    assert runbook.title == "Runbook: the order service runs out of memory"
    assert runbook.fragments[0].section == ("Runbook: the order service runs out of memory",)
    assert runbook.fragments[-1].section[-1] == "Mend"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("root@db:~# uptime -p\nup 3 days\nroot@db:~# df -h /\n", ["look", "output", "look"]),
        ("[admin@node1 ~]$ free -m\n", ["look"]),
        ("sh-4.4# ps aux\n", ["look"]),
        ("$ cat <<EOF\n> a\n> EOF\na\n", ["look", "output"]),
        (
            "127.0.0.1:6379> INFO memory\nused_memory:1\n127.0.0.1:6379> FLUSHALL\nOK\n",
            ["look", "output", "destructive", "output"],
        ),
        ("> CONFIG SET maxmemory 1gb\nOK\n", ["change", "output"]),
        ("postgres=# SELECT 1;\n ?column?\n", ["look", "output"]),
        ("# systemctl restart orders\n", ["change"]),
        ("node1 $ systemctl restart orders\n", ["change"]),
    ],
)
def test_a_session_is_split_into_what_was_typed_and_what_was_printed(read, text, expected):
    runbook = read(f"```console\n{text}```\n")
    assert [one.kind.value for one in runbook.fragments] == expected


@pytest.mark.parametrize(
    "text",
    [
        "kubectl get pods\nNAME   READY   STATUS\nweb-1  1/1     Running\n\nkubectl get nodes\n",
        "kubectl get pods\nError from server (Forbidden): pods is forbidden\nkubectl get nodes\n",
        "kubectl get pods\n2026-01-01T10:00:00Z something happened here\nkubectl get nodes\n",
    ],
)
def test_output_between_commands_without_prompts_is_no_command(read, text):
    runbook = read(f"```bash\n{text}```\n")
    assert [one.kind.value for one in runbook.fragments] == ["look", "output", "look"]


@pytest.mark.parametrize(
    "text",
    [
        "Memory is high when the cache grows without bound.",
        "Status: monitoring\nOwner: the shop team\nNext update: 10:00",
        "top of the list",
        "make sure that the service is up",
        "kubectl is needed",
    ],
)
def test_prose_is_never_a_command(read, text):
    runbook = read(f"{text}\n\n`{text.splitlines()[0]}`\n\n```\n{text}\n```\n")
    assert not [one for one in runbook.fragments if one.kind.value not in ("prose", "output")]


@pytest.mark.parametrize(
    "code",
    ["orders", "HighMemory", "container_memory_usage_bytes", "app/main.py", "8Gi", "true", "on-call", "{namespace}"],
)
def test_inline_code_that_is_a_name_is_no_fragment(read, code):
    assert not read(f"see `{code}` here\n").fragments


def test_inline_promql_is_a_query(read):
    assert fragments(read("watch `rate(errors_total[5m]) > 1` for a while\n")) == [
        (1, "query", "rate(errors_total[5m]) > 1")
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("company-tool restart --all orders", "unknown"),
        ("TOKEN=$(cat /run/token) ./bin/reset orders", "unknown"),
        ("sudo hatool -s /run/ha.sock", "unknown"),
        ("SELECT count(*) FROM orders;", "look"),
        ("DELETE FROM orders;", "destructive"),
        ("rate(x_total[5m])\nx_entries_used", "query"),
        ("[Service]\nMemoryMax=1G", "configuration"),
        ("FROM python:3.12\nRUN pip install x", "configuration"),
        ("worker_processes 4;\nhttp {\n  server_tokens off;\n}", "configuration"),
        ('terraform {\n  backend "s3" {}\n}\n\nprovider "aws" {\n  region = "a"\n}', "configuration"),
        ('input {\n  file {\n    path => "/srv/a.log"\n  }\n}', "configuration"),
        ("def f(x):\n    return x", "code for the application"),
        ("2026-01-01 10:00:00 ERROR no memory\n2026-01-01 10:00:01 ERROR no memory", "output"),
        ('{"a": 1}', "configuration"),
        ("graph LR\n  subgraph SHOP[the shop]\n    web --> db\n  end", "prose"),
    ],
)
def test_a_block_without_a_language_is_told_by_its_shape(read, text, kind):
    assert {one.kind.value for one in read(f"```\n{text}\n```\n").fragments} == {kind}


def test_comments_inside_a_loop_stay_in_its_text(read):
    text = "for n in 1 2; do\n  # one after the other\n  uptime -p\ndone"
    assert fragments(read(f"```bash\n# all\n{text}\n```\n")) == [(3, "look", text)]


def test_a_number_before_a_comment_ends_its_command(read):
    found = fragments(read("```bash\nsort a | head -10\n\n# then\nfind / -size +1M\n```\n"))
    assert [(line, text) for line, _, text in found] == [(2, "sort a | head -10"), (5, "find / -size +1M")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x00\x01", "is binary"),
        (b"\xff\xfe#\x00", "is not UTF-8"),
        (b"x\n" * 5 * 2**20, "is larger than"),
        (
            ("  " * 40 + "- x\n").encode() * 1 + "\n".join("  " * n + "- x" for n in range(99)).encode(),
            "nested more than",
        ),
    ],
)
def test_a_hostile_file_gives_one_clear_error(tmp_path, content, message):
    (tmp_path / "a.md").write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read_runbook(tmp_path / "a.md")


def test_what_is_no_file_gives_one_clear_error(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in ((tmp_path, "folder"), (tmp_path / "pipe", "pipe"), (tmp_path / "none", "No such file")):
        with pytest.raises(BadInput, match=message):
            read_runbook(path)


@pytest.mark.parametrize("text", ["", "\n", "# A", "```", "```bash", "no line end `uptime -p`"])
def test_what_is_only_odd_is_read(read, text):
    assert read(text).path.name == "runbook.md"


def test_a_hundred_pages_are_read_in_two_seconds(read):
    start = time.process_time()
    read(RUNBOOK * 60)
    assert time.process_time() - start < 4, "2 s on a quiet machine; benchmarks/runbook_lint.py measures"


@pytest.mark.parametrize(
    ("before", "line", "kind"),
    [
        ("Then run:", "shopkey generate", "unknown"),
        ("Execute the following command:", "shopctl node list", "unknown"),
        ("A key has this form:", "shopkey generate", "prose"),
        ("Then run:", "the whole of it again", "prose"),
    ],
)
def test_a_line_that_the_text_says_to_run_may_be_a_command(read, before, line, kind):
    assert [one.kind.value for one in read(f"{before}\n\n```\n{line}\n```\n").fragments] == [kind]
