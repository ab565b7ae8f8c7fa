"""Messages between Locust's master and remote workers besides Locust's own."""

from __future__ import annotations

from typing import Final

COUNTS: Final = "leakdrill_counts"
"""From a worker: everything it has counted so far (counters.py). Also the key under which Locust's reports carry it."""

ADDRESSES: Final = "leakdrill_addresses"
"""From the master: the addresses at which the target answers now."""

REPORT_S: Final = 0.1
"""How often a worker reports its counts; Locust's own reports come every three seconds."""
