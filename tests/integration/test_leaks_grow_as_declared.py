"""Every leak of every sample service grows by what it declares, its twin does not, and switching it off ends it.

`leak_requests_NAME.py` says which request makes which leak of the service NAME grow. A service without such a file, a
leak without a request and a request without a leak are failures.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from leaking_service import LeakingService, leaking_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    Request = Callable[[httpx.Client, int], None]

pytestmark = pytest.mark.integration

_HERE: Final = Path(__file__).parent
_APPS: Final = _HERE.parents[1] / "leaky_apps"
SERVICES: Final = sorted(main.parent.name for main in _APPS.glob("*/__main__.py"))

_REQUESTS: Final = 200
_TWIN_REQUESTS: Final = 100
_WARMUP: Final = 150
_AFTERWARDS: Final = 40
_CPU_WARMUP: Final = 10
_CPU_REQUESTS: Final = 50
_PEAK_REQUESTS: Final = 6
_TRIES: Final = 4
_TOLERANCE: Final = 0.2
_ENDED_SHARE: Final = 0.5
_TWIN_SHARE: Final = 0.05
_TWIN_PEAK_SHARE: Final = 0.4  # a twin answers the same request, so it holds something too: in parts
_NUMBERS: Final = itertools.count(1)


_MODULES: Final = {
    service: importlib.import_module(f"leak_requests_{service}")
    for service in SERVICES
    if (_HERE / f"leak_requests_{service}.py").exists()
}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], LeakingService]]:
    """Starts each service when it is first asked for, and no other beside it."""
    with contextlib.ExitStack() as stack:
        running: dict[str, LeakingService] = {}

        def start(name: str) -> LeakingService:
            if missing := getattr(_MODULES.get(name), "MISSING", ""):
                pytest.skip(missing)
            if name not in running:
                stack.close()
                running.clear()
                disk = tmp_path_factory.mktemp(name) / "disk"
                running[name] = stack.enter_context(leaking_service(name, disk))
            return running[name]

        yield start


def _marks(service: str, index: int) -> tuple[pytest.MarkDecorator, ...]:
    """One leak is tried with the quick tests, one of each other service with the long ones."""
    if index > 0:
        return (pytest.mark.thorough,)
    return () if service == "gateway" else (pytest.mark.long,)


@pytest.mark.parametrize("service", SERVICES)
def test_every_leak_has_a_request_and_every_request_a_leak(
    service: str, services: Callable[[str], LeakingService]
) -> None:
    assert service in _MODULES, f"there is no leak_requests_{service}.py"
    assert set(services(service).leaks()) == set(_MODULES[service].REQUESTS)
    assert not any(leak["on"] for leak in services(service).leaks().values())


@pytest.mark.parametrize(
    ("service", "name"),
    [
        pytest.param(service, leak, id=f"{service}-{leak}", marks=_marks(service, index))
        for service, module in _MODULES.items()
        for index, leak in enumerate(module.REQUESTS)
    ],
)
def test_a_leak_grows_as_declared_and_its_twin_does_not(
    service: str, name: str, services: Callable[[str], LeakingService]
) -> None:
    running, request = services(service), _MODULES[service].REQUESTS[name]
    leak = running.leaks()[name]
    judge = _judge_peak if leak["growth"] == "peak" else _judge_cpu if leak["resource"] == "cpu" else _judge_kept
    try:
        judge(running, leak, request)
    finally:
        running.switch(name, on=False)


def _judge_kept(service: LeakingService, leak: dict[str, Any], request: Request) -> None:
    """Flat while it is off, as declared while it is on, and flat again when it is off again, with all kept."""
    # Memory is measured without passing garbage, but where a collection would cure the leak.
    tidy = leak["resource"] == "memory"
    collect = tidy and "POST /admin/gc" not in leak["released_by"]
    declared = float(leak["per_request"])

    def growth(count: int, *, collect: bool) -> float:
        before = _settled(service, leak, collect=collect)
        _send(service, request, count)
        return (_settled(service, leak, collect=collect) - before) / count

    _warm_up(service, request)
    assert _least(lambda: growth(_TWIN_REQUESTS, collect=tidy), declared * _TWIN_SHARE) < declared * _TWIN_SHARE
    service.switch(leak["name"], on=True)
    assert growth(_REQUESTS, collect=collect) == pytest.approx(declared, rel=_TOLERANCE)
    grown = _settled(service, leak, collect=collect)
    service.switch(leak["name"], on=False)
    assert abs(growth(_AFTERWARDS, collect=collect)) < declared * _ENDED_SHARE
    assert _settled(service, leak, collect=collect) > grown - declared * _REQUESTS * _TOLERANCE


def _judge_cpu(service: LeakingService, leak: dict[str, Any], request: Request) -> None:
    """Processor time, not time on the clock: a busy machine makes the service slow and not dear."""

    def cost() -> float:
        before = service.read("cpu")
        _send(service, request, _CPU_REQUESTS)
        return (service.read("cpu") - before) / _CPU_REQUESTS

    _send(service, request, _CPU_WARMUP)
    without = cost()
    assert without < leak["per_request"] / 2
    service.switch(leak["name"], on=True)
    assert cost() - without == pytest.approx(leak["per_request"], rel=_TOLERANCE)
    service.switch(leak["name"], on=False)
    assert cost() < leak["per_request"] / 2


def _judge_peak(service: LeakingService, leak: dict[str, Any], request: Request) -> None:
    """High while a request is answered, and back afterwards."""
    most = leak["per_request"] * _TWIN_PEAK_SHARE
    _send(service, request, _PEAK_REQUESTS)

    def above_rest() -> float:
        service.collect()
        level = service.read("memory")
        return service.peak(lambda: _send(service, request, _PEAK_REQUESTS)) - level

    assert _least(above_rest, most) < most
    service.collect()
    level = service.read("memory")
    service.switch(leak["name"], on=True)
    held = service.peak(lambda: _send(service, request, _PEAK_REQUESTS)) - level
    assert held == pytest.approx(leak["per_request"], rel=_TOLERANCE)
    service.collect()
    assert service.read("memory") - level < leak["per_request"] * _TWIN_PEAK_SHARE


def _least(measure: Callable[[], float], enough: float) -> float:
    """The least of a few measurements, or the first below `enough`.

    An allocator that takes a reserve does so once; what leaks grows every time.
    """
    least = float("inf")
    for _ in range(_TRIES):
        least = min(least, measure())
        if least < enough:
            break
    return least


def _warm_up(service: LeakingService, request: Request) -> None:
    """Caches fill and lazy imports happen once for each service and kind of request."""
    if request not in service.warm:
        service.warm.add(request)
        _send(service, request, _WARMUP)


def _send(service: LeakingService, request: Request, count: int) -> None:
    for _ in range(count):
        request(service.client, next(_NUMBERS))


def _settled(service: LeakingService, leak: dict[str, Any], *, collect: bool) -> float:
    """What is held when the last request is over, also in a thread or a process that works after the answer.

    It is read until it stays the same, because nothing says when a worker has taken its last job.
    """
    if collect:
        service.collect()
    return service.settled(leak["resource"])
