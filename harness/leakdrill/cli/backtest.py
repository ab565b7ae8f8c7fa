"""`leakdrill backtest`: what rules would have said in the past."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leakdrill.address import http_address
from leakdrill.alerting.rules import read_rules
from leakdrill.backtest.against import changes
from leakdrill.backtest.as_json import SCHEMA_VERSION, past_as_json
from leakdrill.backtest.play import backtest as play
from leakdrill.backtest.prometheus_range import Range, past_of_range
from leakdrill.backtest.recorded_trace import past_of_recording
from leakdrill.backtest.replayed_run import pasts_of_run
from leakdrill.backtest.terminal import print_backtest
from leakdrill.cli.named_alerts import read_alerts
from leakdrill.cli.named_file import read_named
from leakdrill.cli.option_value import option_value
from leakdrill.cli.options import AsJson  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import print_json
from leakdrill.cli.stored_drill import read_stored_drill
from leakdrill.envelope.promtool import promtool_version
from leakdrill.errors import BadInput
from leakdrill.judging.recordings.read import read_recording
from leakdrill.record.store import open_run
from leakdrill.reports.console import SafeConsole
from leakdrill.units import parse_duration, parse_size, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.alerting.rules import Rules
    from leakdrill.backtest.past import Past

_EXAMPLE: Final = "2026-11-28T10:00:00Z"
_EVENLY_PER_S: Final = 1.0
"""Rules do not look at requests, and a recording need not count them."""


def backtest(  # noqa: PLR0913, PLR0917 - one for each option of the command line
    rules: Annotated[Path, typer.Argument(help="A rules file, a folder or a pattern.")],
    pasts: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Run folders of drills, and recordings of memory.")
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="Read the past from this Prometheus, between --from and --to.")
    ] = None,
    begin: Annotated[str | None, typer.Option("--from", help=f"When it begins, such as {_EXAMPLE}.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="When it ends; default: now.")] = None,
    limit: Annotated[
        str | None, typer.Option(help="The memory limit of a recording's process, such as 512MiB.")
    ] = None,
    scrape: Annotated[str, typer.Option(help="Time between two scrapes, but for runs.")] = "15s",
    evaluate: Annotated[
        str, typer.Option(help="Time between two evaluations, but for runs, and where a group has none.")
    ] = "30s",
    against: Annotated[Path | None, typer.Option(metavar="OLD", help="Say what changed against these rules.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say when each alert would have been pending, fired and cleared in the past, beside what happened."""
    scrape_s, evaluate_s = _interval("--scrape", scrape), _interval("--evaluate", evaluate)
    limit_bytes = None if limit is None else float(_above_0("--limit", limit, parse_size))
    asked = _range(prometheus, begin, end, scrape_s, evaluate_s)
    if asked is None and not pasts:
        raise BadInput("no past is named; expected run folders, recordings, or --prometheus URL --from TIME")
    version = promtool_version()
    read, old = read_alerts(rules), None if against is None else read_rules([against])
    readers = [_reader(path, limit_bytes, scrape_s, evaluate_s) for path in pasts or []]
    if asked is not None:
        readers.append(lambda own: [past_of_range(asked, own)])
    facts = [_tell(reader, read, old, as_json=as_json) for reader in readers]
    if as_json:
        print_json(json.dumps({"schema": SCHEMA_VERSION, "promtool": version, "pasts": facts}, indent=2) + "\n")


def _tell(reader: Callable[[Rules], list[Past]], rules: Rules, old: Rules | None, *, as_json: bool) -> object:
    pasts = reader(rules)
    found = play(rules, pasts)
    changed = None if old is None else changes(play(old, reader(old)), found)
    if as_json:
        return past_as_json(pasts[0], found, changed)
    print_backtest(pasts[0], found, SafeConsole(), changed or ())
    return None


def _reader(path: Path, limit_bytes: float | None, scrape_s: float, evaluate_s: float) -> Callable[[Rules], list[Past]]:
    """What reads the past at `path`, a run folder or a recording."""
    if not path.is_dir():
        recording = read_recording(path, read=read_named, load_per_s=_EVENLY_PER_S)
        return lambda rules: [
            past_of_recording(recording, rules, limit_bytes=limit_bytes, scrape_s=scrape_s, evaluate_s=evaluate_s)
        ]
    scenario, history = read_stored_drill(open_run(path))
    return lambda rules: pasts_of_run(history, scenario, rules, name=str(path))


def _range(url: str | None, begin: str | None, end: str | None, scrape_s: float, evaluate_s: float) -> Range | None:
    if url is None:
        if begin is not None or end is not None:
            raise BadInput(
                "--from and --to belong to --prometheus; found them alone", hint="--prometheus URL --from TIME"
            )
        return None
    address = option_value("--prometheus", url, lambda text: http_address(text, example="http://127.0.0.1:9090"))
    if begin is None:
        raise BadInput("--prometheus needs --from", hint=f"--from {_EXAMPLE}")
    start_s = option_value("--from", begin, _unix_time)
    end_s = time.time() if end is None else option_value("--to", end, _unix_time)
    if end_s <= start_s:
        raise BadInput("--to is not after --from; expected a later time")
    return Range(address, start_s, end_s, scrape_s, evaluate_s)


def _unix_time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{quoted(text)} is no time; expected one such as {_EXAMPLE}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _interval(option: str, text: str) -> float:
    return _above_0(option, text, parse_duration, least=0.1)


def _above_0(option: str, text: str, parse: Callable[[object], float], *, least: float = 1e-3) -> float:
    number = option_value(option, text, parse)
    if number < least:
        raise BadInput(f'{option}: "{text}" is too little; expected {least:g} or more')
    return number
