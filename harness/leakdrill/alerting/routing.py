"""Alertmanager's configuration: the user's routing tree, with waits divided and every receiver led to our webhook.

Receivers keep their names, so the record says who would have been notified; what they would have been notified by
(mail, chat, pager) is replaced, because a drill must page nobody. All of them also report the end of an alert.

A receiver that notifies nobody in production notifies nobody here: one without any `…_configs` beside others that have
some, or under a name that people give to it, such as `null`. A file in which no receiver has any was written without
them for the drill, as they hold passwords, and all its other receivers count.
"""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from leakdrill.alerting.durations import divide_ms, parse_ms, show_ms
from leakdrill.alerting.routes import WAITS, RouteTree, names_at
from leakdrill.alerting.routing_file import EXPECTED, read_routing_file
from leakdrill.units import quoted
from leakdrill.yaml_file import dump_yaml, read_yaml, unshared

if TYPE_CHECKING:
    from leakdrill.yaml_file import Document, Loc

_AMTOOL_TIMEOUT_S: Final = 30
_FLOORS_MS: Final = {"group_wait": 0, "group_interval": 100, "repeat_interval": 1000}
_RESOLVE_TIMEOUT: Final = "5m"
_KEPT: Final = ("route", "inhibit_rules", "time_intervals", "mute_time_intervals")

_NULL_NAMES: Final = frozenset(
    {"null", "nobody", "none", "nowhere", "blackhole", "black-hole", "devnull", "dev-null", "/dev/null", "void", "drop"}
)

_DEFAULT: Final[dict[str, Any]] = {
    "route": {"receiver": "drill", "group_by": ["alertname", "severity"]},
    "receivers": [{"name": "drill"}],
}


@dataclass(frozen=True, slots=True)
class Routing:
    """A configuration for the drill's Alertmanager.

    Attributes:
        config: what it reads.
        receivers: their names.
        remarks: one sentence for each thing that is not as in production, or that mutes alerts now.
        document: the user's file; None for the routing of a drill that has none.
    """

    config: dict[str, Any]
    receivers: tuple[str, ...]
    remarks: tuple[str, ...]
    document: Document | None = None

    @property
    def tree(self) -> RouteTree:
        """Its routes, with their lines in the user's file."""
        return RouteTree(self.config, self.document)

    def write(self, path: Path) -> None:
        """Write it as YAML to `path`."""
        path.write_text(dump_yaml(self.config), encoding="utf-8")


def default_routing(*, scale: float, webhook_url: str) -> Routing:
    """One receiver `drill`, grouped by alert and severity, with Alertmanager's default waits divided by `scale`."""
    return _routing(_DEFAULT, scale, webhook_url, ())


def receivers_in(path: Path | None) -> dict[str, bool]:
    """Returns the receivers of the user's file, or those of a drill without one, and whether each notifies anybody.

    Raises:
        BadInput: when the file cannot be used.
    """
    if path is None:
        return dict.fromkeys((str(one["name"]) for one in _DEFAULT["receivers"]), True)
    document = read_routing_file(path)
    top = document.mapping(document.data, ())
    receivers = [one for one in document.items(top, "receivers", ()) if isinstance(one, dict) and one.get("name")]
    nobody = _nobody(receivers)
    return {name: name not in nobody for name in (str(one["name"]) for one in receivers)}


def read_routing(path: Path, *, scale: float, webhook_url: str) -> Routing:
    """The user's `alertmanager.yml`, with its waits divided and its receivers replaced by `webhook_url`/NAME.

    Raises:
        BadInput: `file:line: route.routes[0].group_wait: what was found; what is expected`.
    """
    document = read_routing_file(path)
    top = document.mapping(unshared(document.data), ())
    receivers = [
        _name(document, receiver, ("receivers", i)) for i, receiver in enumerate(document.items(top, "receivers", ()))
    ]
    root = document.mapping(top["route"], ("route",))
    if "receiver" not in root:
        raise document.wrong(("route",), "names no receiver; the first route must have one")
    _check_timeout(document, top)
    remarks: list[str] = []
    _check_route(document, root, ("route",), receivers, remarks)
    routing = _routing(top, scale, webhook_url, tuple(remarks), document)
    _check_with_amtool(routing, document)
    return routing


def _check_with_amtool(routing: Routing, document: Document) -> None:
    """Have `amtool check-config` look at what Alertmanager will get, where it is installed."""
    amtool = shutil.which("amtool")
    if amtool is None:
        return
    with tempfile.TemporaryDirectory(prefix="leakdrill-routing-") as folder:
        written = Path(folder) / "alertmanager.yml"
        routing.write(written)
        done = subprocess.run(
            [amtool, "check-config", str(written)],
            capture_output=True, text=True, timeout=_AMTOOL_TIMEOUT_S, check=False,
        )  # fmt: skip
        lines = {line: loc for loc, line in read_yaml(written, expected=EXPECTED).lines.items()}
    if done.returncode == 0:
        return
    told = " ".join(done.stdout.partition("FAILED:")[2].split()) or done.stderr.strip()
    problem = re.sub(r"(?:yaml: unmarshal errors: )?line \d+: ", "", told)
    named = re.search(r"line (\d+):", told)
    loc = lines.get(int(named[1]), ()) if named else _place_of(problem, document)
    raise document.wrong(loc, f"Alertmanager refuses it: {problem}", hint=f"amtool check-config {document.path}")


