"""The pytest plugin in real pytest runs: a process of its own for each, as a user starts it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from junitparser import JUnitXml, Properties

import leakdrill

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.integration

LEAK = """
KEPT = []

class Session:
    def __init__(self):
        self.data = bytearray(40)

def leaks():
    KEPT.append(Session())

def generates():
    yield 1

def healthy(size=20):
    return sorted(str(i) for i in range(size))
"""


@pytest.fixture
def run_pytest(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Runs pytest on a test file with this plugin, however Leakdrill is installed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(leakdrill.__file__).parents[1]))

    def run(text: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(test_gated=LEAK + text)
        return pytester.runpytest_subprocess("-p", "leakdrill.pytest_plugin.plugin", "--leak-seconds=2", *options)

    return run


def test_a_leaking_function_fails_and_the_text_explains_it(run_pytest):
    """How much a call, with its interval; the type, the count and the line; how it was measured; what to do."""
    result = run_pytest(
        """
def test_leaks(leak_gate):
    leak_gate(leaks, budget="64B")
""",
        "--leak-seconds=8",
    )
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(
        [
            r"LEAK: leaks: memory grows by \d+\.\d B \(\d+\.\d to \d+\.\d\) a call, above .* of 64 B.*live objects",
            r"  objects    1 more test_gated.Session a call",
            r"  allocated  .*test_gated.py:\d+: \d+ B in \d more allocations a call",
            r"  measured   20 slots of \d+ calls in .* 99 % interval",
            r"  what to do find what puts the test_gated.Session into test_gated.KEPT, .*",
            r"test_gated.py::test_leaks: LEAK: memory grows by .*",
        ],
    )
    assert "request" not in result.stdout.str()


def test_a_healthy_function_passes_and_says_its_numbers(run_pytest, pytester):
    """Arguments go through; the numbers stand in the summary and as properties in JUnit XML."""
    result = run_pytest(
        """
def test_healthy(leak_gate):
    verdict = leak_gate(healthy, size=10)
    assert verdict.growth.high < 32
""",
        "--junitxml=out.xml",
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*test_healthy: CLEAN: *a call, within the budget of 32 B*"])
    (case,) = next(iter(JUnitXml.fromfile(str(pytester.path / "out.xml"))))
    properties = {p.name: p.value for p in case.child(Properties)}
    assert float(properties["leakdrill_growth_high_bytes_per_call"]) < 32
    assert properties["leakdrill_kind"] == "nothing"


def test_a_bounded_cache_that_fills_is_never_a_leak(run_pytest):
    """Full in warm-up: it passes. Filling all the time: UNKNOWN, with the cache named; nothing proven is no pass."""
    result = run_pytest("""
import functools, itertools
numbers = itertools.count()

@functools.lru_cache(maxsize=500)
def small(key):
    return str(key) * 5

@functools.lru_cache(maxsize=10_000_000)
def large(key):
    return str(key) * 5

def test_small(leak_gate):
    leak_gate(lambda: small(next(numbers)))

def test_large(leak_gate):
    leak_gate(lambda: large(next(numbers)), unknown="skip")

def test_large_by_default(leak_gate):
    leak_gate(lambda: large(next(numbers)))
