"""Both caches as one: in the process, and behind it in Redis.

`clear_caches()` clears the caches of the process that calls it. A runbook that starts a Python of its own for it clears
nothing but that Python; `python -m leaky_apps.pipeline.caches --port N` asks the service instead.
"""

from __future__ import annotations

import argparse
import os
import sys
import urllib.error
import urllib.request
import weakref
from typing import TYPE_CHECKING, Final

from leaky_apps.pipeline.store import BoundedStore

if TYPE_CHECKING:
    from leaky_apps.pipeline.redis_cache import RedisCache

DEFAULT_MAX_ENTRIES: Final = 32

_OPEN: Final[weakref.WeakSet[Caches]] = weakref.WeakSet()


class Caches:
    """Annotations by episode, as the JSON that is answered.

    Attributes:
        process: the cache in this process.
        redis: the cache behind it.
        hits: how often an episode was found, by where.
        misses: how often it was found nowhere.
    """

    def __init__(self, redis: RedisCache, max_entries: int = DEFAULT_MAX_ENTRIES) -> None:
        self.process: BoundedStore[bytes] = BoundedStore(max_entries, len)
        self.redis = redis
        self.hits = {"process": 0, "redis": 0}
        self.misses = 0
        _OPEN.add(self)

    def get(self, episode: str) -> tuple[bytes, str] | None:
        """The annotation of `episode`, and which cache had it; None when neither has."""
        held = self.process.get(episode)
        if held is not None:
            self.hits["process"] += 1
            return held, "process"
        held = self.redis.get(episode)
        if held is None:
            self.misses += 1
            return None
        self.process.put(episode, held)
        self.hits["redis"] += 1
        return held, "redis"

    def put(self, episode: str, annotation: bytes) -> None:
        """Keep `annotation` in both."""
        self.process.put(episode, annotation)
        self.redis.put(episode, annotation)

    def clear(self) -> dict[str, int]:
        """Empty both; returns how many entries each had."""
        return {"process": self.process.clear(), "redis": self.redis.clear()}


def clear_caches() -> dict[str, int]:
    """Empty all caches of this process; returns how many entries they had."""
    cleared = {"process": 0, "redis": 0}
    for caches in list(_OPEN):
        for name, count in caches.clear().items():
            cleared[name] += count
    return cleared


def main() -> int:
    """Ask a running service to clear its caches; 0 when it has, 1 when it has not."""
    parser = argparse.ArgumentParser(prog="python -m leaky_apps.pipeline.caches", description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    url = f"http://127.0.0.1:{parser.parse_args().port}/admin/clear-caches"
    headers = {"Authorization": f"Bearer {os.environ.get('LEAKDRILL_TOKEN', '')}"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, method="POST", headers=headers), timeout=10) as answer:
            sys.stdout.write(answer.read().decode() + "\n")
    except (urllib.error.URLError, OSError) as e:
        sys.stderr.write(f"POST {url}: {e}; expected 200. Hint: is LEAKDRILL_TOKEN the service's?\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
