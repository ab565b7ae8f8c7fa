"""Whether a piece of text is a command: a program that we know, with arguments that read as such. Prose never is."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell import known
from leakdrill.runbooks.shell.judge import DRAWN, OPERATORS
from leakdrill.runbooks.shell.parse import Tree, parse, walk
from leakdrill.runbooks.shell.programs import builtins
from leakdrill.runbooks.shell.programs.table import Table
from leakdrill.runbooks.shell.programs.wrappers import Wrapper
from leakdrill.runbooks.shell.prompt import PROMPT
from leakdrill.runbooks.shell.words import word

if TYPE_CHECKING:
    from tree_sitter import Node

    from leakdrill.runbooks.shell.programs.call import Judge
    from leakdrill.runbooks.shell.programs.word import Word

ALONE: Final = frozenset(
    {
        "nvidia-smi",
        "uptime",
        "dmesg",
        "vmstat",
        "iostat",
        "mpstat",
        "lscpu",
        "lsblk",
        "htop",
        "nvtop",
        "gpustat",
        "iotop",
        "netstat",
    }
)
"""Programs whose name alone is a command more often than a word of a sentence."""
SENTENCE: Final = frozenset(
    """the a an is are was were be to of and or for with from it its this that these those your our their his in on by as at if when then
    not you we they can will should must may has have had do does into than but so which who whose there here also only more most such
    any some every each all no yes please make sure need needs via using use used after before until while during about""".split()
)
ENGLISH: Final = frozenset(
    """make kill find watch time test top free sort cat host at wait who which date head tail service expand cut split install read script
    last more less export set let type for while until if case look mount sleep stat join paste link touch patch wall write mail batch
    logger look size file strings env command source history trap exec column sync view convert rename task just code open info fold
    route bridge init service at base64 screen expect task patch w ed ex siege hey fio stress k6 uv lock kind salt puppet consul vault
    nomad influx velero flux barman glances most true false yes reset clear man factor dir users groups id trash wipe truncate
    shutdown reboot halt pause import limit alert watch test parallel nice su say go java node ruby perl python docker git helm bash
    sh ps ip ss tc nc ar at fd locust dive popeye stern rabbitmqctl terraform ansible gem bundle go size rename convert info uv""".split()
)
"""Programs whose name a sentence may begin with: an argument must show that a command is meant."""
SHOWING: Final = re.compile(r"^-{1,2}[A-Za-z0-9]|[/$=|<>{}*~@]|\w[._:-]\w|_|^['\"].*['\"]$|^%|\\")
"""What an argument has that a word of a sentence has not."""
_OWN_ARGUMENTS: Final = {
    **dict.fromkeys(("sleep", "kill", "pmap", "pwdx", "renice", "seq", "ulimit"), re.compile(r"\d+")),
    "ps": re.compile(r"(?!all)[auxefwjlH]{1,6}"),
}
"""Arguments by which a program is known that no other sign tells from a word: a bare number, the letters of `ps aux`."""
NEEDS_MORE: Final = frozenset(
    """get describe logs apply delete exec scale patch edit create run drain cordon uncordon cp inspect kill rm stop start pull push
    restart show add install upgrade rollback uninstall set label annotate taint expose attach commit tag checkout clone enable
    compose buildx stack service node swarm network volume system image container config plugin context secret
    disable cat is-active reload mask unmask load save debug suspend resume reconcile trace import silence query""".split()
)
"""Subcommands that are only a name when nothing follows them: `kubectl apply`."""
SCRIPT: Final = re.compile(r"\./(?:[\w.@-]+/)*(?:[\w@-]+|[\w.@-]+\.(?:sh|bash|zsh|ksh|py|pl|exe|bin|run|out))")
"""A path that is a command when nothing follows it."""
BOX: Final = re.compile(r"[\u2500-\u25ff]")
QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
NO_COMMAND: Final = OPERATORS | {"!==", "<-", "is"}
"""Words of source code and of prose behind the name of a program."""
LONGEST: Final = 20_000


@lru_cache(maxsize=2048)
def looks_like_command(text: str) -> bool:
    """Whether a text, inline code or a block that names no language, is shell.

    Prose is never taken for a command: of a program whose name is an English word, an argument must be one that no
    sentence has; and of a program with subcommands, the first must be one that there is.
    """
    stripped = text.strip()
    if not stripped or len(stripped) > LONGEST or re.match(r"\w+\s*\((?!\))", stripped):  # a function of PromQL
        return False
    if prompt := PROMPT.match(stripped):
        return looks_like_command(stripped[prompt.end() :])
    if (drawn := DRAWN.search(QUOTED.sub("", stripped))) and "\n" not in stripped:
        head = QUOTED.sub("", stripped)[: drawn.start()].strip()
        return not BOX.search(stripped) and looks_like_command(head)
    lines = [line for line in stripped.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        return False
    tree = parse(stripped)
    if tree is None:
        return False
    if not tree.root.has_error:
        return _tree_looks_so(tree)
    if len(lines) == 1:
        return False
    good = sum(looks_like_command(line) for line in lines)
    return good * 2 > len(lines) and looks_like_command(lines[0])


def _tree_looks_so(tree: Tree) -> bool:
    statements = list(tree.statements())
    if not statements:
        return False
    judged = [_statement(tree, node) for node in statements]
    return judged[0] and sum(judged) * 2 > len(judged)


def _statement(tree: Tree, node: Node) -> bool:
    """Whether a statement's first command is one, and none of its commands is plainly no program."""
    if node.type in {
        "for_statement",
        "while_statement",
        "if_statement",
        "case_statement",
        "function_definition",
        "c_style_for_statement",
    }:
        return True
    if node.type == "variable_assignment":
        return "$(" in tree.text(node) or any(one.type != "variable_assignment" for one in tree.statements())
    if node.type == "declaration_command":
        return "=" in tree.text(node)
    if node.type == "test_command":
        return False
    commands = [one for one in walk(node) if one.type == "command"]
    if not commands:
        return False
    shell_like = node.type in {"pipeline", "list", "redirected_statement"}
    return _command(tree, commands[0], piped=(shell_like and len(commands) > 1) or node.type == "redirected_statement")


