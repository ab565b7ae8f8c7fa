"""The pytest plugin: the fixtures `leak_gate`, `drill` and `leak_agent`, the marker, options, and the summary.

Every pytest run of everybody who has Leakdrill installed loads this module, so it imports nothing but pytest and the
standard library; the rest (numpy, scipy, our own judge) is imported when the first gate runs.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import threading
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.record.verdict import Verdict

_UNKNOWN: Final = ("fail", "skip", "pass")
_LINE: Final = "leakdrill"
"""The property that carries a gate's sentence to the summary, also from a worker of pytest-xdist."""

_NEEDS_LOAD: Final = (
    "leak_gate: a container is measured under the load of a scenario file; expected "
    'leak_gate.service("shop.yaml", container=…)'
)

_GATED: Final = pytest.StashKey[bool]()
"""Whether a gate of this test has reached a verdict."""

_LOST: Final = pytest.StashKey[str]()
"""What a gate said in a thread of the test's, where no exception reaches pytest."""

_ASKED: Final = pytest.StashKey[str]()
"""The fixture that the test, or a fixture of it, has, however it came by it; empty when it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """The settings of a gate.

    Attributes:
        budget: growth per call that passes, such as `64B`; None for the default, which is stricter where it is sure.
        seconds: how long to measure, about.
        calls: how often to call in all slots after warm-up, instead of a time.
        unknown: what an UNKNOWN does to the test: `fail` (nothing proven is no pass), `skip` or `pass`.
        longest_ttl: the longest time for which the function keeps anything on purpose, such as `2s`.
    """

    seconds: float
    unknown: str
    budget: str | None = None
    calls: int | None = None
    longest_ttl: str = "0s"

    def __post_init__(self) -> None:
        if self.unknown not in _UNKNOWN:
            raise pytest.UsageError(f'leak_gate: unknown="{self.unknown}"; expected one of {", ".join(_UNKNOWN)}')


class LeakGate:
    """The `leak_gate` fixture: gates a function, or a service."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def __call__(
        self,
        function: Callable[..., Any],
        *args: Any,
        budget: str | None = None,
        seconds: float | None = None,
        calls: int | None = None,
        unknown: str | None = None,
        longest_ttl: str | None = None,
        **kwargs: Any,
    ) -> LeakVerdict:
        """Call `function(*args, **kwargs)` again and again, and fail the test when every call leaves memory behind.

        What is left out comes from the marker, the command line, the ini file, or the defaults, in this order. Returns
        the verdict, for tests that ask for more.
        """
        if hasattr(function, "get_wrapped_container") and not callable(function):
            pytest.fail(_NEEDS_LOAD, pytrace=False)
        given: dict[str, Any] = {
            "budget": budget,
            "seconds": seconds,
            "calls": calls,
            "unknown": unknown,
            "longest_ttl": longest_ttl,
        }
        options = replace(_options(self._item), **{key: value for key, value in given.items() if value is not None})
        try:
            return _gate(self._item, options, function, args, kwargs)
        except BaseException as e:
            if threading.current_thread() is not threading.main_thread():
                self._item.stash[_LOST] = str(e)
            raise

    def service(
        self,
        scenario: str | Path,
        *,
        container: object = None,
        runs: str | Path = "runs",
        unknown: str | None = None,
    ) -> list[Verdict]:
        """Run the live gate on a scenario file, named from the test file's folder, as `leakdrill gate` does.

        With a `container` that runs already, such as one of testcontainers, that is measured, and left running.
        """
        from leakdrill.pytest_plugin.services import gate_verdicts  # noqa: PLC0415 - see the module's docstring

        place = self._item.path.parent / scenario
        with _told_as_failure():
            verdicts = gate_verdicts(place, container=container, runs=Path(runs))
        return _judged(self._item, verdicts, unknown)


