"""The routes that an alert takes through Alertmanager's tree, and whether the calendar mutes them.

Alertmanager says for which receivers it holds an alert. It does not say by which route, for how long that route waits,
and, up to version 0.27, whether a calendar mutes it; a route that is muted looks as one that was passed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.durations import parse_ms
from leakdrill.alerting.matchers import matchers_of
from leakdrill.alerting.time_intervals import is_inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from leakdrill.yaml_file import Document, Loc

WAITS: Final = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
"""Alertmanager's own defaults, which a tree that names none of them has in production."""

_INHERITED: Final = ("receiver", "group_wait", "group_interval")


@dataclass(frozen=True, slots=True)
class Route:
    """One route that an alert takes.

    Attributes:
        receiver: who is to be told.
        place: `file:line` of the route; empty where no file is known.
        group_wait_s: how long it waits before it tells of a new group.
        group_interval_s: how long it waits before it tells what is new in a group that was told of.
        muting: the names of the intervals in which it is muted.
        active: the names of the intervals outside of which it is muted; none for always.
    """

    receiver: str
    place: str
    group_wait_s: float
    group_interval_s: float
    muting: tuple[str, ...]
    active: tuple[str, ...]


class RouteTree:
    """The routing tree of the Alertmanager configuration `config`; `document` is its file, where there is one."""

    def __init__(self, config: Mapping[str, Any], document: Document | None = None) -> None:
        self._config = config
        self._document = document
        named = [*(config.get("time_intervals") or ()), *(config.get("mute_time_intervals") or ())]
        self._intervals = {str(one.get("name")): one.get("time_intervals") for one in named}

    def routes_of(self, labels: Mapping[str, str]) -> list[Route]:
        """Returns the routes that an alert with `labels` takes, in order.

        Raises:
            ValueError: when a condition or a wait of the tree cannot be read.
        """
        return list(self._taken(self._config["route"], ("route",), WAITS, labels))

    def muted(self, muting: Sequence[str], active: Sequence[str], moment: datetime) -> str:
        """Returns when a route that names these intervals is muted, if it is at `moment`; empty where it is not.

        Raises:
            ValueError: when an interval cannot be read.
        """
        name = next((name for name in muting if is_inside(self._intervals.get(name), moment)), "")
        if name:
            return f"within the time interval {name}"
        if active and not any(is_inside(self._intervals.get(name), moment) for name in active):
            return f"outside of the time interval {' and '.join(active)}"
        return ""

    def ways_of(self, receiver: str) -> tuple[str, ...]:
        """Returns by what `receiver` notifies, such as `slack`; nothing where it notifies nobody."""
        found = [one for one in self._config.get("receivers") or () if str(one.get("name")) == receiver]
        keys = [str(key) for one in found for key, value in one.items() if value]
        return tuple(sorted(key.removesuffix("_configs") for key in keys if key.endswith("_configs")))

    def _taken(
        self, route: Mapping[str, Any], loc: Loc, inherited: Mapping[str, Any], labels: Mapping[str, str]
    ) -> Iterator[Route]:
        settings = {**inherited, **{key: route[key] for key in _INHERITED if route.get(key) is not None}}
        is_taken_below = False
        for index, child in enumerate(route.get("routes") or ()):
            if not all(matcher.matches(labels) for matcher in matchers_of(child)):
                continue
            is_taken_below = True
            yield from self._taken(child, (*loc, "routes", index), settings, labels)
            if str(child.get("continue")).lower() != "true":
                break
        if not is_taken_below:
            yield self._route(route, loc, settings)

    def _route(self, route: Mapping[str, Any], loc: Loc, settings: Mapping[str, Any]) -> Route:
        place = f"{self._document.path.name}:{self._document.line(loc)}" if self._document else ""
        return Route(
            receiver=str(settings["receiver"]),
            place=place,
            group_wait_s=parse_ms(settings["group_wait"]) / 1000,
            group_interval_s=parse_ms(settings["group_interval"]) / 1000,
            muting=names_at(route, "mute_time_intervals"),
            active=names_at(route, "active_time_intervals"),
        )


def names_at(route: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Returns the names of the intervals at `key` of `route`."""
    return tuple(map(str, route.get(key) or ()))
