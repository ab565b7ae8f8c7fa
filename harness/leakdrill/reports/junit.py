"""JUnit XML, which every CI system shows: one test case for each verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome
from leakdrill.reports.number import show_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.record.verdict import Verdict


def junit_xml(verdicts: Sequence[Verdict], *, name: str) -> str:
    """The verdicts on scenario `name`: FAIL is a failure, UNKNOWN an error, so neither can be taken for a pass.

    Nothing checked is one error, because an empty suite is green.
    """
    return junit_of_runs([(name, verdicts)])


def junit_of_runs(runs: Sequence[tuple[str, Sequence[Verdict]]]) -> str:
    """The verdicts of many runs in one document, one suite for each run."""
    document = JUnitXml("leakdrill")
    for name, verdicts in runs:
        document.add_testsuite(_suite(name, verdicts))
    document.update_statistics()  # type: ignore[no-untyped-call]  # junitparser is half typed
    text: str = document.tostring().decode()  # type: ignore[no-untyped-call]
    return text


def _suite(name: str, verdicts: Sequence[Verdict]) -> TestSuite:
    suite = TestSuite(printable(name))
    for verdict in verdicts:
        suite.add_testcase(_case(verdict, name))
    if not verdicts:
        suite.add_testcase(_nothing_checked(name))
    suite.update_statistics()  # type: ignore[no-untyped-call]
    return suite


def _case(verdict: Verdict, name: str) -> TestCase:
    subject = f"[{printable(verdict.subject)}]" if verdict.subject else ""
    case = TestCase(f"{printable(verdict.check)}{subject}", classname=printable(name))
    if verdict.outcome is Outcome.PASS:
        case.system_out = _body(verdict)
    else:
        kind = Failure if verdict.outcome is Outcome.FAIL else Error
        result = kind(printable(verdict.message), str(verdict.outcome))
        result.text = _body(verdict)
        case.result = [result]
    return case


def _nothing_checked(name: str) -> TestCase:
    case = TestCase("something_was_checked", classname=printable(name))
    case.result = [Error("nothing was checked, and silence proves nothing", str(Outcome.UNKNOWN))]
    return case


def _body(verdict: Verdict) -> str:
    """The sentence, the hint and the numbers, one a line."""
    lines = [printable(verdict.message)]
    if verdict.hint:
        lines.append(f"Hint: {printable(verdict.hint)}")
    lines += [f"{printable(key)} = {show_number(value)}" for key, value in verdict.numbers.items()]
    if verdict.events:
        lines.append(f"events of history.jsonl: {', '.join(map(str, verdict.events))}")
    return "\n".join(lines)
