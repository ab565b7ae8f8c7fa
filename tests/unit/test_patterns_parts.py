"""The parts of the order processor that need no server: each pattern, its cure, and what frees what it kept."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from leaky_apps.patterns import audit as audit_module
from leaky_apps.patterns import reports as reports_module
from leaky_apps.patterns.activity import ActivityLog
from leaky_apps.patterns.audit import AuditTrail
from leaky_apps.patterns.baskets import BASKET_BYTES, Basket, Baskets
from leaky_apps.patterns.exports import DOCUMENT_BYTES, Exports
from leaky_apps.patterns.holdings import Holdings
from leaky_apps.patterns.order import RECEIPT_BYTES, parse_order, receipt
from leaky_apps.patterns.quotes import TABLE_BYTES, QuoteCache, price_table
from leaky_apps.patterns.recent import RecentReceipts
from leaky_apps.patterns.reports import Reports
from leaky_apps.patterns.settings import patterns_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leaky_apps.leak import Leak

ORDER = parse_order(b'{"customer": "c-1", "items": [{"sku": "a-1", "quantity": 2}, {"sku": "a-2"}]}')
SCENARIOS = Path(__file__).parents[2] / "scenarios" / "patterns"


def leaks(holdings: Holdings) -> dict[str, Leak]:
    return {leak.name: leak for leak in holdings.leaks()}


@pytest.fixture
def holdings(tmp_path: Path) -> Iterator[Holdings]:
    """Parts of their own; the module's list and the collector are as before afterwards."""
    yield Holdings(AuditTrail(tmp_path / "audit.log"))
    audit_module.ENTRIES.clear()
    gc.enable()


@pytest.fixture
def numbers_grow() -> Any:
    spec = importlib.util.spec_from_file_location("numbers_grow", SCENARIOS / "numbers_grow.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_leak_is_off_at_the_start_and_its_switch_shows(holdings: Holdings) -> None:
    for leak in holdings.leaks():
        assert not leak.on
        leak.switch(on=True)
        assert leak.on
        leak.switch(on=False)
        assert not leak.on


def test_the_deque_keeps_the_newest_and_the_list_keeps_all() -> None:
    recent = RecentReceipts()
    for number in range(40):
        recent.keep(bytes([number]))
    assert (len(recent), recent.bounded) == (32, True)
    recent.unbind()
    for number in range(40, 140):
        recent.keep(bytes([number]))
    assert (len(recent), recent.bounded) == (132, False)


def test_ending_the_cause_of_a_growing_list_frees_nothing_and_a_bound_does() -> None:
    recent = RecentReceipts()
    recent.unbind()
    for _ in range(100):
        recent.keep(b"x")
    recent.bind()
    recent.keep(b"x")
    assert len(recent) == 100
    recent.shorten(10)
    recent.keep(b"y")
    assert (len(recent), recent.held_bytes, recent.most) == (10, 10, 10)


def test_the_cache_evicts_or_does_not_and_only_clearing_frees() -> None:
    quotes = QuoteCache()
    for number in range(50):
        quotes.table(f"before-{number}")
    assert len(quotes) == 32
    quotes.evicting = False
    for number in range(50):
        quotes.table(f"during-{number}")
    assert len(quotes) == 82
    quotes.evicting = True
    quotes.max_entries = 4
    for number in range(50):
        quotes.table(f"after-{number}")
    assert (len(quotes), quotes.held_bytes) == (54, 54 * TABLE_BYTES)
    assert quotes.clear() == 54
    assert len(quotes) == 0


def test_a_price_is_the_same_cached_or_not_and_is_computed_once() -> None:
    quotes = QuoteCache()
    for evicting in (True, False):
        quotes.evicting = evicting
        assert quotes.table("a-1") is quotes.table("a-1")
        assert quotes.table("a-1").tolist() == price_table("a-1").tolist()
    assert price_table("a-1").nbytes == TABLE_BYTES


def test_a_streamed_export_reads_as_the_one_that_is_kept_and_keeps_nothing() -> None:
    exports = Exports()
    streamed = list(exports.export(1, 512))
    assert (len(streamed), len(exports)) == (4, 0)
    exports.streamed = False
    [document] = exports.export(1, 512)
    assert b"".join(streamed) == document
    assert (len(exports), exports.held_bytes, len(document)) == (1, DOCUMENT_BYTES, DOCUMENT_BYTES)
    exports.streamed = True
    assert exports.held_bytes == DOCUMENT_BYTES


def test_the_trail_lets_a_full_batch_go_and_the_module_keeps_every_entry(holdings: Holdings, tmp_path: Path) -> None:
    trail = holdings.audit
    for _ in range(20):
        trail.record(b"order")
    assert (len(trail), trail.batches) == (4, 2)
    assert (tmp_path / "audit.log").read_text().count("entries=8") == 2
    trail.in_module = True
    for _ in range(20):
        trail.record(b"order")
    trail.in_module = False
    trail.close()
    assert (len(trail), len(audit_module.ENTRIES)) == (20, 20)
    assert trail.held_bytes == 20 * len(b"audit:order")


def test_an_audit_log_that_cannot_be_written_is_counted_and_harms_nobody(tmp_path: Path) -> None:
    trail = AuditTrail(tmp_path / "missing" / "audit.log")
    trail.batch = 1
    trail.record(b"order")
    assert (trail.write_errors, len(trail)) == (1, 0)


@pytest.mark.parametrize("weak", [True, False])
def test_a_basket_is_freed_by_its_last_reference_only_where_lines_refer_back_weakly(
    holdings: Holdings, weak: bool
) -> None:
    holdings.baskets.tie()
    basket = Basket(ORDER, weak=weak)
    assert sum(line.weights.nbytes for line in basket.lines) == BASKET_BYTES
    gone = weakref.ref(basket)
    del basket
    assert (gone() is None) is weak
    gc.collect()
    assert gone() is None


def test_the_collector_stays_off_until_it_is_asked_for_and_then_only_without_new_cycles(holdings: Holdings) -> None:
    baskets = holdings.baskets
    baskets.tie()
    assert not gc.isenabled()
    baskets.total(ORDER)
    assert baskets.collect()["collector_on"] is False
    baskets.untie()
    assert not gc.isenabled()
    assert baskets.collect()["collector_on"] is True


def test_an_order_comes_to_the_same_with_and_without_cycles(holdings: Holdings) -> None:
    baskets = Baskets()
    weak = baskets.total(ORDER)
    holdings.baskets.tie()
    assert holdings.baskets.total(ORDER) == weak == 2 + 1 + 2 + 1


def test_a_report_has_the_same_totals_whole_and_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports_module, "_SENT_ROWS_PER_S", 1e9)
    reports = Reports()
    in_chunks = asyncio.run(reports.totals(3000))
    assert reports.largest_bytes == 1024 * 512
    reports.whole = True
    assert asyncio.run(reports.totals(3000)) == in_chunks == [2999 * 3000 / 2] * 64
    assert reports.largest_bytes == 3000 * 512