def _command(tree: Tree, node: Node, *, piped: bool) -> bool:
    name = node.child_by_field_name("name")
    if name is None:
        return False
    first = word(tree, name.named_children[0] if name.named_children else name)
    arguments = [word(tree, one) for one in node.children_by_field_name("argument")]
    quoted = {one.start_byte for one in node.children_by_field_name("argument") if one.type in {"string", "raw_string"}}
    texts = [one.text for one in arguments if one.start not in quoted]
    return _reads_as_one(first, arguments, texts, piped=piped)


def _reads_as_one(first: Word, arguments: list[Word], texts: list[str], *, piped: bool) -> bool:
    program = first.text
    judge = known.judge_of(program)
    if re.fullmatch(r"\.{0,2}(?:/[\w.@-]+)+", program) and ("." in program.rpartition("/")[2] or judge is not None):
        return bool(arguments) or SCRIPT.fullmatch(program) is not None
    if judge is None or not first.literal or (texts and texts[-1] == "{"):
        return False
    if program in {"return", "exit", "break", "continue"}:
        return len(texts) == 1 and bool(re.fullmatch(r"\d+|\$.*", texts[0]))
    return _has_arguments_of_one(program, judge, arguments, texts, piped=piped)


def _has_arguments_of_one(program: str, judge: Judge, arguments: list[Word], texts: list[str], *, piped: bool) -> bool:
    """Whether what stands behind the name of a program that we know reads as its arguments."""
    if not arguments:
        return program in ALONE or piped
    if sum(text.lower() in SENTENCE for text in texts) > (1 if any(SHOWING.search(text) for text in texts) else 0):
        return False
    if texts == ["cli"] or NO_COMMAND & set(texts) or any(DRAWN.search(text) for text in texts):
        return False
    if texts and texts[-1].endswith((".", ",", "?", "!", ":")) and len(texts[-1]) > 1 and texts[-1][-2].isalpha():
        return False
    if isinstance(judge, Table):
        return _has_subcommand(judge, texts, [one.text for one in arguments])
    if isinstance(judge, Wrapper) or program in {"sudo", "watch", "env", "time", "nohup", "timeout", "xargs"}:
        return _wraps(texts)
    if program in _words() or program in builtins.OF_THE_SHELL:
        shows = any(SHOWING.search(one.text) for one in arguments) or len(texts) < len(arguments)
        named = bool(texts) and texts[0].endswith(":")  # `mail from: someone@example.com`
        own = _OWN_ARGUMENTS.get(program)
        return piped or (shows and program != "at" and not named) or bool(own and texts and own.fullmatch(texts[0]))
    return True


@cache
def _words() -> frozenset[str]:
    return ENGLISH


def _has_subcommand(table: Table, texts: list[str], whole: list[str]) -> bool:
    plain = [text for text in whole if not text.startswith("-")]
    if not plain:
        return any(text.startswith("--") for text in texts) or bool(texts)
    named = next((text for text in whole if text in table.firsts), None)
    if named is None:
        return False
    behind = whole[whole.index(named) + 1 :]
    return bool(behind) or (named not in NEEDS_MORE and (named in table.entries or named in table.special))


def _wraps(texts: list[str]) -> bool:
    """`sudo systemctl restart x`: the command behind the wrapper's own options must be one."""
    for index, text in enumerate(texts):
        if text.startswith("-") or "=" in text or re.fullmatch(r"\d+[smhd]?", text):
            continue
        return (
            looks_like_command(" ".join(texts[index:]))
            or text in ALONE
            or (
                known.judge_of(text) is not None
                and index + 1 < len(texts)
                and any(SHOWING.search(one) for one in texts[index + 1 :])
            )
        )
    return any(text.startswith("-") for text in texts)
