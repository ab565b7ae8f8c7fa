"""The environment variables with which a Locust gets its settings; it removes them when it starts."""

from __future__ import annotations

from typing import Final

COUNTS_ENV: Final = "LEAKDRILL_LOAD_COUNTS"
"""The folder of the counter files."""

STATUS_ENV: Final = "LEAKDRILL_LOAD_STATUS_FD"
"""The pipe on which the leading Locust reports its state."""

PERIOD_ENV: Final = "LEAKDRILL_LOAD_PERIOD_S"
"""Seconds between two tasks of a user."""

CONTROL_ENV: Final = "LEAKDRILL_LOAD_CONTROL_FD"
"""The socket on which orders to pause arrive."""

RECORD_ENV: Final = "LEAKDRILL_LOAD_RECORD"
"""The file that gets the recorded requests."""

ADDRESSES_ENV: Final = "LEAKDRILL_LOAD_ADDRESSES_FD"
"""The socket on which a master learns where the target answers."""

HOSTS_ENV: Final = "LEAKDRILL_LOAD_HOSTS"
"""For a remote worker: where the target answers when the load begins."""

WORKER_INDEX_ENV: Final = "LEAKDRILL_LOAD_WORKER_INDEX"
WORKER_COUNT_ENV: Final = "LEAKDRILL_LOAD_WORKER_COUNT"

LIFETIME_ENV: Final = "LEAKDRILL_LOAD_LIFETIME_S"
"""For a remote worker: the seconds after which it ends by itself."""

CORPUS_ENV: Final = "LEAKDRILL_CORPUS"
"""The file of requests that the replaying locustfile sends."""

CORPUS_LENGTH_ENV: Final = "LEAKDRILL_CORPUS_LENGTH"
"""The number of requests in one pass over it."""

LIFELINE_ENV: Final = "LEAKDRILL_LOAD_LIFELINE_FD"
"""The pipe that nobody writes to: its end says that the harness is gone."""
