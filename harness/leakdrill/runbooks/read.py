"""Reads a runbook: every command, query, rule and piece of configuration in it, with its class and the reason."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.block_kind import BlockKind, is_sql, kind_by_language, kind_by_shape
from leakdrill.runbooks.fragment import Fragment, FragmentKind, Place, Statement
from leakdrill.runbooks.languages import REDIS, SHELLS, SQL
from leakdrill.runbooks.markdown import Block, read_markdown
from leakdrill.runbooks.printed import reads_as_output
from leakdrill.runbooks.promql_text import is_query
from leakdrill.runbooks.runbook import Runbook
from leakdrill.runbooks.shell.lines import logical_lines, without_comment_lines
from leakdrill.runbooks.shell.prompt import PROMPT
from leakdrill.runbooks.shell.read import read_shell
from leakdrill.runbooks.shell.resembles import SENTENCE, looks_like_command
from leakdrill.runbooks.shell_lines import reads_as_shell
from leakdrill.runbooks.source import read_source
from leakdrill.runbooks.transcript import PieceKind, is_session, split_output, split_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from leakdrill.runbooks.inline import Code
    from leakdrill.runbooks.transcript import Piece

_SHEBANG: Final = re.compile(r"\s*#!.*\b(?:ba|z|k|da)?sh\b")
_RUN: Final = re.compile(r"\b(?:run|runs|running|execute|type|invoke|call|command)\b[^.!?]*:?$", re.IGNORECASE)
_MAY_BE_TYPED: Final = re.compile(r"[a-z][\w.-]*(?: [\w./:@=-]+){1,5}")
_NOT_SHELL: Final = frozenset(
    {FragmentKind.RULE, FragmentKind.QUERY, FragmentKind.CONFIGURATION, FragmentKind.CODE, FragmentKind.OUTPUT}
)


def read_runbook(path: Path) -> Runbook:
    """Returns the runbook in the Markdown file at `path`. Nothing of it is carried out.

    Raises:
        BadInput: when it cannot be read, is no plain file, is binary, is larger than 1 MiB, or is nested too deep.
    """
    text = read_source(path)
    found = read_markdown(text, path)
    fragments = [fragment for block in found.blocks for fragment in _of_block(block)]
    fragments += [fragment for code in found.codes for fragment in _of_code(code)]
    return Runbook(
        path=path,
        title=found.headings[0].text if found.headings else path.name,
        lines=tuple(text.split("\n")),
        headings=tuple(found.headings),
        paragraphs=tuple(found.paragraphs),
        links=tuple(found.links),
        fragments=tuple(sorted(fragments, key=lambda one: (one.line, one.end_line))),
        unclosed=tuple(block.line - 1 for block in found.blocks if not block.closed),
    )


def _of_block(block: Block) -> Iterator[Fragment]:
    language, text = block.language, block.text
    if language in SQL or language in REDIS:
        yield from _of_client(block, 0, text, "redis-cli" if language in REDIS else "psql")
        return
    if not text.strip():
        return
    if language not in SHELLS and (kind := kind_by_language(language, text, block.before)) is not None:
        yield _whole(block, kind)
    elif is_session(text, language):
        for piece in split_session(text, language):
            yield from _of_piece(block, piece)
    elif (other := _other_than_shell(block)) is not None:
        yield _whole(block, other)
    elif is_sql(text):
        yield from _of_client(block, 0, text, "psql")
    else:
        for piece in split_output(text):
            yield from _of_piece(block, piece)


def _other_than_shell(block: Block) -> BlockKind | None:
    """What a block is that holds no command, though its fence may say that it does; None where it holds some."""
    lines = block.text.split("\n")
    stretches = [lines[first : last + 1] for first, last in logical_lines(block.text)]
    starts = ["\n".join(one) for one in stretches if not one[0].lstrip().startswith("#")]
    tagged = block.language in SHELLS
    if not starts:
        text = "it has comments alone"
        return BlockKind(FragmentKind.PROSE, text) if tagged else kind_by_shape(block.text, block.before)
    if reads_as_shell(starts[0]) or _SHEBANG.match(block.text):
        return None
    shape = kind_by_shape(block.text, block.before)
    if tagged and all(reads_as_output(one.split("\n")[0]) for one in starts):
        return shape if shape.kind in _NOT_SHELL else BlockKind(FragmentKind.OUTPUT, "it is what a command printed")
    if tagged:
        return shape if shape.is_sure and shape.kind in _NOT_SHELL and not is_sql(block.text) else None
    if shape.is_sure or not (any(reads_as_shell(line) for line in starts) or _is_told_to_run(starts, block.before)):
        return None if is_sql(block.text) else shape
    return None


def _is_told_to_run(starts: Sequence[str], before: str) -> bool:
    """Whether the text before a block of one line says that it is to be run, and the line may be a command."""
    sentence = re.split(r"(?<=[.!?])\s", before.strip())[-1]
    if len(starts) != 1 or not _RUN.search(sentence) or not _MAY_BE_TYPED.fullmatch(starts[0].strip()):
        return False
    return not any(word.lower() in SENTENCE for word in starts[0].split())


def _whole(block: Block, kind: BlockKind) -> Fragment:
    end = block.line + block.text.count("\n")
    whole = Statement(block.line, end, block.text, kind.kind, kind.reason)
    return Fragment.at(whole, block.place, block.language, block.section)


def _of_piece(block: Block, piece: Piece) -> Iterator[Fragment]:
    if piece.kind is PieceKind.OUTPUT:
        text = piece.text
        output = BlockKind(FragmentKind.OUTPUT, "it is what a command printed")
        yield _whole(replace(block, line=block.line + piece.line, text=text), output)
    elif piece.kind is PieceKind.COMMAND:
        yield from _of_shell(piece.text, block.line + piece.line, block.place, block.language, block.section)
    else:
        client = "redis-cli" if piece.kind is PieceKind.REDIS else "psql"
        yield from _of_client(block, piece.line, piece.text, client)


def _of_client(block: Block, line: int, text: str, client: str) -> Iterator[Fragment]:
    """What is typed at the prompt of a database's client is what a shell would hand to that client."""
    first = block.line + line
    one_line = client == "redis-cli" and "\n" not in text
    wrapped = f"redis-cli {text}" if one_line else f"{client} <<'TYPED'\n{text}\nTYPED"
    commands = read_shell(wrapped, first)
    if not commands:
        return
    command = commands[0]
    whole = _whole(replace(block, line=first, text=text), BlockKind(command.kind, command.reason))
    yield replace(whole, undo=command.undo, placeholders=command.placeholders, tools=(client,), parsed=command.parsed)


def _of_shell(text: str, line: int, place: Place, language: str, section: tuple[str, ...]) -> Iterator[Fragment]:
    lines = text.split("\n")
    for one in read_shell(without_comment_lines(text), line):
        text_as_written = _as_written(one, lines[one.line - line : one.end_line - line + 1])
        yield Fragment.at(replace(one, text=text_as_written), place, language, section)


def _as_written(command: Statement, lines: list[str]) -> str:
    """The text of a command with the comments that it has inside."""
    first, *rest = command.text.split("\n")
    if not rest or len(lines) != len(rest) + 1 or first not in lines[0]:
        return command.text
    return "\n".join([first, *lines[1:-1], rest[-1]])


def _of_code(code: Code) -> Iterator[Fragment]:
    prompt = PROMPT.match(code.text)
    text = (code.text[prompt.end() :] if prompt else code.text).strip()
    if not code.is_link and looks_like_command(text):
        yield from _of_shell(text, code.line, code.place, "", code.section)
    elif is_query(text):
        query = Statement(code.line, code.line, text, FragmentKind.QUERY, "it is PromQL")
        yield Fragment.at(query, code.place, "", code.section)
