"""Rules files, as their authors deploy them: read, checked, and written again with every duration divided.

With a scale of 1 a rules file is copied byte for byte, so what Prometheus evaluates is what production evaluates; of a
manifest its groups are written as they stand there. Scalars stay as they were written: `page: yes` is a word.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.durations import divide_ms, parse_ms, show_ms
from leakdrill.alerting.foreign_rules import drop_extensions, new_syntax, refuse_other_languages
from leakdrill.alerting.rule_groups import read_rule_groups
from leakdrill.alerting.time_scale import parse, scale_expr
from leakdrill.errors import BadInput
from leakdrill.units import quoted
from leakdrill.yaml_file import dump_yaml, unshared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.alerting.rule_groups import RuleGroups
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
        interval_s: seconds between two evaluations of its group; 0 where the server's own interval counts.
    """

    name: str
    labels: Mapping[str, str]
    expr: str
    for_s: float
    keep_firing_for_s: float
    group: str
    file: Path
    line: int
    interval_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Written:
    """The files written for Prometheus, and one sentence for each thing that is not as in production."""

    files: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules that were read and checked.

    Attributes:
        sources: every list of groups, in the order of the files.
        alerts: the alerting rules of all of them.
        recordings: the expressions of the recording rules, by the name of the series that they make.
    """

    sources: tuple[RuleGroups, ...]
    alerts: tuple[AlertRule, ...]
    recordings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def write(self, folder: Path, scale: float) -> Written:
        """Write a file for each list of groups into `folder`, its durations divided by `scale`.

        A rules file is copied as it is when that is 1 and Prometheus knows every setting in it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        written = Written()
        for number, source in enumerate(self.sources):
            name = re.sub(r"[^\w.-]+", "-", source.document.path.name[-_LONGEST_NAME:], flags=re.ASCII)
            target = folder / f"{number:02d}-{name}"  # Prometheus takes its names for patterns
            groups = _known_to_prometheus(source, written.remarks)
            if scale == 1 and source.whole and groups == source.groups:
                shutil.copyfile(source.document.path, target)
            else:
                _scale(groups, scale, source.document.path.name, written.remarks)
                target.write_text(dump_yaml({"groups": groups}), encoding="utf-8")
            written.files.append(target)
        return written


def read_rules(paths: Sequence[Path]) -> Rules:
    """The rules in the files that `paths` stand for; `promtool` has the last word on them where it is installed.

    Raises:
        BadInput: `file:line: groups[0].rules[1].expr: what was found; what is expected`.
    """
    sources = tuple(source for path in paths for source in read_rule_groups(path))
    alerts = [alert for source in sources for alert in _alerts(source)]
    for source in sources:
        _check_source(source)
    return Rules(sources, tuple(alerts), _recordings(sources))


def check_with_promtool(path: Path) -> bool:
    """Whether `promtool check rules` looked at `path` and found nothing wrong; False where it is not installed.

    Raises:
        BadInput: with what it found.
    """
    errors = _promtool_errors(path)
    if errors:
        told = "; ".join(errors)
        hint = f"promtool check rules {path}{_too_old(errors)}"
        raise BadInput(f"{told if str(path) in told else f'{path}: {told}'}", hint=hint)
    return errors is not None


def _promtool_errors(path: Path) -> list[str] | None:
    """What `promtool check rules` finds wrong with `path`; None where it is not installed."""
    promtool = shutil.which("promtool")
    if promtool is None:
        return None
    command = [promtool, "check", "rules", "--lint=none", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PROMTOOL_TIMEOUT_S, check=False)
    if done.returncode == 0:
        return []
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    told = [line for line in lines if line and not line.endswith("FAILED:") and not line.startswith("Checking")]
    return told or [f"promtool ended with {done.returncode}"]


def _too_old(errors: Sequence[str]) -> str:
    """A phrase for expressions that our own parser has read and promtool cannot; empty for other errors."""
    if not any("parse error" in error for error in errors):
        return ""
    done = subprocess.run(["promtool", "--version"], capture_output=True, text=True, timeout=5, check=False)
    version = re.search(r"version (\d[\d.]*)", done.stdout + done.stderr)
    return f"; promtool is {version[1]}, and names in quotes, `info` and `fill` need 3 or later" if version else ""


