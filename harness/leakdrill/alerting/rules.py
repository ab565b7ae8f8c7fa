"""Rules files, as their authors deploy them: read, checked, and written again with every duration divided.

With a scale of 1 the file is copied byte for byte, so what Prometheus evaluates is what production evaluates.
"""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.durations import divide_ms, parse_ms, show_ms
from leakdrill.alerting.time_scale import parse, scale_expr
from leakdrill.errors import BadInput
from leakdrill.units import quoted
from leakdrill.yaml_file import dump_yaml, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from leakdrill.yaml_file import Document, Loc

LEAST_INTERVAL_MS: Final = 100
"""Below a tenth of a second Prometheus spends its time on starting evaluations, and skips some."""

_PROMTOOL_TIMEOUT_S: Final = 30
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One alerting rule, in production time.

    Attributes:
        name: its `alert:`.
        labels: as written; a label of the alert may still be filled in by a template.
        expr: PromQL as written.
        for_s: seconds the condition must hold before it fires.
        keep_firing_for_s: seconds it goes on firing after the condition ended.
        group: name of its group.
        file: where it was read from.
        line: of its first key.
    """

    name: str
    labels: Mapping[str, str]
    expr: str
    for_s: float
    keep_firing_for_s: float
    group: str
    file: Path
    line: int


@dataclass(frozen=True, slots=True)
class Written:
    """The files written for Prometheus, and one sentence for each thing that is not as in production."""

    files: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules files that were read and checked."""

    documents: tuple[Document, ...]
    alerts: tuple[AlertRule, ...]

    def write(self, folder: Path, scale: float) -> Written:
        """Write every file into `folder` with its durations divided by `scale`; copied as they are when it is 1."""
        folder.mkdir(parents=True, exist_ok=True)
        written = Written()
        for number, document in enumerate(self.documents):
            name = re.sub(r"[^\w.-]+", "-", document.path.name[-_LONGEST_NAME:], flags=re.ASCII)
            target = folder / f"{number:02d}-{name}"  # Prometheus takes its names for patterns
            if scale == 1:
                shutil.copyfile(document.path, target)
            else:
                scaled = _scaled(document, scale, written.remarks)
                target.write_text(dump_yaml(scaled), encoding="utf-8")
            written.files.append(target)
        return written


def read_rules(paths: Sequence[Path]) -> Rules:
    """The rules in `paths`; `promtool` has the last word on them where it is installed.

    Raises:
        BadInput: `file:line: groups[0].rules[1].expr: what was found; what is expected`.
    """
    documents = tuple(read_yaml(path, expected="a Prometheus rules file") for path in paths)
    alerts = [alert for document in documents for alert in _alerts(document)]
    for path in paths:
        check_with_promtool(path)
    return Rules(documents, tuple(alerts))


def check_with_promtool(path: Path) -> bool:
    """Whether `promtool check rules` looked at `path` and found nothing wrong; False where it is not installed.

    Raises:
        BadInput: with what it found.
    """
    promtool = shutil.which("promtool")
    if promtool is None:
        return False
    command = [promtool, "check", "rules", "--lint=none", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PROMTOOL_TIMEOUT_S, check=False)
    if done.returncode == 0:
        return True
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    errors = "; ".join(
        line for line in lines if line and not line.endswith("FAILED:") and not line.startswith("Checking")
    )
    raise BadInput(f"{errors if str(path) in errors else f'{path}: {errors}'}", hint=f"promtool check rules {path}")


def _rules(document: Document) -> Iterator[tuple[Loc, dict[str, Any], dict[str, Any]]]:
    """Every rule with its place and its group."""
    top = document.mapping(document.data, ())
    if "groups" not in top:
        raise document.wrong((), "has no groups; expected a Prometheus rules file")
    for g, group in enumerate(document.items(top, "groups", ())):
        owner = document.mapping(group, ("groups", g))
        for r, rule in enumerate(document.items(owner, "rules", ("groups", g))):
            loc = ("groups", g, "rules", r)
            yield loc, document.mapping(rule, loc), owner


def _alerts(document: Document) -> Iterator[AlertRule]:
    for loc, rule, group in _rules(document):
        _check(document, loc, rule, group)
        if "alert" in rule:
            yield AlertRule(
                name=str(rule["alert"]),
                labels={
                    str(k): str(v) for k, v in document.mapping(rule.get("labels") or {}, (*loc, "labels")).items()
                },
                expr=str(rule["expr"]),
                for_s=_ms(document, rule, (*loc, "for")) / 1000,
                keep_firing_for_s=_ms(document, rule, (*loc, "keep_firing_for")) / 1000,
                group=str(group.get("name", "")),
                file=document.path,
                line=document.line(loc),
            )


def _check(document: Document, loc: Loc, rule: dict[str, Any], group: dict[str, Any]) -> None:
    if ("alert" in rule) == ("record" in rule):
        raise document.wrong(loc, "expected exactly one of alert and record")
    if "expr" not in rule:
        raise document.wrong(loc, "expr is missing")
    try:
        parse(str(rule["expr"]))
    except ValueError as e:
        raise document.wrong((*loc, "expr"), f"is not PromQL: {e}; found {quoted(rule['expr'])}") from e
    for key in ("interval", "query_offset"):
        _ms(document, group, (*loc[:2], key))


def _ms(document: Document, owner: dict[str, Any], loc: Loc) -> int:
    value = owner.get(str(loc[-1]))
    try:
        return 0 if value is None else parse_ms(value)
    except ValueError as e:
        raise document.wrong(loc, str(e)) from e


def _scaled(document: Document, scale: float, remarks: list[str]) -> dict[str, Any]:
    data: dict[str, Any] = copy.deepcopy(document.data)
    for group in data["groups"] or []:
        _divide(group, "query_offset", scale)
        _divide_interval(group, scale, remarks)
        for rule in group.get("rules") or []:
            _divide(rule, "for", scale)
            _divide(rule, "keep_firing_for", scale)
            scaled = scale_expr(str(rule["expr"]), scale)
            rule["expr"] = scaled.text
            name = rule.get("alert") or rule.get("record")
            remarks.extend(f"{document.path.name}: {name}: {remark}" for remark in scaled.remarks)
    return data


def _divide(owner: dict[str, Any], key: str, scale: float) -> None:
    if owner.get(key) is not None:
        owner[key] = show_ms(divide_ms(parse_ms(owner[key]), scale, floor_ms=1))


def _divide_interval(group: dict[str, Any], scale: float, remarks: list[str]) -> None:
    if group.get("interval") is None:
        return
    was = group["interval"]
    wanted = divide_ms(parse_ms(was), scale)
    group["interval"] = show_ms(divide_ms(parse_ms(was), scale, floor_ms=LEAST_INTERVAL_MS))
    if 0 < wanted < LEAST_INTERVAL_MS:
        remarks.append(
            f"group {group.get('name')}: its interval {was} divided by {scale:g} is {show_ms(wanted)}; "
            f"evaluated every {LEAST_INTERVAL_MS} ms instead, so alerts may fire up to that much later"
        )
