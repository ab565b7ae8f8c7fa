"""Whether a line of a block is shell, where no fence says so: also of programs that nobody knows but their users.

In prose, only what surely is a command counts as one. A block of code is no prose: a line with a program's name and an
option, a path or a pipe is a command, or the block says otherwise.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from leakdrill.runbooks.shell.judge import NOTE
from leakdrill.runbooks.shell.resembles import SENTENCE, looks_like_command

_ASSIGNED: Final = re.compile(
    r"(?:[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|\$\([^()]*(?:\([^()]*\)[^()]*)*\)|[^\s\"']+)\s+)+(?=[a-z./~])"
)
_SUDO: Final = re.compile(r"sudo\s+(?:-[A-Za-z]+\s+(?:[a-z][\w-]*\s+)?)*")
_PROGRAM: Final = re.compile(r"(?:[a-z][\w.+-]*|[~.]{0,2}/[\w./@+-]+)(?=\s)")
_SHOWS: Final = re.compile(r"\s(?:--?[A-Za-z][\w-]*|['\"]?<[\w -]+>|[~.]{0,2}/\S+|\$[\w({]|[|>]|\\$)")
_KEYWORD: Final = re.compile(
    r"for\s+\w+\s+in\s.*(?:;\s*do\b|[^:]$)|(?:while|until|if)\s.*(?:;\s*(?:do|then)\b|\]$)|case\s+\S+\s+in\b|export\s+\w+="
)
_NO_COMMAND: Final = re.compile(r"[\w.]+\(|\w+\s+=\s|\w+:\s|.*(?<!\.\.)[.?!]$|[a-z][\w-]*:$|\w+\s*[-=]>")
_OPENED: Final = re.compile(r"^[\w-]+(?:\s+(?:\"[^\"]*\"|[\w-]+))*\s+\{$")
_FUNCTION: Final = re.compile(r"[\w-]+\s*\(\)|(?:function|if|for|while|until|case|do|then|else|time)\b")
_OTHERS: Final = frozenset(
    [
        "knife",
        "rake",
        "bundle",
        "be",
        "aptly",
        "sslmate",
        "gitlab-ctl",
        "gitlab-rails",
        "gitlab-psql",
        "gitlab-rake",
        "chef-client",
        "hatop",
        "sshuttle",
        "patronictl",
        "gitlab-patronictl",
        "wal-g",
        "wal-e",
        "virtctl",
        "odf",
        "ocm",
        "ovn-appctl",
        "ovs-appctl",
        "ovn-nbctl",
        "ovn-sbctl",
        "ceph",
        "rados",
        "rbd",
        "chroot",
        "pnpm",
        "npm",
        "yarn",
        "npx",
        "mvn",
        "gradle",
        "poetry",
        "stern",
        "kubectx",
        "kubens",
        "argocd",
        "velero",
        "linkerd",
        "istioctl",
        "cilium",
        "calicoctl",
        "etcdctl",
        "nomad",
        "vault",
        "terraform",
        "ansible",
        "ansible-playbook",
        "salt",
        "gsutil",
        "doctl",
        "mongosh",
        "cqlsh",
        "nodetool",
        "rabbitmqctl",
        "sqlite3",
        "gpg",
        "tctl",
        "tsh",
        "hubble",
        "nerdctl",
        "ctr",
        "crictl",
    ]
)
"""Programs whose name begins no sentence."""
_MOST_OF_A_SENTENCE: Final = 2


@lru_cache(maxsize=2048)
def reads_as_shell(text: str) -> bool:
    """Returns whether a line, with those that carry it on, is a command; to be asked of lines of blocks only."""
    line = NOTE.sub("", text.strip())
    if not line or line.startswith("#"):
        return False
    if _OPENED.search(line) and not _FUNCTION.match(line):  # `terraform {`, `file {`: blocks of settings
        return False
    if looks_like_command(line) or _KEYWORD.match(line):
        return True
    rest = _ASSIGNED.sub("", line, count=1)
    assigned = rest != line
    without = _SUDO.sub("", rest, count=1)
    if _NO_COMMAND.match(without) or sum(word.lower() in SENTENCE for word in without.split()) >= _MOST_OF_A_SENTENCE:
        return False
    found = _PROGRAM.match(without)
    if found is None:
        return without != rest and bool(re.fullmatch(r"[a-z][\w.-]+", without))
    return bool(assigned or found[0] in _OTHERS or _SHOWS.search(without) or without != rest)
