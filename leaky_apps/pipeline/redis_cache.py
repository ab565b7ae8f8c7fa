"""The cache that outlives the process: annotated episodes in Redis, each with a time to live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from redis import Redis
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from leaky_apps.pipeline.redis_server import RedisServer

DEFAULT_TTL_S: Final = 60
DEFAULT_MAX_BYTES: Final = 4 << 20
_PREFIX: Final = "episode:"
_TIMEOUT_S: Final = 1.0


class RedisCache:
    """Annotations by episode. A Redis that is gone is a cache that misses, never an error to a client.

    Args:
        url: where it is.
        server: the one to start again when it has ended; None when somebody else runs it.

    Attributes:
        ttl_s: how long an entry lives, in seconds.
        expiring: whether entries get a time to live at all.
        errors: how often Redis could not be asked.
        max_bytes: above which the service's own Redis lets go of what was used longest ago.
    """

    def __init__(self, url: str, server: RedisServer | None) -> None:
        self._client = Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
        self._server = server
        self.ttl_s = DEFAULT_TTL_S
        self.max_bytes = DEFAULT_MAX_BYTES
        self.expiring = True
        self.errors = 0
        self._raised = False
        self._bound_at(self.max_bytes)

    def unbind(self) -> None:
        """From now on nothing expires, and nothing is evicted."""
        self.expiring = self._raised = False
        self._bound_at(0)

    def bind(self) -> None:
        """Give new entries their time again, and evict beyond what is held now. That releases nothing."""
        self.expiring = True
        held = self._facts().get("used_memory", 0)
        self._raised = held > self.max_bytes
        self._bound_at(max(self.max_bytes, held))

    def get(self, episode: str) -> bytes | None:
        """The annotation of `episode`; None when it is not held or cannot be had."""
        held = self._ask(lambda client: client.get(_PREFIX + episode))
        return held if isinstance(held, bytes) else None

    def put(self, episode: str, annotation: bytes) -> None:
        """Keep `annotation` for `ttl_s`, or for good where nothing expires."""
        if self._raised and self._facts().get("used_memory", 0) < self.max_bytes:
            self.bind()  # somebody flushed it
        ttl_s = self.ttl_s if self.expiring else None
        self._ask(lambda client: client.set(_PREFIX + episode, annotation, ex=ttl_s))

    def clear(self) -> int:
        """Empty the database; returns how many keys that were. A leak that is on stays on."""
        count = len(self)
        self._ask(lambda client: client.flushdb(asynchronous=False))
        if self.expiring:
            self.bind()
        return count

    def __len__(self) -> int:
        """The number of keys; 0 when Redis does not answer."""
        return int(self._ask(lambda client: client.dbsize()) or 0)

    def used_bytes(self) -> int:
        """The bytes of Redis' data; 0 when Redis does not answer."""
        return self._facts().get("used_memory_dataset", 0)

    def _facts(self) -> dict[str, int]:
        facts: dict[str, int] | None = self._ask(lambda client: client.info("memory"))
        return facts or {}

    def _bound_at(self, most_bytes: int) -> None:
        """Only our own Redis is told so: somebody else's has bounds of its own."""
        if self._server is not None:
            self._ask(lambda client: client.config_set("maxmemory-policy", "allkeys-lru"))
            self._ask(lambda client: client.config_set("maxmemory", most_bytes))

    def _ask(self, question: Any) -> Any:
        try:
            return question(self._client)
        except RedisError:
            self.errors += 1
            self._revive()
            return None

    def _revive(self) -> None:
        """Start our own Redis again when it has ended, such as by the kernel's OOM killer."""
        if self._server is not None and self._server.pid is None:
            self._server.start()
            self._bound_at(self.max_bytes if self.expiring else 0)
