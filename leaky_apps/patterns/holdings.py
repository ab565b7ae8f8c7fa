"""Everything in the order processor that can hold memory, in one place: what is held, and which leaks it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leaky_apps.patterns.baskets import Baskets
from leaky_apps.patterns.exports import Exports
from leaky_apps.patterns.leaks.cache_without_eviction import CacheWithoutEviction
from leaky_apps.patterns.leaks.global_accumulation import GlobalAccumulation
from leaky_apps.patterns.leaks.large_allocations import LargeAllocations
from leaky_apps.patterns.leaks.reference_cycles import ReferenceCycles
from leaky_apps.patterns.leaks.retained_large_objects import RetainedLargeObjects
from leaky_apps.patterns.leaks.unbounded_collection import UnboundedCollection
from leaky_apps.patterns.quotes import QuoteCache
from leaky_apps.patterns.recent import RecentReceipts
from leaky_apps.patterns.reports import Reports

if TYPE_CHECKING:
    from leaky_apps.leak import Leak
    from leaky_apps.patterns.audit import AuditTrail


@dataclass(frozen=True, slots=True)
class Holdings:
    """The parts of one order processor that hold something."""

    audit: AuditTrail
    recent: RecentReceipts = field(default_factory=RecentReceipts)
    quotes: QuoteCache = field(default_factory=QuoteCache)
    exports: Exports = field(default_factory=Exports)
    baskets: Baskets = field(default_factory=Baskets)
    reports: Reports = field(default_factory=Reports)

    def leaks(self) -> tuple[Leak, ...]:
        """The six patterns, one for each part."""
        return (
            UnboundedCollection(self.recent),
            CacheWithoutEviction(self.quotes),
            RetainedLargeObjects(self.exports),
            GlobalAccumulation(self.audit),
            ReferenceCycles(self.baskets),
            LargeAllocations(self.reports),
        )

    def show(self) -> dict[str, int]:
        """The number of each kind that is held, and the bytes."""
        return {
            "recent_receipts": len(self.recent),
            "recent_bytes": self.recent.held_bytes,
            "quote_cache_entries": len(self.quotes),
            "quote_cache_bytes": self.quotes.held_bytes,
            "exports_kept": len(self.exports),
            "exports_bytes": self.exports.held_bytes,
            "audit_entries": len(self.audit),
            "audit_bytes": self.audit.held_bytes,
            "report_largest_bytes": self.reports.largest_bytes,
        }