def test_settings_are_the_cures_that_the_leaks_name(holdings: Holdings) -> None:
    for leak in holdings.leaks():
        leak.switch(on=True)
    patterns_settings(holdings).change(
        {"recent_max": 5, "cache_max_entries": 5, "audit_batch": 5, "stream_exports": True, "report_chunk_rows": 5}
    )
    still_on = {name for name, leak in leaks(holdings).items() if leak.on}
    assert still_on == {"cache-without-eviction", "global-accumulation", "reference-cycles"}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b'{"customer": ""}', b'{"customer": "c"}', b'{"customer": "c", "items": []}',
        b'{"customer": "c", "items": ["a"]}', b'{"customer": "c", "items": [{"sku": "a", "quantity": 0}]}',
        b'{"customer": "c", "items": [{"sku": "a", "quantity": true}]}',
    ],
)  # fmt: skip
def test_what_is_no_order_is_refused_with_what_was_expected(body: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_order(body)


def test_a_receipt_is_as_long_as_declared_however_much_was_ordered() -> None:
    many = parse_order(b'{"customer": "c", "items": [%s]}' % b",".join([b'{"sku": "' + b"a" * 5000 + b'"}'] * 64))
    assert len(receipt(1, ORDER)) == len(receipt(2, many)) == RECEIPT_BYTES


def test_each_kind_of_line_is_written_at_most_twice_a_second(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    log = ActivityLog(tmp_path / "patterns.log", clock=lambda: now[0])
    for number in range(10):
        log.say("orders", f"processed total: {number}")
        log.say("cache", f"cache size: {number}")
        now[0] += 0.125
    written = log.path.read_text()
    assert [line[-1] for line in written.splitlines() if "total:" in line] == ["0", "4", "8"]
    assert [line[-1] for line in written.splitlines() if "cache" in line] == ["0", "4", "8"]
    assert capsys.readouterr().out == written


def test_a_log_without_a_disk_is_counted_and_still_goes_to_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = ActivityLog(tmp_path / "missing" / "patterns.log")
    log.write("GC ran")
    assert log.write_errors == 1
    assert "GC ran" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("found", "growing"),
    [
        ([1, 50, 100, 150, 200, 250], True),
        ([1, 20, 32, 32, 32, 32], False),
        ([32, 31, 33, 32, 34, 33], False),
        ([0, 0, 0, 0], False),
        ([0, 0, 3, 9], True),
        ([1, 100, 200], False),
        ([], False),
    ],
)
def test_a_column_of_numbers_grows_when_its_second_half_does(
    numbers_grow: Any, found: list[float], growing: bool
) -> None:
    assert numbers_grow.still_growing(found) is growing


def test_numbers_are_found_by_the_group_and_the_answer_is_the_exit_code(
    numbers_grow: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "patterns.log"
    log.write_text("".join(f"INFO cache size: {n} entries 7\n" for n in (1, 10, 20, 40)))
    assert numbers_grow.main(str(log), "cache size: ([0-9]+)") == 0
    assert numbers_grow.main(str(log), "entries ([0-9]+)") == 1
    assert "4 lines, still growing: first, middle and last [1.0, 20.0, 40.0]" in capsys.readouterr().out
