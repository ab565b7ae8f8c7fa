"""`leakdrill runbook lint`: what each command of a runbook would do, and what cannot work as it is written."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leakdrill.cli.options import AsJson  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import print_json, unwritable
from leakdrill.errors import BadInput
from leakdrill.files import write_named
from leakdrill.printable import printable_json
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.sarif import SarifResult, SarifRule, sarif
from leakdrill.runbooks.finding import Level
from leakdrill.runbooks.findings.lint import RULES, Lint, lint
from leakdrill.runbooks.findings.report import as_data, print_lint
from leakdrill.runbooks.read import read_runbook
from leakdrill.runs.catalogue.runbook import find_runbook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.runbooks.finding import Finding

_FOUND: Final = 1
_CLEAN: Final = 0


def runbook_lint(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…", help="Runbooks in Markdown, or names of those that come along: runbooks/first."
        ),
    ],
    rules: Annotated[
        list[Path] | None,
        typer.Option(help="Rules in which the alerts that the text names should be; may be repeated."),
    ] = None,
    sarif_file: Annotated[
        Path | None,
        typer.Option("--sarif", metavar="FILE", help="Write SARIF too, with which code hosts annotate files."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Say what each command of a runbook would do, and what cannot work as it is written.

    Exits 0 without errors and warnings, 1 with some, 3 where a file cannot be read.
    """
    known = _alerts_in(rules) if rules else None
    results, unread = _lint_all(files, known)
    code = BadInput.exit_code if unread else _CLEAN if all(one.is_clean for one in results) else _FOUND
    if as_json:
        print_json(json.dumps({"files": [as_data(one) for one in results], "exit_code": code}, indent=2) + "\n")
    else:
        print_lint(results, SafeConsole())
    if sarif_file is not None:
        _write_sarif(sarif_file, results)
    if unread:
        raise BadInput("\n".join(error.message for error in unread), hint=unread[0].hint)
    return code


def _alerts_in(rules: Sequence[Path]) -> frozenset[str]:
    from leakdrill.alerting.rules import read_rules  # noqa: PLC0415 - lint itself does without promtool and its reader

    return frozenset(rule.name for rule in read_rules(rules).alerts)


def _lint_all(files: Sequence[str], known: frozenset[str] | None) -> tuple[list[Lint], list[BadInput]]:
    """What lint says of each file, and the errors of those that cannot be read: one does not hide the others."""
    results: list[Lint] = []
    unread: list[BadInput] = []
    for file in files:
        try:
            results.append(lint(read_runbook(find_runbook(file)), alerts_elsewhere=known))
        except BadInput as e:
            unread.append(e)
    return results, unread


def _write_sarif(path: Path, results: Sequence[Lint]) -> None:
    rules = [SarifRule(rule.name, rule.summary) for rule in RULES]
    found = [_result(one, finding, "") for one in results for finding in one.findings]
    found += [_result(one, silenced.finding, silenced.reason) for one in results for silenced in one.silenced]
    try:
        write_named(path, printable_json(sarif(rules, found)))
    except OSError as e:
        raise unwritable(e, f"{path}: the SARIF file") from e


def _result(one: Lint, finding: Finding, reason: str) -> SarifResult:
    message = f"{finding.message}. {finding.fix}" if finding.fix else finding.message
    level = "note" if finding.level is Level.NOTE else finding.level.value
    return SarifResult(finding.rule, level, str(one.runbook.path), finding.line, message, reason)
