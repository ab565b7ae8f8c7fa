"""`leakdrill envelope`: what each alert can see, before anybody is paged."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from leakdrill.alerting.rules import read_rules
from leakdrill.cli.envelope_page import envelope_html
from leakdrill.cli.option_value import option_value
from leakdrill.cli.output import deliver, print_json
from leakdrill.cli.run_many import write_report
from leakdrill.envelope.against import changes, changes_as_json
from leakdrill.envelope.as_json import envelopes_as_json
from leakdrill.envelope.healthy_shapes import HEALTHY_SHAPES
from leakdrill.envelope.leak_shapes import LEAK_SHAPES
from leakdrill.envelope.measure import measure
from leakdrill.envelope.promtool import promtool_version
from leakdrill.envelope.requirement import Requirement, judge
from leakdrill.envelope.search import suggestions
from leakdrill.envelope.settings import DEFAULT_LIMITS, SPEEDS, Settings
from leakdrill.envelope.suggestion_report import print_suggestions, suggestions_as_json
from leakdrill.envelope.terminal import print_envelopes
from leakdrill.errors import BadInput
from leakdrill.record.verdict import Outcome
from leakdrill.reports.console import SafeConsole
from leakdrill.units import (
    DURATION_HELP,
    SHARE_HELP,
    SIZE_HELP,
    parse_duration,
    parse_share,
    parse_size,
    show_duration,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leakdrill.alerting.rules import Rules
    from leakdrill.envelope.against import Change
    from leakdrill.envelope.quantities import Resource
    from leakdrill.envelope.requirement import Judged
    from leakdrill.envelope.suggestion import Suggestions

_T = TypeVar("_T", int, float)
_IN_BYTES: Final = ("memory", "disk", "GPU memory")
_LONGEST_S: Final = 56 * 86_400.0
_MOST_SPEEDS: Final = 100


def envelope(  # noqa: PLR0913, PLR0917 - one for each option of the command line
    rules: Annotated[list[Path], typer.Argument(help="Rules files, folders or patterns.")],
    limit: Annotated[
        list[str] | None, typer.Option(help="The limit: 512MiB of memory, or RESOURCE=NUMBER, such as disk=10GiB.")
    ] = None,
    baseline: Annotated[str, typer.Option(help="How much of the limit is in use before the leak.")] = "35%",
    scrape: Annotated[str, typer.Option(help="Time between two scrapes.")] = "15s",
    evaluate: Annotated[str, typer.Option(help="Time between two evaluations, where a group has none.")] = "30s",
    fastest: Annotated[str, typer.Option(help="The shortest time from the baseline to the kill.")] = "2m",
    slowest: Annotated[str, typer.Option(help="The longest.")] = "4w",
    speeds: Annotated[int, typer.Option(help="How many speeds of the steady leak are tried.")] = SPEEDS,
    only: Annotated[list[str] | None, typer.Option(help="Try this shape only; may be given again.")] = None,
    must_see: Annotated[str | None, typer.Option(help="Leaks that take this long or longer must be seen.")] = None,
    spare: Annotated[str, typer.Option(help="And the alert must leave this much time to spare.")] = "0s",
    no_false_alarms: Annotated[bool, typer.Option("--no-false-alarms", help="None may fire without a leak.")] = False,
    against: Annotated[Path | None, typer.Option(metavar="OLD", help="Say what changed against these rules.")] = None,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Try other ways to write each alert, and print those that see more.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the heat maps as a page.")] = None,
) -> int:
    """Say which leaks each alert sees before the kill, and where it fires for nothing.

    Exits 0 unless a requirement is stated: then 0 where it holds, 1 where not, 2 where that is not known.
    """
    settings = Settings(
        limits=_limits(limit or []),
        baseline=_baseline(baseline),
        scrape_s=_duration(scrape, "--scrape"),
        evaluate_s=_duration(evaluate, "--evaluate"),
        fastest_s=_duration(fastest, "--fastest"),
        slowest_s=_duration(slowest, "--slowest"),
        speeds=_speeds(speeds),
        only=_shapes(only),
    )
    _check_span(settings)
    required = _required(must_see, spare, no_false_alarms=no_false_alarms)
    read = read_rules(rules)
    version = promtool_version()
    found = measure(read, settings)
    judged = judge(found, required) if required else []
    changed = None if against is None else changes(measure(read_rules([against]), settings), found)
    better = suggestions(read, found, settings) if suggest else None
    if as_json:
        print_json(_as_json(envelopes_as_json(found, settings, version, judged), changed, better, read))
    else:
        print_envelopes(found, settings, version, judged, SafeConsole(), changed or ())
        print_suggestions(better or (), read, SafeConsole())
    pages = [] if html is None else [lambda: write_report(html, envelope_html(found, settings, version))]
    return deliver(_exit_code(judged), *pages)


def _exit_code(judged: Sequence[Judged]) -> int:
    worst = max((one.outcome for one in judged), key=lambda one: one.severity, default=Outcome.PASS)
    return worst.exit_code


def _required(must_see: str | None, spare: str, *, no_false_alarms: bool) -> Requirement:
    spare_s = _parsed(parse_duration, spare, "--spare", DURATION_HELP, least=0.0)
    if spare_s and must_see is None:
        raise BadInput("--spare belongs to --must-see; found it alone", hint="--must-see 20m --spare 5m")
    must_see_s = None if must_see is None else _duration(must_see, "--must-see")
    return Requirement(must_see_s=must_see_s, spare_s=spare_s, no_false_alarms=no_false_alarms)


def _as_json(
    facts: dict[str, Any], changed: Sequence[Change] | None, better: Sequence[Suggestions] | None, rules: Rules
) -> str:
    against_old = {} if changed is None else {"changes": changes_as_json(changed)}
    suggested = {} if better is None else {"suggestions": suggestions_as_json(better, rules)}
    return json.dumps({**facts, **against_old, **suggested}, indent=2) + "\n"


def _limits(texts: Sequence[str]) -> dict[Resource, float]:
    limits = dict(DEFAULT_LIMITS)
    names: dict[str, Resource] = {str(name).lower().replace(" ", "-"): name for name in DEFAULT_LIMITS}
    for text in texts:
        name, sign, value = text.partition("=")
        resource = names.get(name.lower()) if sign else "memory"
        if resource is None:
            raise BadInput(f'--limit: "{name}" is no resource; expected one of {", ".join(names)}')
        limits[resource] = _limit(resource, value if sign else text)
    return limits


def _limit(resource: Resource, text: str) -> float:
    if resource in _IN_BYTES:
        return float(_parsed(parse_size, text, "--limit", SIZE_HELP))
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise BadInput(f'--limit: "{text}" is no limit of {resource}; expected a number above 0')
    return number


def _baseline(text: str) -> float:
    share = _parsed(parse_share, text, "--baseline", SHARE_HELP, least=0.0)
    if not 0 <= share < 1:
        raise BadInput(f'--baseline: "{text}" leaves no room for a leak; expected a percentage below 100%')
    return share


def _duration(text: str, option: str) -> float:
    return _parsed(parse_duration, text, option, DURATION_HELP)


def _parsed(parse: Callable[[object], _T], text: str, option: str, expected: str, *, least: float = 1e-3) -> _T:
    number = option_value(option, text, parse)
    if number < least:
        raise BadInput(f'{option}: "{text}" is too little; expected {expected}, above 0')
    return number


def _speeds(speeds: int) -> int:
    if not 1 <= speeds <= _MOST_SPEEDS:
        raise BadInput(f"--speeds: {speeds}; expected 1 to {_MOST_SPEEDS}")
    return speeds


def _shapes(names: Sequence[str] | None) -> frozenset[str] | None:
    known = (*LEAK_SHAPES, *HEALTHY_SHAPES)
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise BadInput(f'--only: "{unknown[0]}" is no shape; expected one of {", ".join(known)}')
    return frozenset(names) if names else None


def _check_span(settings: Settings) -> None:
    if settings.slowest_s < settings.fastest_s:
        raise BadInput("--slowest is shorter than --fastest; expected the longer time")
    if settings.slowest_s > _LONGEST_S:
        raise BadInput(f"--slowest is longer than {show_duration(_LONGEST_S)}, the most that is played")
    if settings.fastest_s < 2 * settings.scrape_s:
        least = show_duration(2 * settings.scrape_s)
        raise BadInput(f"--fastest is shorter than two scrapes of --scrape; expected {least} or more")
