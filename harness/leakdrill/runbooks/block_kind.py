"""What a block of code is that is no shell: told by its language where that is true, else by its shape."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

from leakdrill.errors import BadInput
from leakdrill.runbooks.base.kind import FragmentKind
from leakdrill.runbooks.languages import CODE, DATA, OTHER_QUERIES, OTHER_SHELLS, OUTPUTS, PROSE, QUERIES, SETTINGS
from leakdrill.runbooks.named_parts import bound
from leakdrill.runbooks.promql_text import is_query, queries_of
from leakdrill.runbooks.rule_text import holds_rules
from leakdrill.yaml_file import parse_yaml

_TELLS_OUTPUT: Final = re.compile(
    r"\b(?:output|outputs|response|responses|respond|responds|returns?|results?|prints?|shows?|look(?:s|ing)? like"
    r"|see|similar|example|sample|logs?|log (?:line|entr)\w*|message|messages|error|errors|answers?)\b",
    re.IGNORECASE,
)
_KEY: Final = re.compile(
    r"[a-z_$.][\w.$/-]*|[A-Z][A-Z0-9_]+|apiVersion|[a-z]+(?:[A-Z][a-z]+)+|[A-Z][a-z]+(?:[A-Z][a-z]+)+"
)
_INI: Final = re.compile(r"^\s*\[[\w .:\"/-]+\]\s*$\n(?:\s*[#;].*\n|\s*\n)*\s*[\w.-]+\s*=", re.MULTILINE)
_DIRECTIVE: Final = re.compile(r"^\s*[\w/.*\"$~^-][^={}()\n]*\{\s*$", re.MULTILINE)
_SEMICOLONS: Final = re.compile(r"^\s*[a-z_]+\s[^;{}=()]*;\s*$", re.MULTILINE)
_DOCKERFILE: Final = re.compile(r"^FROM\s+\S+|^(?:RUN|COPY|ENTRYPOINT|CMD|ENV|WORKDIR)\s+\S", re.MULTILINE)
_UNIT: Final = re.compile(r"^\[(?:Unit|Service|Install|Timer|Socket)\]\s*$", re.MULTILINE)
_CODE: Final = re.compile(
    r"^\s*(?:from\s+[\w.]+\s+import\s|import\s+[\w.{\"' ]+(?:;|$)|def\s+\w+\s*\(|class\s+\w+.*[:{]\s*$"
    r"|func\s+(?:\([^)]*\)\s*)?\w+\("
    r"|package\s+\w+\s*$|(?:public|private)\s+\w+|(?:const|let|var)\s+\w+\s*(?::\s*\w+)?=|#include\s*<|console\.log\(|async\s+def\s"
    r"|function\s+\w+\s*\([^)]+\)\s*\{\s*(?:$|//)|with\s+\w.*:\s*$|for\s+\w+\s+in\s+.*:\s*$|try:\s*$|fn\s+\w+|use\s+\w+::)",
    re.MULTILINE,
)
_SQL: Final = re.compile(
    r"^\s*(?:SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|(?:DROP|TRUNCATE|ALTER|CREATE)\s+(?:TABLE|INDEX|DATABASE|USER|ROLE)"
    r"|SHOW\s+\w+|EXPLAIN\s|VACUUM\b|ANALYZE\b|WITH\s+\w+\s+AS\s*\()"
    r"|^\s*(?:GRANT|REVOKE|ALTER|BEGIN|COMMIT|ROLLBACK|REINDEX|COPY|LOCK|DROP|CREATE|CALL|OPTIMIZE|CLUSTER)\b[^;]*;",
    re.IGNORECASE,
)
_LOG: Final = re.compile(
    r"^\s*(?:\[?\d{4}[-/]\d\d[-/]\d\d[T ]|\[?\d\d:\d\d:\d\d|[IWEF]\d{4} \d\d:|(?:ts|time|level)="
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:"
    r"|\{\"|(?:INFO|WARN|WARNING|ERROR|DEBUG|FATAL|PANIC)\b|Traceback|\s+at\s|goroutine\s\d|panic:|error:|Error:|fatal:"
    r"|\d{1,3}(?:\.\d{1,3}){3}\s)",
    re.MULTILINE,
)
_TABLE: Final = re.compile(
    r"^\s*[A-Z][A-Z0-9_%/() -]*(?:\s{2,}[A-Z%][A-Z0-9_%/() -]*)+\s*$|^\s*[+|][-=+|]{3,}", re.MULTILINE
)
_COLUMNS: Final = re.compile(r"\S+(?:\s{2,}\S+){2,}")
_METRIC: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?::[\w:]+)?")
_MERMAID: Final = re.compile(
    r"\s*(?:(?:graph|flowchart)\s+(?:TD|TB|LR|RL|BT)\b|sequenceDiagram\b|gantt\b|stateDiagram)"
)
_NOWHERE: Final = Path("runbook")
_FEW: Final = 3


class BlockKind(NamedTuple):
    """What a block is, and why; whether it says so itself, so that a language that says otherwise is wrong."""

    kind: FragmentKind
    reason: str
    is_sure: bool = True


_RULES: Final = BlockKind(FragmentKind.RULE, "it has rules with an alert or a record and an expression")
_BY_LANGUAGE: Final = (
    (CODE, FragmentKind.CODE),
    (QUERIES, FragmentKind.QUERY),
    (SETTINGS, FragmentKind.CONFIGURATION),
    (OUTPUTS, FragmentKind.OUTPUT),
    (PROSE, FragmentKind.PROSE),
)


def kind_by_language(language: str, text: str, before: str) -> BlockKind | None:
    """Returns what a block in a `language` that is no shell is; None where the language says nothing."""
    if language in DATA:
        return _data(text, language, before)
    if language in QUERIES and holds_rules(text):
        return _RULES
    if language in OTHER_QUERIES:
        return BlockKind(FragmentKind.QUERY, f"{OTHER_QUERIES[language]}, which Prometheus does not evaluate")
    if language in OTHER_SHELLS:
        return BlockKind(FragmentKind.UNKNOWN, f"{OTHER_SHELLS[language]}, which is not read here")
    kind = next((kind for languages, kind in _BY_LANGUAGE if language in languages), None)
    return None if kind is None else BlockKind(kind, f"its fence says that it is {language}")


def _data(text: str, language: str, before: str) -> BlockKind:
    if holds_rules(text):
        return _RULES
    if language.startswith(("json", "ndjson")) and _is_told_as_output(before):
        return BlockKind(FragmentKind.OUTPUT, "the text before it says that it is what something answers")
    if re.search(r"^status:\s*$", text, re.MULTILINE):
        return BlockKind(FragmentKind.OUTPUT, "it has a status, which an answer has and a setting has not")
    return BlockKind(FragmentKind.CONFIGURATION, f"its fence says that it is {language}")


def kind_by_shape(text: str, before: str) -> BlockKind:
    """Returns what a block without a language is, and one whose language may be wrong; it holds no command."""
    output = _is_told_as_output(before)
    if holds_rules(text):
        return _RULES
    if _json(text) is not None:
        kind = FragmentKind.OUTPUT if output else FragmentKind.CONFIGURATION
        return BlockKind(kind, "it is JSON" + (", told as what something answers" if output else ""))
    for is_such, kind, reason in _SHAPES:
        if is_such(text):
            return BlockKind(kind, reason)
    if output or _is_aligned(text):
        return BlockKind(FragmentKind.OUTPUT, "its columns, or the text before it, say so", is_sure=False)
    return BlockKind(FragmentKind.PROSE, "no command, query or setting was recognised in it", is_sure=False)


def is_sql(text: str) -> bool:
    """Returns whether `text` begins with a statement of SQL."""
    return _SQL.match(re.sub(r"^\s*(?:--.*\n\s*)+", "", text)) is not None


def _is_told_as_output(before: str) -> bool:
    last = before.rsplit("\n", 1)[-1]
    return _TELLS_OUTPUT.search(re.split(r"(?<=[.!?])\s", last)[-1]) is not None


def _uncommented(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#"))


def _json(text: str) -> Any | None:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(bound(text))
    except (ValueError, RecursionError):
        return {} if re.match(r'\s*[{\[]\s*\n?\s*"[\w.-]+"\s*:', text) else None


def _is_log(text: str) -> bool:
    lines = [line for line in text.split("\n") if line.strip()]
    return bool(lines) and sum(bool(_LOG.match(line)) for line in lines) * 2 >= len(lines)


def _is_settings(text: str) -> bool:
    if _INI.search(text) or _UNIT.search(text) or _DOCKERFILE.search(text):
        return True
    if _DIRECTIVE.search(text) and "}" in text and not _CODE.search(text):
        return True
    plain = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith(("#", ";"))]
    if plain and all(_SEMICOLONS.match(line) for line in plain):
        return True
    if plain and all(re.match(r"\s*[a-zA-Z_][\w.-]*\s*=\s*\S", line) for line in plain):
        return True
    return _is_mapping(text)


def _is_mapping(text: str) -> bool:
    """Whether it is YAML of keys as programs have them; a message to people has names with blanks and capitals."""
    try:
        data = parse_yaml(bound(text), _NOWHERE, expected="settings", scalars="text").data
    except BadInput:
        return False
    while isinstance(data, list) and data:
        data = data[0]
    return isinstance(data, dict) and all(_KEY.fullmatch(str(key)) for key in data)


def _is_aligned(text: str) -> bool:
    lines = [line for line in text.split("\n") if line.strip()]
    return len(lines) >= _FEW and sum(bool(_COLUMNS.search(line)) for line in lines) * 2 > len(lines)


def _is_promql(text: str) -> bool:
    """Whether it is PromQL; beside a query that cannot be anything else, a metric's name alone is one too."""
    if is_query(_uncommented(text)):
        return True
    queries = [query.strip() for _, query in queries_of(text)]
    return any(map(is_query, queries)) and all(is_query(query) or _METRIC.fullmatch(query) for query in queries)


def _is_diagram(text: str) -> bool:
    return _MERMAID.match(text) is not None


def _was_printed(text: str) -> bool:
    return _TABLE.search(text) is not None or _is_log(text)


def _is_code(text: str) -> bool:
    return _CODE.search(text) is not None


_SHAPES: Final = (
    (_is_diagram, FragmentKind.PROSE, "it is a diagram in Mermaid's language"),
    (_is_promql, FragmentKind.QUERY, "it is PromQL"),
    (_was_printed, FragmentKind.OUTPUT, "it looks like a table or a log that was printed"),
    (_is_settings, FragmentKind.CONFIGURATION, "it is made of settings: keys and values, or blocks of them"),
    (_is_code, FragmentKind.CODE, "it is source code"),
)
