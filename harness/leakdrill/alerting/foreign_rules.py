"""Files that Prometheus and Alertmanager do not read: named for what they are, with the command that renders them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput
from leakdrill.files import read_file
from leakdrill.units import quoted
from leakdrill.yaml_file import MOST_BYTES
from leakdrill.yaml_syntax import is_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.yaml_file import Document, Loc

_JSONNET: Final = frozenset({".jsonnet", ".libsonnet"})
_MARKDOWN: Final = frozenset({".md", ".markdown", ".mdx"})
_FENCE: Final = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_COMMENT: Final = re.compile(r"^[ \t]*#.*", re.MULTILINE)
_CHART: Final = re.compile(r"\{\{-?[^}]*?\$?\.(?:Values|Release|Chart|Capabilities|Template|Files)\.\w")
"""What only Helm renders: Prometheus and Alertmanager have a `.Values`, too, but nothing below it."""
_OWN: Final = re.compile(r"\{\{-?\s*(?:include|tpl|toYaml)\b")
_ACTION: Final = re.compile(r"\{\{-?\s*(include|template|define|block|if|range|with|end|else|tpl|toYaml)\b")
_CONTROL: Final = re.compile(r"^[ \t]*\{\{-?\s*(?:include|if|range|with|end|else)\b", re.MULTILINE)
_UNQUOTED: Final = re.compile(r"^[ \t-]*([\w.-]+): +(\{\{[^}\n]*\}\})", re.MULTILINE)
_MANIFEST: Final = re.compile(r"^apiVersion:", re.MULTILINE)
_KIND: Final = re.compile(r"^kind: *[\"']?(\w+)", re.MULTILINE)
_BETWEEN: Final = re.compile(r"^---.*$", re.MULTILINE)
_DEFINITION: Final = "CustomResourceDefinition"
_ERB: Final = re.compile(r"<%[=-]?\s")
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
    # A comment is nobody's template; its line stays, so that lines are counted right.
    bare = _COMMENT.sub("", text)
    _refuse_definitions(path, bare)
    _refuse_pages(path, text)
    if "{{" in bare:
        _refuse_helm(path, bare)
    for pattern, what, tool in (
        (_JINJA, "a Jinja template", "such as ansible or salt"),
        (_ERB, "an ERB template", "such as bosh or puppet"),
    ):
        if found := pattern.search(bare):
            raise BadInput(
                f"{path}:{_line(bare, found)}: is {what}; expected the file that it renders to",
                hint=f"render it with the tool that deploys it, {tool}, and give the result",
            )


def is_definition(value: Any) -> bool:
    """Returns whether `value` defines a kind of manifest: it holds no rules and no routing, whatever its keys are."""
    return isinstance(value, dict) and value.get("kind") == _DEFINITION


def _refuse_definitions(path: Path, bare: str) -> None:
    """Refuses a file of which every document is a definition; `bare` is its text without comments."""
    documents = [document for document in _BETWEEN.split(bare) if document.strip()]
    kinds = [found for document in documents if (found := _KIND.search(document))]
    if kinds and len(kinds) == len(documents) and all(kind[1] == _DEFINITION for kind in kinds):
        line = _line(bare, next(_KIND.finditer(bare)))
        raise BadInput(
            f"{path}:{line}: is a {_DEFINITION}, which says what manifests of a kind hold; expected a manifest"
        )


def _refuse_pages(path: Path, text: str) -> None:
    if path.suffix.lower() in _MARKDOWN or (_FENCE.search(text) and not is_yaml(text)):
        raise BadInput(
            f"{path}: is a Markdown page; expected the file that it shows",
            hint="copy the YAML between its ``` lines into a file",
        )


def _refuse_helm(path: Path, bare: str) -> None:
    """Refuses what Helm renders: what is no YAML for its template actions, or a manifest that names the chart."""
    chart = _CHART.search(bare)
    if is_yaml(bare):
        if chart is not None and _MANIFEST.search(bare):
            raise _is_helm(path, bare, chart)
        return
    outside = next((found for found in _ACTION.finditer(bare) if not _is_quoted(bare, found)), None)
    if outside is not None and outside[1] == "define" and chart is None:
        raise BadInput(
            f"{path}:{_line(bare, outside)}: is a file of templates (`define`); expected the file that uses them"
        )
    own = next((found for found in (chart, _OWN.search(bare)) if found and not _is_quoted(bare, found)), None)
    helms = _CONTROL.search(bare) or own or (outside if _MANIFEST.search(bare) else None)
    if helms is not None:
        raise _is_helm(path, bare, helms)
    if found := _UNQUOTED.search(bare):
        raise BadInput(
            f"{path}:{_line(bare, found)}: {found[1]}: {found[2]} stands outside quotes, so that it is no YAML; "
            "expected it in quotes",
            hint=f"{found[1]}: '{found[2]}'",
        )


def _is_helm(path: Path, text: str, found: re.Match[str]) -> BadInput:
    return BadInput(
        f"{path}:{_line(text, found)}: is a template of a Helm chart; expected the file that it renders to",
        hint=f"helm template NAME CHART --show-only templates/{path.name} > {path.stem}.yaml",
    )


def _is_quoted(text: str, found: re.Match[str]) -> bool:
    """Whether a quote is open on its line where `found` begins."""
    before = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
    return before.count('"') % 2 == 1 or before.count("'") % 2 == 1


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
    if _CHART.search(expr):
        raise document.wrong(loc, "holds a template of a Helm chart; expected what it renders to")
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
