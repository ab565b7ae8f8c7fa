"""A block of a session is taken apart as a person would: what was typed behind a prompt, and what came back."""

from __future__ import annotations

import pytest

from leakdrill.runbooks.printed import reads_as_output
from leakdrill.runbooks.transcript import Piece, is_session, split_output, split_session


def pieces(text: str) -> list[tuple[int, str, str]]:
    split: list[Piece] = split_session(text, "") if is_session(text, "") else split_output(text)
    return [(piece.line, piece.kind.value, piece.text) for piece in split]


def kinds(text: str) -> list[tuple[int, str]]:
    return [(line, kind) for line, kind, _ in pieces(text)]


CONSOLE = """$ kubectl get pods
NAME    READY   STATUS
web-0   1/1     Running
$ kubectl delete pod web-0 \\
>   --now
pod "web-0" deleted
"""


def test_of_a_session_what_was_typed_is_told_from_what_came_back() -> None:
    assert is_session(CONSOLE, "")
    assert pieces(CONSOLE) == [
        (0, "command", "kubectl get pods"),
        (1, "output", "NAME    READY   STATUS\nweb-0   1/1     Running"),
        (3, "command", "kubectl delete pod web-0 \\\n  --now"),
        (5, "output", 'pod "web-0" deleted'),
    ]


@pytest.mark.parametrize(
    "prompt",
    [
        "$ ",
        "root@web1:~# ",
        "[root@web1 ~]# ",
        "[root@web1 ~]#",
        "ops@web1:/srv$ ",
        "bash-5.1$ ",
        "sh-4.4# ",
        "% ",
        "(venv) ops@web1:~/shop$ ",
        "ops@web1:~$ $ ",
        "➜  shop git:(main) ✗ ",
        "➜ ",
        "$> ",
        "laptop:~/shop anna$ ",
        "web1:~$ ",
    ],
)
def test_prompts_of_many_kinds_are_known(prompt: str) -> None:
    text = f"{prompt}df -h\nFilesystem      Size  Used\n"
    assert pieces(text)[0] == (0, "command", "df -h")
    assert kinds(text)[1:] == [(1, "output")]


def test_behind_the_prompt_of_a_machine_anything_is_a_command() -> None:
    assert pieces("root@web1:~# hatool\nup 3\n") == [(0, "command", "hatool"), (1, "output", "up 3")]


@pytest.mark.parametrize(
    "text", ["# df -h shows it\ndf -h", "ls > f\ncat f", "[ -f x ] && ls", "echo a # $ b", "cat <<EOF\n> x\nEOF"]
)
def test_a_script_is_no_session(text: str) -> None:
    assert not is_session(text, "bash")


def test_output_without_prompts_is_told_from_commands() -> None:
    text = (
        "kubectl get pods\nNAME    READY   STATUS    RESTARTS\nweb-0   1/1     Running   0\n\n"
        "kubectl top pods\nerror: Metrics API not available\n2026-01-02 03:04:05 something happened\n"
    )
    assert kinds(text) == [(0, "command"), (1, "output"), (4, "command"), (5, "output")]


def test_a_quote_in_a_line_of_output_hides_no_command() -> None:
    text = "kubectl get pods\nError: can't reach it\nkubectl get nodes\nError: don't know it\n"
    assert kinds(text) == [(0, "command"), (1, "output"), (2, "command"), (3, "output")]


def test_a_quote_that_nobody_closes_hides_no_command() -> None:
    assert kinds("echo 'a\nNAME    READY   STATUS\nkubectl get pods\n") == [
        (0, "command"),
        (1, "output"),
        (2, "command"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "declare -A limits=(\n  [web]=1\n  [db]=2\n)",
        "(\n  cd /srv\n  uptime\n)",
        "for p in a b; do\n  kubectl top pod $p\ndone",
        "x=$(kubectl get pods \\\n  -o name)",
        "while read -r id; do\n  q=$(jq '\n  {\n   a:{\n    b:1\n   }\n  }\n  ')\n  # One, two, three.\ndone < ids",
        "shopctl login     # interactive, saves a token",
    ],
)
def test_what_a_shell_reads_as_one_is_not_cut(text: str) -> None:
    assert [kind for _, kind in kinds(text)] == ["command"]


def test_a_word_that_opens_a_loop_in_prose_hides_no_output() -> None:
    assert kinds("kubectl get pods\nif it is down, wait\nNAME    READY   STATUS\n")[-1] == (2, "output")


