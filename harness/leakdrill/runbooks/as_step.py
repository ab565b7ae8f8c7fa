"""Commands that are a step of ours: what `docker-compose restart X` does to a drill's target is `restart`.

Each reader takes the words of one simple command, and gives the step with what it leaves changed, or None where the
command is none of its. A command for somebody else's service is refused, and never done to the target instead.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from leakdrill.runbooks.words import options_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class NotOurs(Exception):  # noqa: N818 - an answer for the plan, not a mistake
    """The command is about something that is not the drill's target; says what."""


@dataclass(frozen=True)
class AsStep:
    """A command as a step.

    Attributes:
        do: the action, as a scenario has it.
        subject: what it sets; empty where it leaves nothing changed.
        undo: how that is taken back, for a person.
    """

    do: dict[str, Any]
    subject: str = ""
    undo: str | None = None


@dataclass(frozen=True)
class Known:
    """What a runbook may call the target.

    Attributes:
        names: services, containers, deployments.
        url: the address of the target in a resolved line.
    """

    names: Collection[str]
    url: str = "@{url}"

    def check(self, name: str, does: str) -> None:
        """Raises NotOurs where `name` is none of the target's."""
        bare = name.rpartition("/")[2].removesuffix(".service")
        if bare not in self.names:
            called = ", ".join(sorted(self.names)) or "nothing yet"
            raise NotOurs(f"it {does} {bare}, which is not the drill's target (bindings call that {called})")


def as_step(words: list[str], known: Known) -> AsStep | None:
    """The step that the simple command `words` is; None where it is none.

    Raises:
        NotOurs: where it is one for another service than the target.
    """
    for reader in _READERS:
        found = reader(words, known)
        if found is not None:
            return found
    return None


_COMPOSE: Final = (["docker-compose"], ["docker", "compose"])
_KUBECTL_VALUES: Final = frozenset(
    ["-n", "--namespace", "--context", "-l", "--selector", "-c", "--container", "--replicas", "--limits", "--requests"]
)
_COMPOSE_VALUES: Final = frozenset(["-f", "--file", "-p", "--project-name", "-t", "--timeout", "--scale"])
_UPDATE_VALUES: Final = frozenset(["-m", "--memory", "--memory-swap", "--cpus", "--cpuset-cpus", "-c", "--cpu-shares"])
_CURL_VALUES: Final = frozenset(
    ["-X", "--request", "-d", "--data", "--data-raw", "--json", "-H", "--header", "-o", "--output"]
) | frozenset(["-m", "--max-time", "-u", "--user", "-w", "--write-out"])


def _after(words: list[str], *heads: list[str]) -> list[str] | None:
    """The words after the first of `heads` that `words` begin with; None where they begin with none."""
    for head in heads:
        if words[: len(head)] == head:
            return words[len(head) :]
    return None


def _restart(words: list[str], known: Known) -> AsStep | None:
    name = _restarted(words)
    if name is None:
        return None
    known.check(name, "restarts")
    return AsStep({"restart": {}})


def _restarted(words: list[str]) -> str | None:
    """The service that `words` restart; None where they restart none."""
    compose = _after(words, *_COMPOSE)
    if compose is not None:
        _, rest = options_of(compose, _COMPOSE_VALUES)
        return rest[1] if len(rest) == 2 and rest[0] == "restart" else None  # noqa: PLR2004 - the verb and a name
    rest = _after(words, ["docker"], ["podman"], ["systemctl"], ["supervisorctl"]) or []
    if rest[:1] == ["restart"]:
        _, names = options_of(rest[1:], _COMPOSE_VALUES)
        return names[0] if len(names) == 1 else None
    if words[:1] == ["service"] and words[2:] == ["restart"]:
        return words[1]
    rest = _after(words, ["kubectl"]) or []
    _, rest = options_of(rest, _KUBECTL_VALUES)
    return rest[-1] if rest[:2] == ["rollout", "restart"] and len(rest) > 2 else None  # noqa: PLR2004 - and a name


def _scale(words: list[str], known: Known) -> AsStep | None:
    name, number = _scaled(words)
    if name is None or not number.isdigit():
        return None
    known.check(name, "scales")
    return AsStep({"scale": {"replicas": int(number)}}, "replicas", "scale to the number of replicas before")


def _scaled(words: list[str]) -> tuple[str | None, str]:
    compose = _after(words, *_COMPOSE)
    if compose is not None:
        options, rest = options_of(compose, _COMPOSE_VALUES)
        name, _, number = options.get("--scale", "").partition("=")
        return (name or None, number) if rest[:1] == ["up"] else (None, "")
    rest = _after(words, ["docker", "service", "scale"]) or []
    if rest:
        name, _, number = rest[-1].partition("=")
        return name, number
    options, rest = options_of(_after(words, ["kubectl"]) or [], _KUBECTL_VALUES)
    return (rest[-1], options.get("--replicas", "")) if rest[:1] == ["scale"] and len(rest) > 1 else (None, "")


def _limits(words: list[str], known: Known) -> AsStep | None:
    name, limits = _limited(words)
    if name is None or not limits:
        return None
    known.check(name, "changes the limits of")
    return AsStep({"set_limits": limits}, "limits", "set the limits that it had before")


