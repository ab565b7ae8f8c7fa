"""Files that Prometheus and Alertmanager do not read: named for what they are, with the command that renders them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput
from leakdrill.files import read_file
from leakdrill.units import quoted
from leakdrill.yaml_file import MOST_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.yaml_file import Document, Loc

_JSONNET: Final = frozenset({".jsonnet", ".libsonnet"})
_HELM: Final = re.compile(
    r"\{\{-?\s*(?:\$?\.(?:Values|Release|Chart|Capabilities|Template|Files)\b|include\s+\"|template\s+\"|define\s+\""
    r"|(?:if|range|with)\s+[^}]*\$?\.(?:Values|Capabilities|Release)\b)"
)
_JINJA: Final = re.compile(r"\{%-?\s*(?:if|for|set|raw|block|macro)\b")
_LOGQL: Final = re.compile(
    r"\{[^{}]*\}\s*(?:\|=|!=\s*[\"`]|\|~|!~\s*[\"`]|\|\s*(?:json|logfmt|pattern|regexp|unwrap|line_format|label_format)\b)"
)
_NEW_PROMQL: Final = (
    (re.compile(r"\]\s*(?:smoothed|anchored)\b"), "`smoothed` and `anchored` ranges"),
    (re.compile(r"\boffset\s*-?(?:step|range|min|max)?\s*\("), "offsets that are computed"),
    (re.compile(r"\[\s*[\w.() ]+\s*[-+*/^%]"), "ranges that are computed"),
    (re.compile(r"<\s*/|>\s*/"), "the operators `</` and `>/`"),
)
"""Syntax of Prometheus 3 that our parser does not know."""
_LOKI_API: Final = "loki.grafana.com/"

_EXTENSIONS: Final = {
    "partial_response_strategy": "Thanos",
    "source_tenants": "Mimir",
    "evaluation_delay": "Mimir",
    "align_evaluation_time_on_interval": "Mimir",
    "remote_write": "mimirtool",
    "concurrency": "VictoriaMetrics",
    "eval_offset": "VictoriaMetrics",
    "eval_delay": "VictoriaMetrics",
    "eval_alignment": "VictoriaMetrics",
    "params": "VictoriaMetrics",
    "headers": "VictoriaMetrics",
    "notifier_headers": "VictoriaMetrics",
    "tenant": "VictoriaMetrics",
    "type": "VictoriaMetrics",
    "debug": "VictoriaMetrics",
    "update_entries_limit": "VictoriaMetrics",
}
"""Settings of a group or rule that change where or how rules are evaluated, not what they say."""


def refuse_foreign(path: Path) -> None:
    """Does nothing for a file that may hold Prometheus' rules.

    Raises:
        BadInput: when it is a template or a program that has to be rendered first.
    """
    if path.suffix in _JSONNET:
        raise BadInput(
            f"{path}: is Jsonnet, a program; expected the file that it renders to",
            hint=f"jsonnet -J vendor {path} > {path.stem}.json, or `make` as a mixin's own page says",
        )
    try:
        text = read_file(path, most_bytes=MOST_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return  # whoever reads it as YAML says so
    if found := _HELM.search(text):
        raise BadInput(
            f"{path}:{_line(text, found)}: is a template of a Helm chart; expected the file that it renders to",
            hint=f"helm template NAME CHART --show-only templates/{path.name} > {path.stem}.yaml",
        )
    if found := _JINJA.search(text):
        raise BadInput(
            f"{path}:{_line(text, found)}: is a Jinja template; expected the file that it renders to",
            hint="render it with the tool that deploys it, such as ansible or salt, and give the result",
        )


def refuse_other_languages(document: Document, loc: Loc, expr: str, kind: str) -> None:
    """Does nothing for an expression that may be PromQL.

    Args:
        document: holds the rule.
        loc: where its expression is.
        expr: the expression.
        kind: the `type` of its group, which VictoriaMetrics has.

    Raises:
        BadInput: when it is a query of Loki, Graphite or VictoriaLogs.
    """
    top = document.data if isinstance(document.data, dict) else {}
    hint = "a drill rehearses rules over metrics in PromQL; leave those groups out"
    if _LOGQL.search(expr) or str(top.get("apiVersion", "")).startswith(_LOKI_API):
        raise document.wrong(loc, "is LogQL, a query of Loki over logs; Prometheus cannot evaluate it", hint=hint)
    if kind != "prometheus":
        raise document.wrong(loc, f"is of a group of type {quoted(kind)}; Prometheus cannot evaluate it", hint=hint)


def new_syntax(expr: str) -> str | None:
    """Returns what Prometheus 3 made of `expr`, which our parser cannot read; None when nothing points to that."""
    plain = re.sub(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`", '""', expr)
    return next((what for pattern, what in _NEW_PROMQL if pattern.search(plain)), None)


def drop_extensions(owner: dict[str, Any]) -> list[str]:
    """Removes from a group or rule the settings that Prometheus does not know; returns a phrase for each of them."""
    known = [key for key in _EXTENSIONS if key in owner]
    for key in known:
        del owner[key]
    return [f"{key}, a setting of {_EXTENSIONS[key]}" for key in known]


def _line(text: str, found: re.Match[str]) -> int:
    return text.count("\n", 0, found.start()) + 1