def test_rows_below_a_table_are_output_though_they_read_as_pipes() -> None:
    text = "psql -c 'select 1'\n role  | member of\n-------+---------\nadmin  | monitor, reader\n"
    assert kinds(text) == [(0, "command"), (1, "output")]


@pytest.mark.parametrize(
    "line", ["shop.closed = true", "queue = Queue.new('jobs')", 'order = Order.find("7")', "shop.save"]
)
def test_code_that_is_typed_at_a_console_is_no_output(line: str) -> None:
    assert not reads_as_output(line)


@pytest.mark.parametrize("line", ["frobnicate --all", "mytool run   --fast", "./deploy.sh", "A=1 frob", "FOO=1"])
def test_a_command_is_no_output_though_its_program_is_unknown(line: str) -> None:
    assert not reads_as_output(line)


@pytest.mark.parametrize("line", ["mysql -h db -u admin -p", "mysql --version", "sqlite3 a.db .tables"])
def test_a_client_that_is_called_is_no_prompt(line: str) -> None:
    assert kinds(f"aws ec2 describe-instances\n{line}\nkubectl get pods\n") == [(0, "command")]


@pytest.mark.parametrize("prompt", ["mysql>", "MariaDB [shop]>", "shop=#", "shop=>", "shop-#", "sqlite>"])
def test_the_prompts_of_databases_are_known(prompt: str) -> None:
    assert pieces(f"{prompt} SELECT 1;\n 1\n")[0] == (0, "sql", "SELECT 1;")


def test_a_dollar_without_a_blank_before_a_program_is_a_prompt() -> None:
    assert pieces("$git checkout -b mine\nSwitched to a new branch\n") == [
        (0, "command", "git checkout -b mine"),
        (1, "output", "Switched to a new branch"),
    ]


def test_a_command_without_a_prompt_is_found_in_a_session() -> None:
    text = "ssh -i key ops@web1\nroot@web1:~# df -h\nFilesystem      Size  Used\nkubectl delete pod web-0\n"
    assert kinds(text) == [(0, "command"), (1, "command"), (2, "output"), (3, "command")]


@pytest.mark.parametrize(
    "line",
    [
        "top - 07:22:45 up 567 days, 18:35,  1 user,  load average: 22.49, 22.68",
        "nginx   1827   99999 /usr/sbin/nginx -f /etc/nginx/nginx.conf",
        "python x.py  79.85s user 2.78s system 98% cpu 1:23.76 total",
        "git      23079 12827 77 13:00 ?        00:00:24 git --git-dir /srv",
    ],
)
def test_output_of_a_session_that_begins_with_a_program_is_output(line: str) -> None:
    assert kinds(f"$ uptime\n{line}\n") == [(0, "command"), (1, "output")]


@pytest.mark.parametrize(
    "line",
    [
        "diff --git a/x.py b/x.py",
        "index ad05cbb..4b4480e 100644",
        "commit 0a8c473a98866f99789a382ff8edbb324f6e35f0 (HEAD)",
        "GET / HTTP/1.1",
        "→ the pod is gone",
        "caller ── plan ──▶ worker",
        "Router's DNS may be slow",
        "Now DNS works",
        "systemd (PID 1)",
        "address = which lines to act on",
        "☐ 4. Is the address allowed?",
        "✅ It answers",
        "  Depends on an old version of it",
        "search domain[16] : shop.example.com",
        "nameserver[0] : 10.0.0.1",
        "with shop_resource.mine,",
        "reboot ------------------------------------------ 0.09s",
        "Pods + volumes keep running",
        "</details>",
    ],
)
def test_what_is_drawn_told_or_printed_is_no_command(line: str) -> None:
    assert reads_as_output(line)


def test_what_curl_says_that_it_sends_is_output() -> None:
    assert kinds("$ curl -v http://web\n> GET / HTTP/1.1\n> Host: web\n") == [(0, "command"), (1, "output")]


def test_a_remark_behind_an_arrow_hides_no_command() -> None:
    text = "docker stop web         → it ends\ndocker rm web           → it is gone\n"
    assert not is_session(text, "")
    assert kinds(text) == [(0, "command")]


def test_a_pipe_goes_on_into_a_line_that_reads_as_a_command() -> None:
    text = "$ kubectl logs web | \\\ngrep -c error\n12\n"
    assert kinds(text) == [(0, "command"), (2, "output")]


def test_braces_around_commands_are_a_group_and_around_data_are_output() -> None:
    assert [kind for _, kind in kinds("{\n  read first\n  cat\n} < list.txt\n")] == ["command"]
    assert kinds('kubectl get pods\n{\n  "a": 1\n}\n') == [(0, "command"), (1, "output")]