def _check_source(source: RuleGroups) -> None:
    groups = _known_to_prometheus(source, [])
    if source.whole and groups == source.groups:
        check_with_promtool(source.document.path)
        return
    with tempfile.TemporaryDirectory(prefix="leakdrill-rules-") as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(dump_yaml({"groups": groups}), encoding="utf-8")
        errors = _promtool_errors(path)
    if errors:
        told = [re.sub(rf"{re.escape(str(path))}:(?: ?\d+:)*\s*", "", error) for error in errors]
        hint = _too_old(errors).removeprefix("; ")
        raise source.document.wrong(_place_of(errors[0], source), "; ".join(told), hint=hint)


def _place_of(error: str, source: RuleGroups) -> Loc:
    """Where the group or rule is that promtool names."""
    group = re.search(r'group "([^"]*)"', error)
    names = [str(one.get("name")) for one in source.groups]
    if group is None or group[1] not in names:
        return source.loc
    loc = (*source.loc, names.index(group[1]))
    rule = re.search(r"rule (\d+)", error)
    return loc if rule is None else (*loc, "rules", int(rule[1]) - 1)


def _known_to_prometheus(source: RuleGroups, remarks: list[str]) -> list[dict[str, Any]]:
    """A copy of the groups without the settings that only other rulers know, which `remarks` name."""
    groups: list[dict[str, Any]] = unshared(source.groups)
    for group in groups:
        for owner in (group, *(group.get("rules") or [])):
            name = owner.get("alert") or owner.get("record") or owner.get("name")
            remarks.extend(
                f"{source.document.path.name}: {name}: left out {dropped}" for dropped in drop_extensions(owner)
            )
    return groups


def _rules(source: RuleGroups) -> Iterator[tuple[Loc, dict[str, Any], dict[str, Any]]]:
    """Every rule with its place and its group."""
    document = source.document
    for g, group in enumerate(source.groups):
        place = (*source.loc, g)
        owner = document.mapping(group, place)
        for r, rule in enumerate(document.items(owner, "rules", place)):
            loc = (*place, "rules", r)
            yield loc, document.mapping(rule, loc), owner


def _alerts(source: RuleGroups) -> Iterator[AlertRule]:
    document = source.document
    for loc, rule, group in _rules(source):
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
                interval_s=_ms(document, group, (*loc[:-2], "interval")) / 1000,
            )


def _recordings(sources: Sequence[RuleGroups]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for source in sources:
        for _, rule, _ in _rules(source):
            if "record" in rule:
                name = str(rule["record"])
                found[name] = (*found.get(name, ()), str(rule["expr"]))
    return found


def _check(document: Document, loc: Loc, rule: dict[str, Any], group: dict[str, Any]) -> None:
    if ("alert" in rule) == ("record" in rule):
        raise document.wrong(loc, "expected exactly one of alert and record")
    if "expr" not in rule:
        raise document.wrong(loc, "expr is missing")
    refuse_other_languages(document, (*loc, "expr"), str(rule["expr"]), str(group.get("type") or "prometheus"))
    try:
        parse(str(rule["expr"]))
    except ValueError as e:
        newer = new_syntax(str(rule["expr"]))
        if newer is not None:
            text = f"uses {newer}, which Prometheus 3 has and a drill cannot scale; found {quoted(rule['expr'])}"
            raise document.wrong((*loc, "expr"), text, hint="write it without them, or leave this rule out") from e
        raise document.wrong((*loc, "expr"), f"is not PromQL: {e}; found {quoted(rule['expr'])}") from e
    for key in ("interval", "query_offset"):
        _ms(document, group, (*loc[:-2], key))


def _ms(document: Document, owner: dict[str, Any], loc: Loc) -> int:
    value = owner.get(str(loc[-1]))
    try:
        return 0 if value is None else parse_ms(value)
    except ValueError as e:
        raise document.wrong(loc, str(e)) from e


def _scale(groups: list[dict[str, Any]], scale: float, file: str, remarks: list[str]) -> None:
    if scale == 1:
        return
    for group in groups:
        _divide(group, "query_offset", scale)
        _divide_interval(group, scale, remarks)
        for rule in group.get("rules") or []:
            _divide(rule, "for", scale)
            _divide(rule, "keep_firing_for", scale)
            scaled = scale_expr(str(rule["expr"]), scale)
            rule["expr"] = scaled.text
            name = rule.get("alert") or rule.get("record")
            remarks.extend(f"{file}: {name}: {remark}" for remark in scaled.remarks)


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