def _limited(words: list[str]) -> tuple[str | None, dict[str, Any]]:
    update = _after(words, ["docker", "update"], ["docker", "container", "update"])
    if update is not None:
        options, rest = options_of(update, _UPDATE_VALUES)
        given = {
            "memory": _size(options.get("--memory") or options.get("-m", "")),
            "cpus": _number(options.get("--cpus", "")),
            "cpu_shares": _number(options.get("--cpu-shares") or options.get("-c", "")),
            "cpu_set": options.get("--cpuset-cpus"),
        }
        return (rest[0] if len(rest) == 1 else None), {key: value for key, value in given.items() if value}
    options, rest = options_of(_after(words, ["kubectl"]) or [], _KUBECTL_VALUES)
    if rest[:2] != ["set", "resources"] or len(rest) < 3:  # noqa: PLR2004 - and a name
        return None, {}
    pairs = dict(pair.split("=", 1) for pair in options.get("--limits", "").split(",") if "=" in pair)
    given = {"memory": _size(pairs.get("memory", "")), "cpus": _number(pairs.get("cpu", ""))}
    return rest[-1], {key: value for key, value in given.items() if value}


def _size(text: str) -> str | None:
    """A size as a scenario has it: Docker's `512m` and Kubernetes' `512Mi` are 512MiB."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kmgt]?)i?b?", text, re.IGNORECASE)
    return None if match is None else f"{match[1]}{match[2].upper() + 'i' if match[2] else ''}B"


def _number(text: str) -> float | int | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(m?)", text)
    if match is None:
        return None
    value = float(match[1]) / (1000 if match[2] else 1)
    return int(value) if value.is_integer() else value


def _set_env(words: list[str], known: Known) -> AsStep | None:
    _, rest = options_of(_after(words, ["kubectl"]) or [], _KUBECTL_VALUES)
    if rest[:2] != ["set", "env"]:
        return None
    pairs = dict(word.split("=", 1) for word in rest[2:] if "=" in word)
    names = [word for word in rest[2:] if "=" not in word and not word.endswith("-")]
    if not pairs or not names:
        return None
    known.check(names[-1], "changes the environment of")
    return AsStep({"set_env": pairs}, f"env {','.join(sorted(pairs))}", "set the variables that it had before")


def _delete_pod(words: list[str], known: Known) -> AsStep | None:
    options, rest = options_of(_after(words, ["kubectl"]) or [], _KUBECTL_VALUES)
    if rest[:1] != ["delete"] or not re.match(r"pods?(/|$)", rest[1] if len(rest) > 1 else ""):
        return None
    selector = options.get("-l") or options.get("--selector") or ""
    name = selector.rpartition("=")[2] or rest[-1].partition("/")[2] or rest[-1]
    known.check(name, "deletes the pod")
    return AsStep({"delete_pod": {"which": "all" if selector else "oldest"}})


def _autoscale(words: list[str], known: Known) -> AsStep | None:
    values = _KUBECTL_VALUES | {"--min", "--max", "--cpu-percent"}
    options, rest = options_of(_after(words, ["kubectl"]) or [], values)
    if rest[:1] != ["autoscale"] or len(rest) < 2 or "--max" not in options:  # noqa: PLR2004 - and a name
        return None
    known.check(rest[-1], "scales")
    share = f"{options.get('--cpu-percent', '80')}%"
    do = {"autoscale": {"min": int(options.get("--min", "1")), "max": int(options["--max"]), "cpu": share}}
    return AsStep(do, "autoscaler", "delete the autoscaler")


def _http(words: list[str], known: Known) -> AsStep | None:
    """A request that is more than a GET, to the target; its token is sent as a person with rights would."""
    if words[:1] != ["curl"]:
        return None
    options, rest = options_of(words[1:], _CURL_VALUES)
    body = next((options[key] for key in ("-d", "--data", "--data-raw", "--json") if key in options), None)
    method = (options.get("-X") or options.get("--request") or ("POST" if body is not None else "GET")).upper()
    if method == "GET" or len(rest) != 1 or not rest[0].startswith(known.url):
        return None
    try:
        address = urlsplit("http://target" + rest[0].removeprefix(known.url))
    except ValueError:
        return None
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    call: dict[str, Any] = {"method": method, "path": path}
    if body:
        call["body"] = _json(body)
    header = options.get("-H") or options.get("--header") or ""
    if header and "content-type" not in header.lower():
        name, _, value = header.partition(":")
        call["headers"] = {name.strip(): value.strip()}
    if not isinstance(call.get("body"), dict) or not _SETTING.search(path):
        return AsStep({"http": call})
    keys = ", ".join(sorted(call["body"]))
    return AsStep({"http": call}, f"{path} {keys}", f"set {keys} to what it was")


_SETTING: Final = re.compile(r"config|setting|mode|feature|flag|limit|toggle|level", re.IGNORECASE)
"""The paths by which a request sets something that stays so."""


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


_READERS: Final[tuple[Callable[[list[str], Known], AsStep | None], ...]] = (
    _restart,
    _scale,
    _limits,
    _set_env,
    _delete_pod,
    _autoscale,
    _http,
)
