"""The order processor put together: its public endpoints, what it logs, and its routes."""

from __future__ import annotations

import gc
import itertools
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from leaky_apps.patterns import exports, reports
from leaky_apps.patterns.activity import ActivityLog
from leaky_apps.patterns.audit import AuditTrail
from leaky_apps.patterns.holdings import Holdings
from leaky_apps.patterns.metrics import patterns_metrics
from leaky_apps.patterns.order import json_object, parse_order, receipt, whole_number
from leaky_apps.patterns.settings import patterns_settings
from leaky_apps.patterns.tracing import Tracing
from leaky_apps.service import memory
from leaky_apps.service.admin import Admin, error
from leaky_apps.service.metrics import Counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from leaky_apps.patterns.activity import Level

_MOST_ROWS: Final = 1_000_000
_MIB: Final = 1024 * 1024
_LARGE_BYTES: Final = 4 * _MIB


class OrderProcessor:
    """One service.

    Args:
        disk: the folder of `patterns.log` and `audit.log`.
        token: what admin endpoints ask for; empty turns them off.
    """

    def __init__(self, *, disk: Path, token: str) -> None:
        self.holdings = Holdings(AuditTrail(disk / "audit.log"))
        self.log = ActivityLog(disk / "patterns.log")
        self.leaks = self.holdings.leaks()
        self.metrics = patterns_metrics(self.holdings)
        self._admin = Admin(
            leaks=self.leaks,
            token=token,
            settings=patterns_settings(self.holdings),
            actions={"gc": self.collect, "clear-cache": self.clear_cache},
            handlers={"tracemalloc": Tracing(self.log).handle},
        )
        self._orders, self._exports, self._reports = itertools.count(1), itertools.count(1), itertools.count(1)

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route("/orders", self.order, methods=["POST"]),
            Route("/quotes", self.quote),
            Route("/exports", self.export, methods=["POST"]),
            Route("/reports", self.report, methods=["POST"]),
            Route("/health", self.health),
            self.metrics.route(),
            Route("/debug/memory", self.debug_memory),
            *self._admin.routes(),
        ]
        return Counted(Starlette(routes=routes), self.metrics, frozenset(route.path for route in routes))

    async def order(self, request: Request) -> Response:
        """Take an order: add it up, keep its receipt for the support desk, and make an entry in the audit trail."""
        try:
            order = parse_order(await request.body())
        except ValueError as e:
            return error(422, str(e))
        number = next(self._orders)
        text = receipt(number, order)
        total = self.holdings.baskets.total(order)
        self.holdings.recent.keep(text)
        self.holdings.audit.record(text)
        self._log_order(number)
        return JSONResponse({"order": number, "total": round(total, 2)})

    def _log_order(self, number: int) -> None:
        held = self.holdings
        self.log.say("order", f"Processing order {number}; orders processed, total: {number}")
        self.log.say("recent", f"recent receipts size: {len(held.recent)}")
        self.log.say("audit", f"Batch {held.audit.batches} processed; audit entries count: {len(held.audit)}")
        self.log.say("basket", f"New basket object; GC is {_on_or_off()}, objects waiting for it, count: {_waiting()}")

    async def quote(self, request: Request) -> Response:
        """The price of an article: `?sku=a-1`. Its whole price table is cached."""
        sku = request.query_params.get("sku")
        if not sku:
            return error(422, f"sku: found {sku!r}; expected the name of an article, such as ?sku=a-1")
        table = self.holdings.quotes.table(sku)
        self.log.say("quotes", f"quote cache size: {len(self.holdings.quotes)}")
        return JSONResponse({"price": round(float(table[0]), 2)})

    async def export(self, request: Request) -> Response:
        """Orders as CSV: `{"first": 1, "rows": 512}`."""
        try:
            fields = json_object(await request.body())
            first = whole_number(fields, "first", default=1, most=10**12)
            rows = whole_number(fields, "rows", default=exports.DEFAULT_ROWS, most=_MOST_ROWS)
        except ValueError as e:
            return error(422, str(e))
        pieces = self.holdings.exports.export(first, rows)
        held = len(self.holdings.exports)
        self.log.say("exports", f"Created export {next(self._exports)} of {rows} rows; exports kept, count: {held}")
        return StreamingResponse(_as_stream(pieces), media_type="text/csv")

    async def report(self, request: Request) -> Response:
        """The totals over many orders: `{"rows": 12288}`."""
        try:
            fields = json_object(await request.body())
            rows = whole_number(fields, "rows", default=reports.DEFAULT_ROWS, most=_MOST_ROWS)
        except ValueError as e:
            return error(422, str(e))
        totals = await self.holdings.reports.totals(rows)
        self._log_report(next(self._reports))
        return JSONResponse({"rows": rows, "totals": totals[:4]})

    def _log_report(self, number: int) -> None:
        size = self.holdings.reports.last_bytes
        level: Level = "WARNING" if size >= _LARGE_BYTES else "INFO"
        self.log.say("report", f"Allocated tables of {size / _MIB:.1f} MiB for report {number}", level)

    async def health(self, _request: Request) -> Response:
        """Whether the service answers."""
        return JSONResponse({"status": "ok"})

    def collect(self) -> dict[str, object]:
        """Run Python's collector and hand the memory back."""
        done = self.holdings.baskets.collect()
        self.log.write(
            f"GC ran: {done['unreachable']} unreachable objects, uncollectable garbage count: {len(gc.garbage)}"
        )
        return done

    def clear_cache(self) -> dict[str, object]:
        """Drop every price table and hand the memory back. The collector is left alone: it has a step of its own."""
        cleared = self.holdings.quotes.clear()
        self.log.write(f"quote cache cleared; entries, total: {cleared}")
        return {"entries_cleared": cleared, "trimmed": memory.trim()}

    async def debug_memory(self, request: Request) -> Response:
        """The memory that is held, and where; `?types=N` adds the N most frequent types, and blocks for a moment."""
        count = request.query_params.get("types", "0")
        if not count.isdecimal():
            return error(422, f"types: found {count!r}; expected a whole number")
        facts: dict[str, object] = {
            **memory.resident(),
            **self.holdings.show(),
            "gc_on": gc.isenabled(),
            "gc_counts": gc.get_count(),
        }
        if int(count):
            facts["types"] = memory.top_types(int(count))
        return JSONResponse(facts)


def _on_or_off() -> str:
    return "on" if gc.isenabled() else "off"


def _waiting() -> int:
    """Objects made since the youngest generation was last looked at."""
    return gc.get_count()[0]


async def _as_stream(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """`pieces` on the event loop: Starlette would send a plain iterator through a thread for each piece."""
    for piece in pieces:
        yield piece
