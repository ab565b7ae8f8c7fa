"""What Locust's master and workers that run elsewhere say to each other besides what Locust itself says."""

from __future__ import annotations

from typing import Final

COUNTS: Final = "leakdrill_counts"
"""From a worker: all that it has counted so far (counts.py). Also the key under which Locust's own reports carry it."""

ADDRESSES: Final = "leakdrill_addresses"
"""From the master: the addresses at which the target answers now."""

REPORT_S: Final = 0.1
"""How often a worker says what it has counted; Locust's own reports come every three seconds."""

HOSTS_ENV: Final = "LEAKDRILL_LOAD_HOSTS"
WORKER_INDEX_ENV: Final = "LEAKDRILL_LOAD_SEAT"
WORKER_COUNT_ENV: Final = "LEAKDRILL_LOAD_SEATS"
LASTS_ENV: Final = "LEAKDRILL_LOAD_LASTS_S"
WORKER_PERIOD_ENV: Final = "LEAKDRILL_LOAD_PERIOD_S"
