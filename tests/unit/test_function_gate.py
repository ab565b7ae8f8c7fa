"""The parts of the gate on a function: schedule, caches, verdict in calls, and the text of a failure."""

from __future__ import annotations

import functools
import gc
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from leakdrill.errors import BadInput
from leakdrill.judging.leak.growth_kind import Kind
from leakdrill.judging.leak.leak_verdict import LeakOutcome
from leakdrill.judging.leak.trace import Trace
from leakdrill.pytest_plugin.cache_fill import CacheFill, LruCaches
from leakdrill.pytest_plugin.calls import Calls
from leakdrill.pytest_plugin.explanation import explain
from leakdrill.pytest_plugin.gate import gate_function
from leakdrill.pytest_plugin.growth_holders import Holder
from leakdrill.pytest_plugin.growth_sources import GrowthSources, Site
from leakdrill.pytest_plugin.judge import judge, judge_by_default, refine
from leakdrill.pytest_plugin.measure import Measurement
from leakdrill.pytest_plugin.python_heap import small_object_bytes
from leakdrill.pytest_plugin.schedule import MeasurementLength

SLOT_CALLS = 500
FILLING = CacheFill(name="app.find", before=100, after=10_100, most=50_000, calls=10_000)


def measured(*, resident_a_call=0.0, blocks_a_call=0.0, malloc_a_call=0.0, live=None, fills=(), slot_calls=SLOT_CALLS):
    """A recording that grows in a straight line, in pages."""
    calls = 1000.0 + slot_calls * np.arange(21)
    columns = {
        "anon": np.floor((50e6 + resident_a_call * calls) / 4096) * 4096,
        "rss": np.floor((60e6 + resident_a_call * calls) / 4096) * 4096,
        "blocks": np.round(1e5 + blocks_a_call * calls),
        "gcobj": np.round(1e4 + blocks_a_call * calls),
        "uord": 1e7 + malloc_a_call * calls,
        "hblkhd": np.zeros(21),
        "ford": np.full(21, 1e6),
    }
    if live is not None:
        columns["live"] = 2e7 + np.array([live(number) for number in calls - calls[0]])
    # Slots become faster, as they do when caches of the processor are warm.
    t = np.cumsum(np.linspace(0.4, 0.2, 21))
    return Measurement(
        Trace(name="work", t=t, requests=calls, columns=columns, quiet=True), slot_calls, 1000, 7.0, fills
    )


def test_a_leak_is_told_in_calls():
    """The sentence speaks of calls, whatever the speed did meanwhile."""
    verdict = judge(measured(resident_a_call=128, blocks_a_call=2), budget=32)
    assert verdict.outcome is LeakOutcome.LEAK
    assert "a call" in verdict.message
    assert "request" not in verdict.message + verdict.hint
    assert verdict.growth.low <= 128 <= verdict.growth.high


def test_no_growth_is_clean():
    """Flat memory passes."""
    assert judge(measured(), budget=32).outcome is LeakOutcome.CLEAN