""")
    result.assert_outcomes(passed=1, skipped=1, failed=1)
    result.stdout.fnmatch_lines(["UNKNOWN: *bounded cache was still filling (lru_cache of test_gated.large: *"])
    assert "LEAK:" not in result.stdout.str()


def test_a_leak_in_c_is_called_native(run_pytest):
    """200 bytes from malloc in each call, which Python's own counters do not see."""
    result = run_pytest("""
import ctypes
malloc = ctypes.CDLL(None).malloc
malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]

def test_native(leak_gate):
    leak_gate(malloc, 200)
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["LEAK: *(native memory: 208 B a call held through malloc*", "*not by Python*"])


def test_coroutine_functions_are_awaited(run_pytest):
    """One that leaks fails, one that does not passes, and a coroutine is never left unawaited."""
    result = run_pytest(
        """
import asyncio

async def async_leaks():
    await asyncio.sleep(0)
    leaks()

def test_async_leak(leak_gate):
    leak_gate(async_leaks)

def test_async_healthy(leak_gate):
    leak_gate(asyncio.sleep, 0)
""",
        "-W",
        "error",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["LEAK: async_leaks: *", "  objects    1 more test_gated.Session a call"])


def test_the_marker_gates_the_body_with_fixtures_made_once(run_pytest):
    """The body runs many times, sync or async, each with the same fixture; its own failures stay failures."""
    result = run_pytest("""
import pytest
made = []

@pytest.fixture
def store():
    made.append(1)
    return []

@pytest.mark.leak_gate(budget="64B")
def test_body_leaks(store):
    store.append(bytearray(100))

@pytest.mark.leak_gate(seconds=1)
async def test_body_healthy(store):
    assert len(made) == 2

@pytest.mark.leak_gate(calls=200)
@pytest.mark.parametrize("size", [5])
def test_body_fails_by_itself(size):
    assert size == 6
""")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["LEAK: test_body_leaks: *above the budget of 64 B*", "*assert 5 == 6*"])


def test_logging_and_warnings_kept_by_pytest_are_no_leak(run_pytest):
    """What a test logs and warns is stored by pytest; the gate does not count that against the function."""
    result = run_pytest("""
import logging, warnings

def noisy():
    logging.getLogger("x").error("failed %s", "y" * 100)
    warnings.warn("old", DeprecationWarning)

def test_noisy(leak_gate):
    leak_gate(noisy)

def test_capturing_works_afterwards(leak_gate, caplog):
    leak_gate(healthy)
    logging.getLogger("x").error("seen")
    assert caplog.messages == ["seen"]
""")
    result.assert_outcomes(passed=2)


def test_options_come_from_the_call_the_command_line_and_the_ini_file(run_pytest, pytester):
    """A budget of the command line beats the ini file's, and the test's own beats both."""
    pytester.makeini("[pytest]\nleak_budget = 16B\n")
    result = run_pytest(
        """
def test_own(leak_gate):
    leak_gate(leaks, budget="1kB")

def test_from_command_line(leak_gate):
    leak_gate(leaks)
""",
        "--leak-budget=48B",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["LEAK: leaks: *above the budget of 48 B*"])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ('leak_gate(healthy, budget="64")', '*leak_gate: "64" is not a size; expected a number with a unit*'),
        ('leak_gate(healthy, unknown="maybe")', '*unknown="maybe"; expected one of fail, skip, pass*'),
        ("leak_gate(healthy, calls=3)", "*calls=3; expected 20 or more*"),
        ("leak_gate(lambda: __import__('time').sleep(0.3))", "*too slow for 20 slots in 2 s*"),
        ("leak_gate(generates)", "*is a generator function, and calling it runs nothing*"),
    ],
)
def test_what_cannot_be_used_fails_with_what_was_expected(run_pytest, call, text):
    """Wrong arguments never pass and never measure something else."""
    result = run_pytest(f"def test_wrong(leak_gate):\n    {call}\n")
    assert result.ret != 0
    result.stdout.fnmatch_lines([text])


def test_workers_of_xdist_measure_their_own_process(run_pytest):
    """Two workers at once: the leak is found, the healthy ones pass, and the summary has all three."""
    result = run_pytest(
        """
def test_leaks(leak_gate):
    leak_gate(leaks)

def test_healthy_a(leak_gate):
    leak_gate(healthy)

def test_healthy_b(leak_gate):
    leak_gate(healthy)
""",
        "-p",
        "xdist",
        "-n",
        "2",
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines_random(["*::test_leaks: LEAK: *", "*::test_healthy_a: CLEAN: *"])


def test_a_service_is_gated_by_its_scenario(run_pytest):
    """`leak_gate.service` runs the live gate; a scenario that does not exist fails with its name."""
    pytest.importorskip("leakdrill.runs.gate.run", reason="the live gate is not there yet")
    result = run_pytest("""
def test_service(leak_gate):
    leak_gate.service("missing.yaml")
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*missing.yaml*"])


def test_a_gate_of_an_earlier_run_of_the_test_or_that_is_only_fetched_does_not_count(run_pytest, pytester):
    """A test that is run again gates again, and one that asks for the fixture by name must call it."""
    pytester.makeconftest("""
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, log=False, nextitem=nextitem)
    runtestprotocol(item, nextitem=nextitem)
    return True
""")
    result = run_pytest(
        """
FIRST = []

def test_gates_once(leak_gate):
    if not FIRST:
        FIRST.append(leak_gate(len, "", calls=400))

def test_fetches_it(request):
    request.getfixturevalue("leak_gate")
"""
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*nothing was measured: the test never called leak_gate*"])


def test_what_a_gate_says_in_a_thread_fails_the_test_and_a_setting_without_a_name_is_refused(run_pytest):
    """An exception in a thread does not reach pytest, and a marker's arguments have names."""
    result = run_pytest(
        """
import threading
import pytest

def test_in_a_thread(leak_gate):
    thread = threading.Thread(target=lambda: leak_gate(leaks, budget="0B"))
    thread.start()
    thread.join()

@pytest.mark.leak_gate("64B")
def test_without_a_name():
    pass
""",
        "-p", "no:threadexception",
    )  # fmt: skip
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*budget=*0B* is nothing*", "*'64B' has no name*"])
