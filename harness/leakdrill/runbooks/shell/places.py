"""The paths and hosts that a command names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leakdrill.runbooks.shell.judge import Judgement
    from leakdrill.runbooks.shell.programs.word import Word

PATH: Final = re.compile(r"(?:(?:~|\.{1,2})?/|~$)[^\s:;,|&<>()'\"]*")
FILE: Final = re.compile(
    r"[\w<>{}$./-]+\.(?:ya?ml|json|sql|sh|py|log|txt|conf|cfg|ini|toml|csv|pem|crt|key|tar|gz|tgz|zip|env|properties|xml|hprof|prof|pprof|rules|"
    r"out|dump|bak|tf|rdb|db|service|pid|sock|md)"
)
URL: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^/@\s'\"]*@)?(\[[0-9a-fA-F:]+\](?::\d+)?|[^/\s'\"?#),;]+)", re.IGNORECASE
)
HOST_PORT: Final = re.compile(r"[A-Za-z0-9<{$][\w.<>{}$-]*:\d{2,5}(?=/|$)")
KNOCKS: Final = frozenset({"ping", "ping6", "nc", "ncat", "telnet", "traceroute", "tracepath", "nslookup", "host"})
KNOCKS_BEFORE: Final = r"[a-z6]+|\d+|-[zvn46u]+"
"""What stands before the name of a host: the program, a number, or an option without a value."""
LONGEST: Final = 2_000
"""Characters of a word in which a path or a host is looked for."""
CLIENTS: Final = frozenset(
    {"redis-cli", "psql", "mysql", "mysqladmin", "pg_isready", "valkey-cli", "pg_dump", "mysqldump", "mongo", "mongosh"}
)
IN_CONNECTION: Final = re.compile(r"\bhost=([\w.-]+)")
"""A host in the words of a connection to a database."""
NAMES_HOST: Final = frozenset(
    {
        "ping",
        "ping6",
        "dig",
        "nslookup",
        "host",
        "traceroute",
        "mtr",
        "nc",
        "ncat",
        "telnet",
        "tracepath",
        "arping",
    }
)


def paths_in(words: Iterable[Word]) -> tuple[str, ...]:
    """Returns the paths among words, each once, in order."""
    found: dict[str, None] = {}
    for word in words:
        text = word.text
        if len(text) > LONGEST or " " in text or "\n" in text or "://" in text:
            continue
        for part in (text, text.partition("=")[2], text.removeprefix("@")):
            if part.startswith("/dev/null") or len(part) < 2:  # noqa: PLR2004
                continue
            if PATH.fullmatch(part) or FILE.fullmatch(part):
                found.setdefault(part)
                break
    return tuple(found)


def hosts_in(judgement: Judgement) -> tuple[str, ...]:
    """Returns the hosts that a command talks to, with their ports, each once, in order."""
    found: dict[str, None] = dict.fromkeys(judgement.hosts)
    words = judgement.words
    client = ""
    for index, word in enumerate(words):
        text = word.text
        if word.text in judgement.tools:
            client = word.text
        if len(text) > LONGEST:
            continue
        if " " not in text:
            for match in URL.finditer(text):
                found.setdefault(match[1])
            if "://" not in text and HOST_PORT.match(text):
                found.setdefault(HOST_PORT.match(text)[0])  # type: ignore[index]
        for host in _hosts_of_client(client, words, index):
            found.setdefault(host)
    return tuple(found)


def _hosts_of_client(client: str, words: list[Word], index: int) -> list[str]:
    """The hosts that the word at `index` names to `client`."""
    text = words[index].text
    if client in CLIENTS:
        if text in {"-h", "--host"} and index + 1 < len(words):
            return [_with_port(words, index)]
        joined = re.fullmatch(r"(?:-h(?!elp$)|--host=)([\w.-]+)", text)
        database = text.partition("/")[0] if client.startswith("mongo") else ""
        return [joined[1]] if joined else [database] if _is_host(database) else IN_CONNECTION.findall(text)
    if client in NAMES_HOST and text != client:
        server = text.removeprefix("@")
        before = words[index - 1].text if index else ""
        plain = client in KNOCKS and re.fullmatch(r"[A-Za-z][\w-]*", text) and re.fullmatch(KNOCKS_BEFORE, before)
        return [server] if _is_host(server) or plain else []
    return []


def _with_port(words: list[Word], index: int) -> str:
    host = words[index + 1].text
    for at in range(max(0, index - 6), min(len(words) - 1, index + 8)):
        if words[at].text in {"-p", "-P", "--port"} and words[at + 1].text.isdigit():
            return f"{host}:{words[at + 1].text}"
    return host


def _is_host(text: str) -> bool:
    return bool(re.fullmatch(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+|localhost", text)) and not re.fullmatch(
        r"[\d.]{1,4}", text
    )