@pytest.mark.parametrize(
    "live", [lambda calls: 24.0 * calls, lambda calls: 2e4 * (calls // 2000)], ids=["with every slot", "in leaps"]
)
def test_an_object_a_call_is_a_leak_although_it_is_smaller_than_the_default_budget(live):
    """Counted to the byte; a budget of the user's own is kept to, and a filling cache is no leak."""
    small = measured(live=live)
    verdict = judge_by_default(small)
    assert verdict.outcome is LeakOutcome.LEAK, verdict.message
    assert "what is in use grows by" in verdict.message
    assert 'budget="32B"' in verdict.hint
    assert judge(small, budget=32).outcome is LeakOutcome.CLEAN
    filling = measured(live=live, fills=[FILLING])
    assert judge_by_default(filling).outcome is LeakOutcome.CLEAN


@pytest.mark.parametrize(
    "live",
    [
        lambda _: 0.0,
        lambda calls: 2.0 * calls,
        lambda calls: 5e4 if calls > 5000 else 0.0,
        lambda calls: 24.0 * min(calls, 4000),
        lambda calls: 24.0 * (calls % 1500),
    ],
    ids=["none", "less than a pointer", "one step", "ends", "comes and goes"],
)
def test_what_is_not_left_behind_with_every_slot_stays_clean(live):
    """A table that doubled, what ended by itself, and what happens now and then within the budget."""
    assert judge_by_default(measured(live=live)).outcome is LeakOutcome.CLEAN


def test_growth_beside_a_filling_cache_is_unknown():
    """The cache is named, and how many calls fill it; one that is full, or has no bound, explains nothing."""
    verdict = judge(measured(resident_a_call=128, blocks_a_call=2, fills=[FILLING]), budget=32)
    assert (verdict.outcome, verdict.kind) == (LeakOutcome.UNKNOWN, Kind.FILLING)
    assert "lru_cache of app.find: from 100 to 10100 entries, a bound of 50000" in verdict.message
    assert "39900 more calls fill it" in verdict.hint
    endless = CacheFill(name="app.find", before=100, after=10_100, most=None, calls=10_000)
    assert judge(measured(resident_a_call=128, blocks_a_call=2, fills=[endless]), budget=32).outcome is LeakOutcome.LEAK


def test_too_few_calls_are_unknown_and_a_longer_time_is_named():
    """Eighty calls cannot tell 2 B from nothing: a page is 4096."""
    verdict = judge(measured(slot_calls=4), budget=2)
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert "leak_gate(…, seconds=" in verdict.hint


def test_large_python_objects_are_not_called_native():
    """Objects above 512 bytes come from malloc, and tracemalloc knows them."""
    verdict = judge(measured(resident_a_call=1000, malloc_a_call=1000), budget=32)
    assert verdict.kind is Kind.NATIVE
    traced = GrowthSources(500, {"str": 1.0}, [Site("app.py:3", 1000.0, 1.0)], 0.0, 0.0, 1000.0)
    assert refine(verdict, traced).kind is Kind.LIVE_OBJECTS
    assert refine(verdict, GrowthSources(500, {}, [], 0.0, 0.0, 1000.0)).kind is Kind.NATIVE


def test_the_text_names_counts_places_and_threads():
    """Counts near an integer are shown as one."""
    whole = measured(resident_a_call=128, blocks_a_call=2)
    sources = GrowthSources(500, {"app.Session": 1.004, "dict": 0.333}, [Site("app.py:3", 128.0, 2.0)], 1.0, 0.0, 0.0)
    text = explain(judge(whole, budget=32), whole, sources)
    assert "  objects    1 more app.Session a call" in text
    assert "  objects    0.33 more dict a call" in text
    assert "  allocated  app.py:3: 128 B in 2 more allocations a call" in text
    assert "  also       1 more thread a call" in text
    assert "20 slots of 500 calls" in text


def test_the_text_says_whose_container_holds_the_leak_and_where_nothing_was_looked_for():
    whole = measured(resident_a_call=128, blocks_a_call=2)
    holder = Holder("app.Registry.sessions", "dict", 1.0)
    sources = GrowthSources(3, {"app.Session": 1.0}, [], 0.0, 0.0, 0.0, holders=[holder], watched=False)
    text = explain(judge(whole, budget=32), whole, sources)
    assert "  held by    app.Registry.sessions, a dict: 1 more a call" in text
    assert "  allocated  not looked for: too few calls fit" in text
    assert "find what puts the app.Session into app.Registry.sessions, and what should take it out" in text


def test_what_no_watched_call_did_is_not_called_native():
    """Nothing seen in the calls that were watched says only that it is rare."""
    whole = measured(resident_a_call=128, malloc_a_call=128)
    text = explain(judge(whole, budget=32), whole, GrowthSources(500, {}, [], 0.0, 0.0, 0.0))
    assert "by none of 500 calls that were watched" in text


def test_caches_say_what_they_took_in():
    """A bounded cache is found among everything alive, with its entries before and after."""

    @functools.lru_cache(maxsize=64)
    def find(key):
        return key

    caches = LruCaches(gc.get_objects())
    for key in range(50):
        find(key)
    (fill,) = [fill for fill in caches.since(100) if fill.name.endswith("find")]
    assert (fill.before, fill.after, fill.most, fill.explains_growth) == (0, 50, 64, True)
    assert fill.calls_until_full == 28


def test_functions_are_called_as_often_as_said():
    """Sync and async, with arguments; a coroutine is awaited."""
    seen = []

    async def wait(*args, **kwargs):
        seen.append((args, kwargs))

    with Calls(wait, (1,), {"x": 2}) as calls:
        calls.many(3)
    assert (seen, calls.done) == ([((1,), {"x": 2})] * 3, 3)
    with Calls(seen.clear) as calls:
        calls.many(2)
    assert seen == []


async def nothing():
    """A coroutine function."""


def test_a_coroutine_function_inside_a_loop_is_refused():
    """Its calls could not be waited for; the message says what to do."""
    import asyncio  # noqa: PLC0415 - only here

    async def inside():
        with pytest.raises(BadInput, match="an event loop runs already"), Calls(nothing):
            pass

    asyncio.run(inside())


@pytest.mark.parametrize("bad", [{"budget": "64"}, {"budget": "0B"}, {"budget": "1kB", "longest_ttl": "soon"}])
def test_bad_settings_are_refused_before_anything_is_called(bad):
    """Nothing is measured against a budget that was not understood."""
    called = []
    with pytest.raises(BadInput, match="leak_gate: "):
        gate_function(called.append, (1,), {}, length=MeasurementLength(), **bad)
    assert called == []


@pytest.mark.parametrize("wanted", [{"seconds": 0.0}, {"calls": 19}])
def test_too_little_to_measure_is_refused(wanted):
    """Every slot needs a call."""
    with pytest.raises(BadInput, match="leak_gate: "):
        MeasurementLength(**wanted)


def test_pytest_finds_the_plugin():
    """The entry point names a module that has the fixture."""
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())["project"]
    plugin = import_module(project["entry-points"]["pytest11"]["leakdrill"])
    assert hasattr(plugin, "leak_gate")


def test_a_leak_into_free_space_is_found():
    """Resident memory stands still while a leak fills holes; the allocators' count tells, and so does the sentence."""
    whole = measured(blocks_a_call=1)
    columns = {**whole.trace.columns, "live": 4e7 + 96 * whole.trace.requests}
    whole = Measurement(
        Trace(name="work", t=whole.trace.t, requests=whole.trace.requests, columns=columns, quiet=True), 500, 0, 7.0, []
    )
    verdict = judge(whole, budget=32)
    assert verdict.outcome is LeakOutcome.LEAK
    assert verdict.message.startswith("what is in use grows by 96.0 B (")
    assert judge(whole, budget=128).message.startswith("what is in use grows by 96.0 B (")


def test_bytes_of_small_objects_are_exact(capfd):
    """A thousand plain objects are 16,000 bytes, and nothing shows on stderr."""
    before = small_object_bytes()
    kept = [object() for _ in range(1000)]
    more = small_object_bytes() - before
    # Other threads of the test runner may free a little in between.
    assert 15_500 <= more <= 16_500
    assert len(kept) == 1000
    assert capfd.readouterr().err == ""