class LeakDrill:
    """The `drill` fixture: runs a whole drill on a service."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def __call__(
        self,
        scenario: str | Path,
        *,
        container: object = None,
        runs: str | Path = "runs",
        allow: str | bool = False,
        unknown: str | None = None,
    ) -> list[Verdict]:
        """Run the drill of a scenario file, named from the test file's folder, and fail the test if it is no PASS.

        With a `container` that runs already, such as one of testcontainers, the drill is on it, and leaves it running.
        Steps that change what runs already need `allow=True`, or its name. Returns the verdicts.
        """
        from leakdrill.pytest_plugin.services import drill_verdicts  # noqa: PLC0415 - see the module's docstring

        place = self._item.path.parent / scenario
        with _told_as_failure():
            verdicts = drill_verdicts(place, container=container, runs=Path(runs), allow=allow)
        return _judged(self._item, verdicts, unknown)


@pytest.fixture
def leak_gate(request: pytest.FixtureRequest) -> LeakGate:
    """Gates a function called many times in this process, or a service: `leak_gate(parse, b"{}")`."""
    request.node.stash[_ASKED] = "leak_gate"
    return LeakGate(request.node)


@pytest.fixture
def drill(request: pytest.FixtureRequest) -> LeakDrill:
    """Runs a drill on a service: `drill("shop.yaml")`, or `drill("shop.yaml", container=shop)` on one that runs."""
    request.node.stash[_ASKED] = "drill"
    return LeakDrill(request.node)


@pytest.fixture(scope="session")
def leak_agent() -> Iterator[Callable[[Any], Any]]:
    """Brings the agent into a container of testcontainers before it starts: `leak_agent(DockerContainer("shop"))`."""
    from leakdrill.pytest_plugin.containers import bring_agent  # noqa: PLC0415 - see the module's docstring

    folders = []

    def bring(container: Any) -> Any:
        folders.append(Path(tempfile.mkdtemp(prefix="leakdrill-agent-")))
        with _told_as_failure():
            bring_agent(container, folders[-1])
        return container

    yield bring
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each with an ini setting of the same name."""
    group = parser.getgroup("leakdrill", "leakdrill: the memory gate")
    settings = (
        ("budget", "growth per call that passes, such as 64B (32B)"),
        ("seconds", "how long a gate measures, about (5)"),
        ("unknown", "what an UNKNOWN does to a test: fail, skip or pass (fail)"),
    )
    for name, text in settings:
        group.addoption(f"--leak-{name}", metavar=name.upper(), default=None, help=text)
        parser.addini(f"leak_{name}", text, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "leak_gate(budget, seconds, calls, unknown, longest_ttl): call the test's body many times and fail when every "
        "call leaves memory behind; fixtures are made once",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    """Gate the body of a marked test that does not use the fixture, instead of calling it once."""
    if pyfuncitem.get_closest_marker("leak_gate") is None or "leak_gate" in pyfuncitem.fixturenames:
        return None
    names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001 - pytest's own way to tell a test's arguments from autouse
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    _gate(pyfuncitem, _options(pyfuncitem), pyfuncitem.obj, (), arguments)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Forget what an earlier run of the same test has gated: it may be run again."""
    item.stash[_GATED] = False
    item.stash[_LOST] = item.stash[_ASKED] = ""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that asked for a gate, passed, and gated nothing: it would look as if it had been judged."""
    outcome: Any = yield
    if outcome.excinfo is None and item.stash.get(_LOST, ""):
        outcome.force_exception(pytest.fail.Exception(item.stash[_LOST], pytrace=False))
    marked = item.get_closest_marker("leak_gate") is not None
    asked = item.stash.get(_ASKED, "") or ("leak_gate" if marked else "")
    if asked and outcome.excinfo is None and not item.stash.get(_GATED, False):
        why = "the marker works on test functions of pytest only" if marked else f"the test never called {asked}(…)"
        outcome.force_exception(pytest.fail.Exception(f"{asked}: nothing was measured: {why}", pytrace=False))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print one line for each gate that reached a verdict."""
    lines = [
        f"{report.nodeid}: {value}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == _LINE
    ]
    if lines:
        terminalreporter.section("memory gate")
        for line in lines:
            terminalreporter.line(line)


def _options(item: pytest.Item) -> GateOptions:
    """Returns the options of the marker, else the command line, else the ini file, else the defaults."""
    config, marker = item.config, item.get_closest_marker("leak_gate")
    if marker and marker.args:
        raise pytest.UsageError(f"leak_gate: {marker.args[0]!r} has no name; expected such as leak_gate(budget='64B')")
    configured = {name: config.getoption(f"leak_{name}") or config.getini(f"leak_{name}") for name in _SETTINGS}
    settings: dict[str, Any] = {**_DEFAULTS, **{name: value for name, value in configured.items() if value}}
    try:
        settings["seconds"] = float(settings["seconds"])
        return GateOptions(**{**settings, **(marker.kwargs if marker else {})})
    except (TypeError, ValueError) as e:
        raise pytest.UsageError(f"leak_gate: {e}; expected budget, seconds, calls, unknown, longest_ttl") from e


_SETTINGS: Final = ("budget", "seconds", "unknown")
_DEFAULTS: Final = {"seconds": "5", "unknown": "fail"}


def _gate(
    item: pytest.Item, options: GateOptions, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> LeakVerdict:
    from leakdrill.errors import LeakdrillError  # noqa: PLC0415 - see the module's docstring
    from leakdrill.pytest_plugin.gate import gate_function  # noqa: PLC0415 - likewise
    from leakdrill.pytest_plugin.schedule import MeasurementLength  # noqa: PLC0415 - likewise

    try:
        with _without_pytest_capture():
            verdict, text = gate_function(
                function,
                args,
                kwargs,
                length=MeasurementLength(seconds=float(options.seconds), calls=options.calls),
                budget=options.budget,
                longest_ttl=options.longest_ttl,
            )
    except LeakdrillError as e:
        pytest.fail(str(e), pytrace=False)
    item.stash[_GATED] = True
    _record(item, verdict)
    _apply_outcome(str(verdict.outcome.check_outcome), text, options.unknown)
    item.add_report_section("call", "memory gate", text)
    return verdict


def _apply_outcome(outcome: str, text: str, unknown: str) -> None:
    """Fail or skip the test as the outcome demands."""
    if outcome == "FAIL" or (outcome == "UNKNOWN" and unknown == "fail"):
        pytest.fail(text, pytrace=False)
    if outcome == "UNKNOWN" and unknown == "skip":
        pytest.skip(text)


def _judged(item: pytest.Item, verdicts: list[Verdict], unknown: str | None) -> list[Verdict]:
    """Record what a run on a service has shown, and fail or skip the test as it demands."""
    item.stash[_GATED] = True
    _record_service(item, verdicts)
    _apply_service_outcome(verdicts, unknown or _options(item).unknown)
    return verdicts


@contextlib.contextmanager
def _told_as_failure() -> Iterator[None]:
    """Fail the test with the message of an error that Leakdrill raises on purpose."""
    from leakdrill.errors import Interrupted, LeakdrillError  # noqa: PLC0415 - see the module's docstring

    try:
        yield
    except (LeakdrillError, Interrupted) as e:
        pytest.fail(str(e), pytrace=False)


def _apply_service_outcome(verdicts: list[Verdict], unknown: str) -> None:
    from leakdrill.record.verdict import worst  # noqa: PLC0415 - see the module's docstring

    lines = [f"{v.outcome}: {v.check} {v.subject}: {v.message}\n  what to do {v.hint}" for v in verdicts]
    _apply_outcome(str(worst(verdicts)), "\n".join(lines) or "UNKNOWN: nothing was checked", unknown)


def _record(item: pytest.Item, verdict: LeakVerdict) -> None:
    """Record the sentence and the numbers as properties, which JUnit XML and pytest-xdist carry."""
    numbers = verdict.numbers().items()
    in_calls = {
        name.replace("per_request", "per_call").replace("_requests", "_calls"): value for name, value in numbers
    }
    _add(item, f"{verdict.outcome}: {verdict.message}", in_calls)


def _record_service(item: pytest.Item, verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        _add(item, f"{verdict.outcome}: {verdict.check} {verdict.subject}: {verdict.message}", verdict.numbers)


def _add(item: pytest.Item, sentence: str, numbers: Mapping[str, Any]) -> None:
    """Add properties as plain floats: a worker of pytest-xdist cannot send NumPy's."""
    item.user_properties.append((_LINE, sentence))
    for name, value in numbers.items():
        if value is not None:
            item.user_properties.append((f"{_LINE}_{name}", float(value) if isinstance(value, float) else value))


@contextlib.contextmanager
def _without_pytest_capture() -> Iterator[None]:
    """Keep pytest from storing every log record and every warning of a test, which would grow with each call."""
    root = logging.getLogger()
    handlers = [handler for handler in root.handlers if type(handler).__module__ == "_pytest.logging"]
    for handler in handlers:
        root.removeHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _forget
            yield
    finally:
        for handler in handlers:
            root.addHandler(handler)


def _forget(*_: object, **__: object) -> None:
    """Show a warning to nobody; the filters that turn it into an error still do."""
