"""Every command of the table is what reading it says; what makes it worse is seen; no text makes the reader fail."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shell_table import CHANGE, DESTRUCTIVE, LOOK, UNKNOWN, commands

from leakdrill.runbooks.base.kind import FragmentKind
from leakdrill.runbooks.shell.programs.effect import BADNESS
from leakdrill.runbooks.shell.read import read_shell

if TYPE_CHECKING:
    from leakdrill.runbooks.base.statement import Statement

LOOKS = commands(LOOK)
TABLE = [
    *((text, FragmentKind.LOOK) for text in LOOKS),
    *((text, FragmentKind.CHANGE) for text in commands(CHANGE)),
    *((text, FragmentKind.DESTRUCTIVE) for text in commands(DESTRUCTIVE)),
    *((text, FragmentKind.UNKNOWN) for text in commands(UNKNOWN)),
]


def worst_of(text: str) -> FragmentKind:
    return max((one.kind for one in read_shell(text)), key=lambda kind: BADNESS[kind])


def only(text: str) -> Statement:
    (command,) = read_shell(text)
    return command


def test_the_table_is_large() -> None:
    assert len(TABLE) >= 300
    assert len({text for text, _ in TABLE}) == len(TABLE)


@pytest.mark.parametrize(("text", "kind"), TABLE)
def test_a_command_is_what_it_does(text: str, kind: FragmentKind) -> None:
    assert worst_of(text) is kind, [(one.text, one.reason) for one in read_shell(text)]


ONE_LINE = [text for text in LOOKS if "\n" not in text]
BESIDE = [
    "{}; rm x",
    "{} && rm x",
    "({}; rm x)",
    "rm $({})",
    "sudo rm x; {}",
    "{} &\nrm x",
    "{} > f",
    "{} 2>> f",
    "{} | tee f",
]


@pytest.mark.parametrize("text", [text for text in ONE_LINE if not text.endswith(("fi", "done"))])
def test_a_look_whose_output_is_deleted_is_destructive(text: str) -> None:
    assert worst_of(f"{text} | xargs kubectl delete") is FragmentKind.DESTRUCTIVE


@pytest.mark.parametrize("form", BESIDE)
def test_a_look_with_something_worse_beside_it_is_none(form: str) -> None:
    assert not [text for text in ONE_LINE if worst_of(form.format(text)) is FragmentKind.LOOK]


PIECES = [*"ab$(){}[]<>|&;'\"`\\ \n\t#!=*?~-/.0é\0\r", "kubectl ", "<<EOF\n", "EOF\n", "$((", "if ", "done", "${"]
ALPHABET = st.sampled_from(PIECES)


@given(st.lists(ALPHABET, max_size=60).map("".join))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_the_reader_fail(text: str) -> None:
    for command in read_shell(text, 7):
        assert 7 <= command.line <= command.end_line
        assert command.text.strip()
        assert command.reason.endswith(".")


@given(
    st.sampled_from(LOOKS),
    st.integers(0, 200),
    st.sampled_from([*"|&;<>()$`'\"\\{}\n", " rm x ", "; rm x;", "$(rm x)"]),
)
@settings(max_examples=300, deadline=None)
def test_no_change_within_a_command_makes_the_reader_fail(text: str, at: int, put: str) -> None:
    read_shell(text[:at] + put + text[at:])


@given(
    st.lists(st.sampled_from([text for text, _ in TABLE]), min_size=1, max_size=6),
    st.sampled_from(["\n", "\n\n", "\n# then\n"]),
)
@settings(max_examples=400, deadline=None)
def test_commands_below_one_another_are_read_as_each_alone(texts: list[str], between: str) -> None:
    alone = [one.text for text in texts for one in read_shell(text)]
    assert [one.text for one in read_shell(between.join(texts))] == alone


def test_an_end_of_line_is_never_taken_for_a_part_of_a_word() -> None:
    kinds = [one.kind for one in read_shell("kubectl get pods\n\\rm f")]
    assert kinds == [FragmentKind.LOOK, FragmentKind.DESTRUCTIVE]


def test_an_end_of_line_is_never_taken_for_a_blank() -> None:
    text = "du -sh /* 2>/dev/null | sort -hr | head -10\n\n# then\nrm -rf /data 2>/dev/null | xargs ls -lh | sort -k5"
    assert [one.kind for one in read_shell(text)] == [FragmentKind.LOOK, FragmentKind.DESTRUCTIVE]
    assert worst_of(f"ssh h <<'EOF'\n{text}\nEOF") is FragmentKind.DESTRUCTIVE


HOSTILE = [
    *(piece * 10_000 for piece in ("(", '"$(', "'", "`", "{ ", "a|", "a&&", "[[ (", "<<A ", "${", "if ", "<(", "$((")),
    *(piece * 20_000 for piece in ("<", "<x", "[a", "x.", "A_", "{a", "a;", "-", "sudo ", "eval ", "sh -c ", "\\\n")),
    *("$(" * 5_000 + "rm x" + ")" * 5_000, "a " * 500_000, "a" * 1_000_000, "ls\n" * 30_000, "\x00" * 100),
    *("f() { f; f; }\nf", ":(){ :|:& };:", "case x in " * 9_000, "sudo " * 5_000 + "rm x", "eval " * 3_000 + "ls"),
    bytes(range(256)).decode("latin-1") * 1_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: f"{text[:12]!r}")
def test_a_hostile_text_is_read_quickly_and_never_called_a_look(text: str) -> None:
    begin = time.process_time()
    kinds = {one.kind for one in read_shell(text)}
    assert time.process_time() - begin < 8
    assert FragmentKind.LOOK not in kinds or text.startswith("ls\n")


def test_a_thousand_commands_take_a_second_at_most() -> None:
    texts = [text for text, _ in TABLE]
    wanted = (texts * (1_000 // len(texts) + 1))[:1_000]
    read_shell("ls")
    begin = time.process_time()
    for text in wanted:
        read_shell(text)
    assert time.process_time() - begin < 2  # 0.4 s on a quiet machine
