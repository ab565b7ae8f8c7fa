"""`leakdrill trace`: judge a recording that comes from anywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from leakdrill.cli.named_file import read_named
from leakdrill.cli.option_value import option_value
from leakdrill.cli.output import deliver, print_json, print_lines
from leakdrill.cli.run_many import write_report
from leakdrill.errors import BadInput
from leakdrill.judging.leak.decision_rules import DEFAULT_BUDGET, DEFAULT_LONGEST_TTL_S
from leakdrill.judging.leak.growth_kind import Kind
from leakdrill.judging.leak.leak_verdict import LeakVerdict, judge_trace
from leakdrill.judging.leak.projection import Projection, Survival, project
from leakdrill.judging.recordings.read import DOCKER_STATS_S, read_recording
from leakdrill.reports.page.trace_page import trace_page
from leakdrill.reports.page.write import page_html
from leakdrill.units import (
    DURATION_HELP,
    RATE_HELP,
    SIZE_HELP,
    parse_duration,
    parse_rate,
    parse_size,
    show_count,
    show_duration,
    show_size,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.judging.leak.slope import Slope
    from leakdrill.judging.leak.trace import Trace

_Number = TypeVar("_Number", int, float)

SCHEMA_VERSION: Final = 1
"""Version of the output of `--json`; grows when a field changes its meaning."""


def trace(  # noqa: PLR0913, PLR0917 - one for each option of the command line
    candidate: Annotated[
        Path, typer.Argument(help="A recording, or - for standard input: our CSV, or what another tool wrote.")
    ],
    requests: Annotated[
        Path | None, typer.Option(help="The recording that counts the requests, where the first one does not.")
    ] = None,
    load: Annotated[
        str | None, typer.Option(help="The load of the recording, such as 50/s, where nothing counts requests.")
    ] = None,
    series: Annotated[str, typer.Option(help="A part of the name of the process or container to judge.")] = "",
    every: Annotated[
        str, typer.Option(help="How far apart readings without a time are, such as those of `docker stats`.")
    ] = f"{DOCKER_STATS_S:g}s",
    baseline: Annotated[Path | None, typer.Option(help="A recording of a good build under the same schedule.")] = None,
    budget: Annotated[str, typer.Option(help="The growth per request that passes.")] = f"{DEFAULT_BUDGET:.0f}B",
    survive: Annotated[str | None, typer.Option(help="Sets the budget: this long at --rate within --limit.")] = None,
    rate: Annotated[str | None, typer.Option(help="Production's load, such as 50/s; gives the projection.")] = None,
    limit: Annotated[str | None, typer.Option(help="Production's memory limit, such as 2GiB.")] = None,
    longest_ttl: Annotated[
        str, typer.Option(help="The longest time for which the service keeps anything on purpose.")
    ] = show_duration(DEFAULT_LONGEST_TTL_S).replace(" ", ""),
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    page: Annotated[Path | None, typer.Option(help="Write an HTML page with the chart to this file.")] = None,
) -> None:
    """Say whether the process in a recording leaks. Exits 0 for CLEAN, 1 for LEAK, 2 for UNKNOWN, 3 for bad input."""
    read = partial(
        read_recording,
        read=read_named,
        load_per_s=None if load is None else _parsed(parse_rate, load, "--load", RATE_HELP),
        series=series,
        every_s=_parsed(parse_duration, every, "--every", DURATION_HELP),
    )
    recording = read(candidate, requests=requests)
    production = _production(rate, limit)
    other = read(baseline) if baseline else None
    verdict = judge_trace(
        recording,
        other,
        budget_bytes_per_request=_budget(budget, survive, production, recording),
        longest_ttl_s=_parsed(parse_duration, longest_ttl, "--longest-ttl", DURATION_HELP),
    )
    verdict = replace(verdict, message=verdict.message.replace(" a request", f" {recording.per}"))
    projection = _projection(verdict, production)
    if as_json:
        print_json(_as_json(recording, verdict, projection))
    else:
        print_lines(_as_text(recording, verdict, projection))
    raise typer.Exit(_leave_page(page, recording, other, verdict, projection))


def _leave_page(
    page: Path | None, recording: Trace, other: Trace | None, verdict: LeakVerdict, projection: Projection | None
) -> int:
    """Write the page that was asked for; returns the exit code."""
    code = verdict.outcome.check_outcome.exit_code
    if page is None:
        return code
    html = page_html(trace_page(recording, other, verdict, projection=str(projection or "")))
    return deliver(code, lambda: write_report(page, html))


def _production(rate: str | None, limit: str | None) -> tuple[float, int] | None:
    """Requests a second and the memory limit; None when neither is given."""
    if rate is None and limit is None:
        return None
    if rate is None or limit is None:
        raise BadInput("--rate and --limit belong together; found only one of them", hint="--rate 50/s --limit 2GiB")
    return _parsed(parse_rate, rate, "--rate", RATE_HELP), _parsed(parse_size, limit, "--limit", SIZE_HELP)


def _budget(budget: str, survive: str | None, production: tuple[float, int] | None, recording: Trace) -> float:
    if survive is None:
        return float(_parsed(parse_size, budget, "--budget", SIZE_HELP))
    if production is None:
        raise BadInput("--survive needs --rate and --limit", hint="--survive 30d --rate 50/s --limit 2GiB")
    seconds = _parsed(parse_duration, survive, "--survive", DURATION_HELP)
    promise = Survival(seconds=seconds, requests_per_s=production[0], limit_bytes=production[1])
    return promise.budget(float(recording.resident[-1]) if len(recording) else 0.0)


def _parsed(parse: Callable[[object], _Number], text: str, option: str, expected: str) -> _Number:
    number = option_value(option, text, parse)
    if number <= 0 and option != "--longest-ttl":
        raise BadInput(f'{option}: "{text}" is nothing; expected {expected}, above 0')
    return number


def _projection(verdict: LeakVerdict, production: tuple[float, int] | None) -> Projection | None:
    if production is None or not verdict.judged_points:
        return None
    return project(
        verdict.growth, level_bytes=verdict.level_bytes, limit_bytes=production[1], requests_per_s=production[0]
    )


def _as_json(recording: Trace, verdict: LeakVerdict, projection: Projection | None) -> str:
    facts: dict[str, object] = {
        "schema": SCHEMA_VERSION,
        "word": str(verdict.outcome),
        "outcome": str(verdict.outcome.check_outcome),
        "message": verdict.message,
        "hint": verdict.hint,
        "numbers": verdict.numbers(),
    }
    if recording.understood:
        facts["read_as"] = recording.understood
    if projection is not None:
        facts["projection"] = {
            "expected_s": projection.expected_s,
            "soonest_s": projection.soonest_s,
            "latest_s": projection.latest_s,
        }
    return json.dumps(facts, indent=2) + "\n"


def _as_text(recording: Trace, verdict: LeakVerdict, projection: Projection | None) -> str:
    rows = [
        ("read as", recording.understood),
        ("growth", _interval_text(verdict.growth, recording.per)),
        ("second half", _interval_text(verdict.second_half, recording.per)),
        ("difference", _interval_text(verdict.difference, recording.per) if verdict.difference else ""),
        ("retained", f"{verdict.retained:.1f} B {recording.per}, kept by the allocator" if verdict.retained else ""),
        ("kind", "" if verdict.kind is Kind.NONE else str(verdict.kind)),
        ("level", f"{show_size(verdict.level_bytes)} at the end, {show_size(verdict.peak_bytes)} at its peak"),
        ("judged", _judged(verdict)),
        ("projection", str(projection or "")),
        ("hint", verdict.hint),
    ]
    lines = [
        f"{verdict.outcome}  {recording.name}: {verdict.message}",
        *(f"  {key:<12}{text}" for key, text in rows if text),
    ]
    return "\n".join(lines)


def _interval_text(growth: Slope, per: str) -> str:
    if not growth.points:
        return "not known"
    return f"{growth.per_request:.1f} B {per} ({growth.low:.1f} to {growth.high:.1f})"


def _judged(verdict: LeakVerdict) -> str:
    return (
        f"{show_count(verdict.judged_points, 'point')} of {verdict.column}, "
        f"{show_count(verdict.judged_requests, 'request')} in {show_duration(verdict.judged_s)}, "
        f"after {show_count(verdict.warmup_points, 'point')} of warm-up"
    )