def _place_of(problem: str, document: Document) -> Loc:
    """Where the text stands that Alertmanager quotes, if it stands in one place."""
    quotes = re.findall(r'"([^"]+)"|`\^\(\?:(.*)\)\$`', problem)
    places = [loc for loc, value in document.scalars() for text in quotes if "".join(text) in value]
    return places[0] if len(places) == 1 else ()


def _name(document: Document, receiver: Any, loc: Loc) -> str:
    name = document.mapping(receiver, loc).get("name")
    if name is None:
        raise document.wrong((*loc, "name"), "is missing; expected the name by which routes call the receiver")
    return str(name)


def _check_timeout(document: Document, top: dict[str, Any]) -> None:
    settings = document.mapping(top.get("global") or {}, ("global",))
    _check_duration(document, settings, ("global", "resolve_timeout"))


def _check_route(document: Document, route: dict[str, Any], loc: Loc, known: list[str], remarks: list[str]) -> None:
    name = route.get("receiver")
    if name is not None and name not in known:
        problem = f"there is no receiver {quoted(name)}; expected one of {', '.join(known) or '(receivers is empty)'}"
        raise document.wrong((*loc, "receiver"), problem)
    for key in WAITS:
        _check_duration(document, route, (*loc, key))
    for key in ("mute_time_intervals", "active_time_intervals"):
        if route.get(key):
            place = f"{document.path.name}:{document.line((*loc, key))}"
            kept = "the calendar does not run faster in a rehearsal; it was kept as it is"
            remarks.append(f"{place}: {key}: {kept}{_now_muted(document, route, key)}")
    for index, child in enumerate(document.items(route, "routes", loc)):
        inner = (*loc, "routes", index)
        _check_route(document, document.mapping(child, inner), inner, known, remarks)


def _now_muted(document: Document, route: dict[str, Any], key: str) -> str:
    """The clause that says that the calendar of `key` mutes `route` at this moment."""
    names = names_at(route, key)
    muting, active = (names, ()) if key == "mute_time_intervals" else ((), names)
    try:
        muted = RouteTree(document.data).muted(muting, active, datetime.now(UTC))
    except ValueError:
        return ""  # amtool says better than we what is wrong with an interval
    return f"; at this moment it mutes the route ({muted})" if muted else ""


def _check_duration(document: Document, owner: dict[str, Any], loc: Loc) -> None:
    value = owner.get(str(loc[-1]))
    if value is None:
        return
    try:
        parse_ms(value)
    except ValueError as e:
        raise document.wrong(loc, str(e)) from e


def _routing(
    source: dict[str, Any],
    scale: float,
    webhook_url: str,
    remarks: tuple[str, ...],
    document: Document | None = None,
) -> Routing:
    config = {key: copy.deepcopy(source[key]) for key in _KEPT if source.get(key)}
    config["route"] = {**WAITS, **{k: v for k, v in config["route"].items() if v is not None}}
    _divide(config["route"], scale)
    timeout = (source.get("global") or {}).get("resolve_timeout") or _RESOLVE_TIMEOUT
    names = tuple(str(receiver["name"]) for receiver in source.get("receivers") or [])
    config["global"] = {"resolve_timeout": show_ms(divide_ms(parse_ms(timeout), scale, floor_ms=1000))}
    nobody = _nobody(source.get("receivers") or [])
    config["receivers"] = [{"name": name} if name in nobody else _receiver(name, webhook_url) for name in names]
    told = tuple(f"the receiver {name} has no way to notify anybody, here as in production" for name in sorted(nobody))
    return Routing(config, names, (*remarks, *told), document)


def _nobody(receivers: list[dict[str, Any]]) -> set[str]:
    """The names of the receivers that notify nobody."""
    ways = {str(one["name"]): any(v for k, v in one.items() if str(k).endswith("_configs")) for one in receivers}
    some = any(ways.values())
    return {name for name, has in ways.items() if not has and (some or name.lower().strip("'\"") in _NULL_NAMES)}


def _divide(route: dict[str, Any], scale: float) -> None:
    for key, floor_ms in _FLOORS_MS.items():
        if route.get(key) is not None:
            route[key] = show_ms(divide_ms(parse_ms(route[key]), scale, floor_ms=floor_ms))
    for child in route.get("routes") or []:
        _divide(child, scale)


def _receiver(name: str, webhook_url: str) -> dict[str, Any]:
    url = f"{webhook_url}/{quote(name, safe='')}"
    return {"name": name, "webhook_configs": [{"url": url, "send_resolved": True}]}
