"""A block of shell is taken apart as a person would: commands, output, prompts, placeholders, inner commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leakdrill.runbooks.base.kind import FragmentKind
from leakdrill.runbooks.shell.read import read_shell
from leakdrill.runbooks.shell.resembles import looks_like_command

if TYPE_CHECKING:
    from leakdrill.runbooks.base.statement import Statement


def only(text: str) -> Statement:
    (command,) = read_shell(text)
    return command


def names(text: str) -> list[str]:
    return [one.name for one in only(text).placeholders]


def test_each_command_of_a_block_has_its_lines() -> None:
    text = "# first look\nkubectl get pods \\\n  -n shop\n\ncat <<EOF > f\na\nEOF\nfor p in a b; do\n  rm $p\ndone"
    assert [(one.line, one.end_line, one.kind.value) for one in read_shell(text, 10)] == [
        (11, 12, "look"),
        (14, 16, "change"),
        (17, 19, "destructive"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kubectl logs <pod-name> -n {namespace}", ["pod-name", "namespace"]),
        ("kubectl logs $POD -n ${NS}", ["POD", "NS"]),
        ("curl -H 'X-Key: YOUR_API_KEY' https://your-host/x", ["YOUR_API_KEY", "your-host"]),
        ("kubectl describe pod web-xxxxx", ["xxxxx"]),
        ("kubectl exec POD_NAME -n NAMESPACE -- ls ...", ["POD_NAME", "NAMESPACE", "..."]),
        ("redis-cli -h <host name> PING", ["host name"]),
        ("docker logs {{ container }}", ["container"]),
        ("helm upgrade web ./c --values <values.yaml>", ["values.yaml"]),
        ("kubectl get pod <pod>-0 -o yaml", ["pod"]),
        ("curl http://<host>:<port>/health", ["host", "port"]),
        ("for p in a b; do echo $p; done", []),
        ("echo $HOME ${#} $? $1", []),
        ("awk '{print}' f", []),
        ("docker ps --format '{{.Names}}'", []),
        ("find . -name x -exec ls {} +", []),
        ("ls [a-z]*", []),
        ("curl -X POST http://h/x", []),
    ],
)
def test_placeholders_are_found_as_written(text: str, expected: list[str]) -> None:
    assert names(text) == expected
    assert all(one.text in text for one in only(text).placeholders)


@pytest.mark.parametrize(
    "text", ["mysql <dump.sql >log", "wc -l <in.txt >out", "cat <a>b", "cat <in.txt> out", "cmd <f 2>err"]
)
def test_redirections_are_no_placeholders(text: str) -> None:
    assert not only(text).placeholders
    assert only(text).kind is not FragmentKind.LOOK


def test_a_placeholder_is_no_redirection() -> None:
    assert only("kubectl describe pod <pod-name>").kind is FragmentKind.LOOK
    assert only("kubectl delete pod <pod-name>").kind is FragmentKind.DESTRUCTIVE


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("kubectl exec web-0 -n a -- ls -la /tmp", ["ls -la /tmp"]),
        ("kubectl exec web-0 -- sh -c 'ls | wc -l'", ["sh -c 'ls | wc -l'"]),
        ("docker exec -it web ps aux", ["ps aux"]),
        ("docker-compose exec -T web free -m", ["free -m"]),
        ("ssh -p 22 ops@web1 'df -h; uptime'", ["df -h; uptime"]),
        ("ssh web1 <<EOF\ndf -h\nEOF", ["df -h"]),
        ("watch -n 2 'kubectl get pods'", ["kubectl get pods"]),
        ("ssh web1 sudo docker exec c ps", ["sudo docker exec c ps", "ps"]),
    ],
)
def test_what_runs_elsewhere_is_named(text: str, inner: list[str]) -> None:
    assert list(only(text).inner) == inner


def test_tools_paths_and_hosts_are_named_each_once() -> None:
    command = only("sudo tail /var/log/a.log | grep x")
    assert command.tools == ("sudo", "tail", "grep")
    assert command.paths == ("/var/log/a.log",)
    assert only("curl -s http://api.internal:8080/x").hosts == ("api.internal:8080",)
    assert only("redis-cli -h cache -p 6380 PING").hosts == ("cache:6380",)
    assert only("ssh ops@web1 uptime").hosts == ("web1",)
    assert only("kubectl apply -f ./a/web.yaml").paths == ("./a/web.yaml",)
    assert only("cat < /etc/hosts > /srv/x").paths == ("/etc/hosts", "/srv/x")


def test_a_way_back_is_known_only_where_all_of_it_is() -> None:
    assert only("kubectl cordon n1").undo == "`kubectl uncordon` it"
    assert only("docker stop a && systemctl stop b").undo == "`systemctl start` it; then `docker start` it"
    assert only("docker stop a && kill 12").undo is None
    assert only("kubectl get pods").undo is None


def test_what_does_not_parse_is_unknown_and_said_so() -> None:
    commands = read_shell("kubectl get pods\nkubectl get ) pods\necho 'never closed")
    assert commands[0].kind is FragmentKind.LOOK
    assert all(one.kind is FragmentKind.UNKNOWN and not one.parsed for one in commands[1:])
    assert "parser" in commands[1].reason


def test_what_does_not_parse_is_destructive_where_that_is_seen() -> None:
    (command,) = read_shell("rm -rf /data )")
    assert command.kind is FragmentKind.DESTRUCTIVE
    assert not command.parsed


def test_a_function_is_what_its_body_is_where_it_is_called() -> None:
    kinds = [one.kind for one in read_shell("clean() { rm x; }\nclean\nshow() { ls; }\nshow")]
    assert kinds == [FragmentKind.DESTRUCTIVE, FragmentKind.DESTRUCTIVE, FragmentKind.LOOK, FragmentKind.LOOK]


def test_a_program_that_the_text_redefines_is_no_look() -> None:
    assert read_shell("ls() { rm x; }\nls")[1].kind is FragmentKind.DESTRUCTIVE
    assert read_shell("alias ls='rm x'\nls")[1].kind is FragmentKind.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "kubectl get pods",
        "kubectl -n shop logs web-0",
        "docker ps",
        "docker-compose restart inference-gateway",
        "df -h",
        "free -m",
        "nvidia-smi",
        "systemctl restart nginx",
        "redis-cli INFO memory",
        "redis-cli FLUSHDB",
        "curl http://localhost:9090/-/healthy",
        "ps aux | grep python",
        "top -b -n 1",
        "kill -9 1234",
        "ps aux",
        "git mv ./a.md → b/a.md",
        "ps -ef",
        "rm -rf /tmp/cache",
        "./scripts/restart.sh",
        "du -sh /var/log/*",
        "sudo systemctl restart docker",
        "watch -n 1 nvidia-smi",
        "psql -c 'SELECT 1'",
        "git status",
        "helm rollback web 3",
        "$ kubectl get nodes",
        "for p in a b; do echo $p; done",
        "tail -f /var/log/app.log",
        "find /tmp -name '*.log' -delete",
        "echo 3 > /proc/sys/vm/drop_caches",
        "cat /proc/meminfo",
        "kubectl exec -it <pod> -- sh",
        "python3 -m json.tool < f",
        "journalctl -u app",
        "POD=$(kubectl get po -o name)",
        "export KUBECONFIG=~/.kube/config",
        "make -n",
        "time curl http://h/",
    ],
)
def test_a_command_looks_like_one(text: str) -> None:
    assert looks_like_command(text)


@pytest.mark.parametrize(
    "text",
    [
        "make sure the pods are running",
        "kill the process",
        "find the pod",
        "watch the memory",
        "time to recover",
        "test it",
        "top",
        "free memory",
        "sort by memory",
        "host is down",
        "docker is running",
        "git",
        "kubectl",
        "who is on call",
        "which pods",
        "date of incident",
        "head of engineering",
        "service restart",
        "split traffic",
        "read the logs",
        "less memory",
        "set the limit",
        "type of failure",
        "for each node",
        "while the alert fires",
        "HighMemoryUsage",
        "container_memory_usage_bytes",
        "8Gi",
        "true",
        "sum(rate(http_requests_total[5m])) by (job)",
        "rate(x[5m]) > 0.5",
        "up == 0",
        "memory: 512Mi",
        "time() - x > 3600",
        "kubectl apply",
        "systemctl restart",
        "/var/log/app.log",
        "app.py",
        "KEY=value",
        "FREQ=WEEKLY;BYDAY=MO",
        "aws cli",
        "docker compose",
        "docker buildx",
        'view === "list"',
        "docker → kubernetes",
        "./attributes/default.rb",
        "./.github/workflows/build.yaml",
        "terraform {",
        "caller ── plan ──▶ worker",
        "return { status: x }",
        "% of requests",
        "/var > 80%",
        "mail from: a@example.com",
        "def f(): pass",
        "import gc",
        "size 1",
        "Watch for errors in the logs.",
        "docker images are large",
        "make it so",
        "host down",
        "cat",
        "at 10:30 we restarted",
        "500 Internal Server Error",
        "OOMKilled",
        "{'a': 1}",
        "SELECT 1",
        "vault auth = agent",
        "",
        "   ",
        "env",
        "kill",
        "limit 80",
        "count(x) by (y)",
        "let us wait",
        "sleep",
        "read-only",
        "expand the volume now",
        "install the chart",
        "python",
        "date",
    ],
)
def test_prose_names_and_queries_look_like_no_command(text: str) -> None:
    assert not looks_like_command(text)
