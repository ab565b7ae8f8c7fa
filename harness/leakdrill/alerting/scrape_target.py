"""What the drill's Prometheus scrapes: an address, which may only pass on what is at another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from leakdrill.alerting.durations import show_ms

_MOST_SCRAPED: Final = "32MB"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeTarget:
    """One job of Prometheus, with one target.

    Attributes:
        job: its name.
        address: what is asked, as `host:port`, or `host:port/path` where that is not /metrics.
        origin: the URL of the metrics, where `address` only passes them on; empty where it has them itself.
    """

    job: str
    address: str
    origin: str = ""

    def entry(self, every_s: float) -> dict[str, object]:
        """The entry of `scrape_configs`: asked every `every_s` seconds, which an answer may take, too."""
        host, _, path = self.address.partition("/")
        where = {"metrics_path": f"/{path or 'metrics'}", "static_configs": [{"targets": [host]}]}
        # What is scraped may be broken: it must neither lead elsewhere nor fill the memory of the server.
        bounds = {"follow_redirects": False, "body_size_limit": _MOST_SCRAPED}
        every = show_ms(max(1, round(every_s * 1000)))
        times = {"scrape_interval": every, "scrape_timeout": every}
        # Labels of the series win over those of the scrape, as they do where cAdvisor is scraped for many containers.
        return {"job_name": self.job, "honor_labels": True, **times, **bounds, **where, **self._instance()}

    def _instance(self) -> dict[str, object]:
        """The label that the series would have if they were not passed on."""
        if not self.origin:
            return {}
        parts = urlsplit(self.origin)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = parts.port or {"https": 443}.get(parts.scheme, 80)
        return {"relabel_configs": [{"target_label": "instance", "replacement": f"{host}:{port}"}]}
