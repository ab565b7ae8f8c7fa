"""`leakdrill check`: what cannot work in a scenario, before anything is started."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leakdrill.alerting.cannot_fire import drill_lasts_s, why_it_cannot_fire
from leakdrill.alerting.published_series import published_series, unmatched_selectors
from leakdrill.alerting.routing import read_routing
from leakdrill.alerting.short_times import short_times
from leakdrill.alerting.time_scale import scale_expr
from leakdrill.cli.check_sarif import check_sarif, mistake_sarif
from leakdrill.cli.options import AsJson  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import print_json, print_lines
from leakdrill.cli.run_many import write_report
from leakdrill.errors import BadInput
from leakdrill.printable import printable_json
from leakdrill.runs.catalogue.catalogue import find_scenario
from leakdrill.runs.drill.permission import check_permission, needed
from leakdrill.runs.drill.plan_check import check_plan
from leakdrill.scenario.reader import read_scenario
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOBODY = "http://127.0.0.1:9"


def check(
    scenario: Annotated[str, typer.Argument(help="A scenario file, or a name from `leakdrill scenarios`.")],
    as_json: AsJson = False,
    sarif_file: Annotated[
        Path | None,
        typer.Option("--sarif", metavar="FILE", help="Write SARIF too, with which code hosts annotate files."),
    ] = None,
) -> int:
    """Say what cannot work in a scenario, and which series it will publish; nothing is started. Exits 0 or 3."""
    path = find_scenario(scenario)
    try:
        found = _examined(path)
    except BadInput as e:
        if sarif_file is not None:
            write_report(sarif_file, printable_json(mistake_sarif(e, path)))
        raise
    if sarif_file is not None:
        write_report(sarif_file, printable_json(check_sarif(found)))
    if as_json:
        print_json(json.dumps(found, indent=2) + "\n")
    else:
        print_lines("\n".join(_lines(found)))
    return 0


def _examined(path: Path) -> dict[str, Any]:
    plan = read_scenario(path)
    alerts = plan.alerts
    routing = (
        None if alerts.routing is None else read_routing(alerts.routing, scale=alerts.time_scale, webhook_url=_NOBODY)
    )
    check_permission(path, plan, ",".join(name for _, _, name in needed(plan)))
    rules = check_plan(path, plan)
    series = published_series(plan, rules)
    return {
        "scenario": plan.name,
        "allow": [{"for": text, "name": name} for _, text, name in needed(plan)],
        "file": str(path),
        "metrics": plan.target.metrics,
        "routing": list(routing.remarks) if routing else [],
        "alerts": [
            {
                "alert": rule.name,
                "labels": dict(rule.labels),
                "file": str(rule.file),
                "line": rule.line,
                "holds_s": rule.for_s / alerts.time_scale,
                "changes_with_time_scale": [*_remarks(rule.expr, alerts.time_scale), *short_times(rule, alerts)],
                "cannot_fire": why_it_cannot_fire(rule, alerts, lasts_s=drill_lasts_s(plan)),
                "finds_nothing": unmatched_selectors(rule, series, rules.recordings),
            }
            for rule in rules.alerts
        ],
        "series": [{"name": one.name, "labels": dict(one.labels)} for one in series],
    }


def _remarks(expr: str, scale: float) -> list[str]:
    return [] if scale == 1 else [str(remark) for remark in scale_expr(expr, scale).remarks]


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['file']}: {found['scenario']}: nothing is wrong with the plan"
    yield from (f"routing: {remark}" for remark in found["routing"])
    for permission in found["allow"]:
        yield f"{permission['for']}: `leakdrill run` needs --allow {permission['name']}"
    for alert in found["alerts"]:
        severity = alert["labels"].get("severity")
        name = f"{alert['alert']} ({severity})" if severity else alert["alert"]
        yield f"alert {name}: must hold for {show_duration(alert['holds_s'])} of rehearsal time"
        if alert["cannot_fire"]:
            yield f"  cannot fire in this drill: {alert['cannot_fire']}"
        yield from (f"  not as in production: {remark}" for remark in alert["changes_with_time_scale"])
        for selector in alert["finds_nothing"]:
            own = f"; the service's own {found['metrics']} may have it" if found["metrics"] else ""
            yield f"  finds no series of the drill: {selector}{own}"
    yield from _series_lines(found["series"])


def _series_lines(series: list[dict[str, Any]]) -> Iterator[str]:
    """The names of the series, below the labels that they share; where those of one name differ, their values."""
    by_name: dict[str, list[dict[str, str]]] = {}
    for one in series:
        by_name.setdefault(one["name"], []).append(one["labels"])
    by_labels: dict[str, list[str]] = {}
    for name, all_labels in by_name.items():
        values = {key: list(dict.fromkeys(labels.get(key, "") for labels in all_labels)) for key in all_labels[0]}
        shared = [
            f"{key}={json.dumps(found[0], ensure_ascii=False)}" for key, found in values.items() if len(found) == 1
        ]
        differ = [f"{key}: {', '.join(found)}" for key, found in values.items() if len(found) > 1]
        by_labels.setdefault(", ".join(shared), []).append(f"{name} ({'; '.join(differ)})" if differ else name)
    for labels_text, names in by_labels.items():
        yield f"series with {labels_text}:"
        yield from (f"  {name}" for name in names)
