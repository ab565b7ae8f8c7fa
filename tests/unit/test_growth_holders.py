"""What holds a leak is named as the code that fills it names it."""

from __future__ import annotations

import functools
import gc
from collections import deque
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from leakdrill.pytest_plugin.calls import Calls
from leakdrill.pytest_plugin.growth_holders import grown, latest, sizes, whose
from leakdrill.pytest_plugin.growth_sources import find_growth_sources
from leakdrill.pytest_plugin.schedule import SLOTS, MeasurementLength, Pace

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT: list[object] = []


class Session:
    def __init__(self) -> None:
        self.items: list[int] = []


class Registry:
    of_all: dict[int, object] = {}  # noqa: RUF012 - the fault that is looked for

    def __init__(self) -> None:
        self.entries: list[object] = []
        self.by_name: dict[str, list[object]] = {"a": []}


class Slotted:
    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: deque[object] = deque()


class Bag(list[object]):
    pass


REGISTRY, SLOTTED = Registry(), Slotted()


def found(function: Callable[[], object]) -> Any:
    with Calls(function) as calls:
        return find_growth_sources(calls, 50, call_s=1e-6, within_s=5)


@pytest.fixture(autouse=True)
def _forgotten() -> Any:
    yield
    for held in (KEPT, REGISTRY.entries, REGISTRY.by_name["a"], Registry.of_all, SLOTTED.entries):
        held.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("leak", "name", "kind"),
    [
        (lambda: KEPT.append(Session()), f"{__name__}.KEPT", "list"),
        (lambda: REGISTRY.entries.append(Session()), f"{__name__}.Registry.entries", "list"),
        (lambda: REGISTRY.by_name["a"].append(Session()), f"{__name__}.Registry.by_name", "list"),
        (lambda: Registry.of_all.__setitem__(len(Registry.of_all), Session()), f"{__name__}.Registry.of_all", "dict"),
        (lambda: SLOTTED.entries.append(Session()), f"{__name__}.Slotted", "collections.deque"),
    ],
    ids=["a module", "an attribute", "inside of another", "a class", "slots"],
)
def test_what_grows_is_named_by_whose_it_is(leak: Callable[[], object], name: str, kind: str) -> None:
    sources = found(leak)
    (holder,) = sources.holders
    assert (holder.name, holder.kind, holder.more_a_call) == (name, kind, 1.0)
    assert next(iter(sources.types)) == f"{__name__}.Session"


def test_a_closure_is_named_by_its_function() -> None:
    def made() -> Callable[[], None]:
        pile: list[bytes] = []

        def work() -> None:
            pile.append(bytes(100))

        return work

    sources = found(made())
    assert sources.holders[0].name.endswith("made.<locals>.work: pile")
    assert sources.types == {"bytes": 1.0}


def test_an_lru_cache_is_named_by_its_function() -> None:
    numbers = iter(range(10_000))

    @functools.cache
    def session(_number: int) -> Session:
        return Session()

    sources = found(lambda: session(next(numbers)) and None)
    assert sources.holders[0].name.startswith(f"the lru_cache of {__name__}.test_an_lru_cache")
    assert f"{__name__}.Session" in sources.types


def test_what_takes_no_more_than_it_gives_back_holds_nothing() -> None:
    last: list[object] = [None]

    def replaces() -> None:
        last[0] = Session()

    sources = found(replaces)
    assert not sources.holders
    assert not sources.types


def test_a_list_of_a_type_of_its_own_is_named_by_that() -> None:
    bag = Bag()
    assert found(lambda: bag.append(Session())).holders[0].name == f"{__name__}.Bag"


def test_a_module_that_nobody_imports_by_name() -> None:
    module = ModuleType("plugin")
    module.__dict__["jobs"] = jobs = [object()]
    assert whose(jobs, set()) == "plugin.jobs"


def test_the_latest_of_each_kind() -> None:
    assert list(latest([1, 2, 3], 2)) == [3, 2]
    assert list(latest({"a": 1, "b": 2}, 1)) == ["b", 2]
    assert list(latest(deque([1, 2]), 1)) == [2]
    assert len(list(latest({1, 2}, 1))) == 1


def test_only_what_grew_counts() -> None:
    same, more, fresh = [1], [1], [1, 2]
    before = sizes([same, more, "text"])
    more += [2, 3]
    assert grown([same, more, fresh], before) == [(more, 2)]


def test_counting_leaves_the_heap_as_it_was() -> None:
    frozen = gc.get_freeze_count()
    found(lambda: KEPT.append(Session()))
    assert gc.get_freeze_count() == frozen


def test_a_slow_function_is_called_a_few_times_only_and_not_watched() -> None:
    with Calls(lambda: KEPT.append(Session())) as calls:
        sources = find_growth_sources(calls, 50, call_s=1.0, within_s=5)
        assert calls.done == 4
    assert not sources.watched
    assert sources.types[f"{__name__}.Session"] == 1.0
    assert sources.holders


def test_slots_are_shortened_to_keep_the_time_and_never_below_half() -> None:
    pace = Pace(100, calling_s=0.1, resting_s=0.01)
    assert pace.fitting(SLOTS * 0.11) == 100
    assert pace.fitting(SLOTS * 0.085) == 75
    assert pace.fitting(0.0) == 50
    assert Pace(1, calling_s=0.1, resting_s=0.01).fitting(0.0) == 1


def test_the_time_of_a_measurement_leaves_some_for_what_grew() -> None:
    assert MeasurementLength(seconds=10).measuring_s == 8.5
    assert MeasurementLength(calls=2000).measuring_s == float("inf")
