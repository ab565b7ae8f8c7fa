"""Asks a Prometheus over HTTP, and says plainly when it does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

from leakdrill.in_words import in_words
from leakdrill.machine.http_client import bounded_client

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_TIMEOUT_S: Final = 3.0

MOST_ALERTING_BYTES: Final = 64 * 1024 * 1024
"""The longest answer that is read of a Prometheus or an Alertmanager: those of a whole company have many rules."""


class NoAnswer(Exception):  # noqa: N818 - it is an outcome; whoever asks records it
    """Prometheus was not reached, or refused the question; the text says which."""


class PrometheusApi:
    """The questions a drill has for the Prometheus at `url`."""

    def __init__(self, url: str) -> None:
        self._http = bounded_client(base_url=url, timeout_s=_TIMEOUT_S, most_bytes=MOST_ALERTING_BYTES)

    def query(self, expr: str, *, at_epoch_s: float | None = None) -> list[dict[str, Any]]:
        """The result of an instant query: `metric`, and `value` or `values`, for each series.

        Raises:
            NoAnswer: when there is none.
        """
        at = {} if at_epoch_s is None else {"time": f"{at_epoch_s:.3f}"}
        return self._list("/api/v1/query", {"query": expr, **at}, "result")

    def groups(self) -> list[dict[str, Any]]:
        """The rule groups with their rules, states and times of evaluation.

        Raises:
            NoAnswer: when there is none.
        """
        return self._list("/api/v1/rules", {}, "groups")

    def targets(self) -> list[dict[str, Any]]:
        """The targets that it scrapes: `scrapePool`, `labels`, `health`, `lastError`.

        Raises:
            NoAnswer: when there is no answer.
        """
        return self._list("/api/v1/targets", {"state": "active"}, "activeTargets")

    def sees_everything(self, *, alertmanager: bool, besides: Collection[str] = ()) -> bool:
        """Whether every target was scraped, but for the jobs `besides`, and Alertmanager is known when there is one.

        Raises:
            NoAnswer: when there is no answer.
        """
        targets = [target for target in self.targets() if target["scrapePool"] not in besides]
        known = not alertmanager or self._list("/api/v1/alertmanagers", {}, "activeAlertmanagers")
        return bool(targets) and all(target["health"] == "up" for target in targets) and bool(known)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _list(self, path: str, params: Mapping[str, str], name: str) -> list[dict[str, Any]]:
        found = self._get(path, params).get(name)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise NoAnswer(f"GET {path} answered without a list of {name}; expected Prometheus' JSON")
        return found

    def _get(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        try:
            response = self._http.get(path, params=params)
            body = response.json()
        except (httpx.HTTPError, ValueError, RecursionError) as e:
            raise NoAnswer(f"GET {path}: {in_words(e)}") from e
        if not isinstance(body, dict) or body.get("status") != "success":
            error = body.get("error") if isinstance(body, dict) else body
            raise NoAnswer(f"GET {path} answered {response.status_code}: {error}")
        data = body.get("data")
        if not isinstance(data, dict):
            raise NoAnswer(f"GET {path} answered {response.status_code} without data; expected Prometheus' JSON")
        return data
