"""Asks a Prometheus over HTTP, and says plainly when it does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_TIMEOUT_S: Final = 2.0


class NoAnswer(Exception):  # noqa: N818 - it is an outcome; whoever asks records it
    """Prometheus was not reached, or refused the question; the text says which."""


class PrometheusApi:
    """The questions a drill has for the Prometheus at `url`."""

    def __init__(self, url: str) -> None:
        # A proxy from the environment must not stand between a drill and its own loopback.
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False)

    def query(self, expr: str, *, at_epoch_s: float | None = None) -> list[dict[str, Any]]:
        """The result of an instant query: `metric`, and `value` or `values`, for each series.

        Raises:
            NoAnswer: when there is none.
        """
        at = {} if at_epoch_s is None else {"time": f"{at_epoch_s:.3f}"}
        result: list[dict[str, Any]] = self._get("/api/v1/query", {"query": expr, **at})["result"]
        return result

    def groups(self) -> list[dict[str, Any]]:
        """The rule groups with their rules, states and times of evaluation.

        Raises:
            NoAnswer: when there is none.
        """
        groups: list[dict[str, Any]] = self._get("/api/v1/rules", {})["groups"]
        return groups

    def targets(self) -> list[dict[str, Any]]:
        """The targets that it scrapes: `scrapePool`, `labels`, `health`, `lastError`.

        Raises:
            NoAnswer: when there is no answer.
        """
        targets: list[dict[str, Any]] = self._get("/api/v1/targets", {"state": "active"})["activeTargets"]
        return targets

    def sees_everything(self, *, alertmanager: bool, besides: Collection[str] = ()) -> bool:
        """Whether every target was scraped, but for the jobs `besides`, and Alertmanager is known when there is one.

        Raises:
            NoAnswer: when there is no answer.
        """
        targets = [target for target in self.targets() if target["scrapePool"] not in besides]
        known = not alertmanager or self._get("/api/v1/alertmanagers", {})["activeAlertmanagers"]
        return bool(targets) and all(target["health"] == "up" for target in targets) and bool(known)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _get(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        try:
            response = self._http.get(path, params=params)
            body = response.json()
        except (httpx.HTTPError, ValueError) as e:
            raise NoAnswer(f"GET {path}: {type(e).__name__}: {e}") from e
        if not isinstance(body, dict) or body.get("status") != "success":
            error = body.get("error") if isinstance(body, dict) else body
            raise NoAnswer(f"GET {path} answered {response.status_code}: {error}")
        data: dict[str, Any] = body["data"]
        return data


def event_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """An alert's labels as an event may carry them: `at` is the event's own word, so such a label becomes `at_`."""
    return {("at_" if name == "at" else name): value for name, value in labels.items()}
