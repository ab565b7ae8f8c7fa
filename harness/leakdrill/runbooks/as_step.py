"""Commands that are a step of ours: what `docker-compose restart X` does to a drill's target is `restart`.

Each reader takes the words of one simple command, and gives the step with what it leaves changed, or None where the
command is none of its. A command for somebody else's service is refused, and never done to the target instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.runbooks.as_request import SETTING, request_of
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

    def check(self, names: Collection[str], does: str) -> None:
        """Raises NotOurs where one of `names` is none of the target's."""
        for name in names:
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
_COUNT: Final = re.compile(r"[0-9]{1,6}")
_NAMES_POD: Final = re.compile(r"(?:^|[/_-])(?:app|name|service|component|instance|deployment|workload)$")
"""The last word of a label that says of which service a pod is."""


def _after(words: list[str], *heads: list[str]) -> list[str] | None:
    """The words after the first of `heads` that `words` begin with; None where they begin with none."""
    for head in heads:
        if words[: len(head)] == head:
            return words[len(head) :]
    return None


def _objects(words: list[str]) -> list[str]:
    """The names of the objects that `words` of kubectl name: `deployment/a`, or a kind and then names."""
    return words[1:] if len(words) > 1 and "/" not in words[0] else words


def _restart(words: list[str], known: Known) -> AsStep | None:
    names = _restarted(words)
    if not names:
        return None
    known.check(names, "restarts")
    return AsStep({"restart": {}})


def _restarted(words: list[str]) -> list[str]:
    """The services that `words` restart; none where they restart none, or all that there are."""
    compose = _after(words, *_COMPOSE)
    if compose is not None:
        _, rest = options_of(compose, _COMPOSE_VALUES)
        return rest[1:] if rest[:1] == ["restart"] else []
    rest = _after(words, ["docker"], ["podman"], ["systemctl"], ["supervisorctl"]) or []
    if rest[:1] == ["restart"]:
        _, names = options_of(rest[1:], _COMPOSE_VALUES)
        return names
    if words[:1] == ["service"] and words[2:] == ["restart"]:
        return [words[1]]
    _, rest = options_of(_after(words, ["kubectl"]) or [], _KUBECTL_VALUES)
    return _objects(rest[2:]) if rest[:2] == ["rollout", "restart"] else []


def _scale(words: list[str], known: Known) -> AsStep | None:
    scaled = _scaled(words)
    numbers = {number for _, number in scaled}
    if len(numbers) != 1 or not _COUNT.fullmatch(next(iter(numbers))):
        return None
    known.check([name for name, _ in scaled], "scales")
    return AsStep({"scale": {"replicas": int(numbers.pop())}}, "replicas", "scale to the number of replicas before")


def _scaled(words: list[str]) -> list[tuple[str, str]]:
    """Each service that `words` scale, with the number as it is written."""
    compose = _after(words, *_COMPOSE)
    if compose is not None:
        _, rest = options_of(compose, _COMPOSE_VALUES)
        given = re.findall(r"(?:^|\x00)--scale[=\x00]([^\x00=]+)=([^\x00]*)", "\0".join(compose))
        return given if rest[:1] == ["up"] else []
    service = _after(words, ["docker", "service", "scale"])
    if service is not None:
        pairs = [word.partition("=") for word in service if not word.startswith("-")]
        return [(name, number) for name, _, number in pairs]
    options, rest = options_of(_after(words, ["kubectl"]) or [], _KUBECTL_VALUES)
    names = _objects(rest[1:]) if rest[:1] == ["scale"] else []
    return [(name, options.get("--replicas", "")) for name in names]


def _limits(words: list[str], known: Known) -> AsStep | None:
    names, limits = _limited(words)
    if not names or not limits:
        return None
    known.check(names, "changes the limits of")
    return AsStep({"set_limits": limits}, "limits", "set the limits that it had before")


def _limited(words: list[str]) -> tuple[list[str], dict[str, Any]]:
    update = _after(words, ["docker", "update"], ["docker", "container", "update"])
    if update is not None:
        options, rest = options_of(update, _UPDATE_VALUES)
        given = {
            "memory": _size(options.get("--memory") or options.get("-m", "")),
            "cpus": _number(options.get("--cpus", "")),
            "cpu_shares": _number(options.get("--cpu-shares") or options.get("-c", "")),
            "cpu_set": options.get("--cpuset-cpus"),
        }
        return rest, {key: value for key, value in given.items() if value}
    options, rest = options_of(_after(words, ["kubectl"]) or [], _KUBECTL_VALUES)
    if rest[:2] != ["set", "resources"] or len(rest) < 3:  # noqa: PLR2004 - and a name
        return [], {}
    pairs = dict(pair.split("=", 1) for pair in options.get("--limits", "").split(",") if "=" in pair)
    given = {"memory": _size(pairs.get("memory", "")), "cpus": _number(pairs.get("cpu", ""))}
    return _objects(rest[2:]), {key: value for key, value in given.items() if value}


def _size(text: str) -> str | None:
    """A size as a scenario has it: Docker's `512m` and Kubernetes' `512Mi` are 512MiB."""
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([kmgt]?)i?b?", text, re.IGNORECASE)
    return None if match is None else f"{match[1]}{match[2].upper() + 'i' if match[2] else ''}B"


def _number(text: str) -> float | int | None:
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(m?)", text)
    if match is None:
        return None
    value = float(match[1]) / (1000 if match[2] else 1)
    return int(value) if value.is_integer() else value


def _set_env(words: list[str], known: Known) -> AsStep | None:
    _, rest = options_of(_after(words, ["kubectl"]) or [], _KUBECTL_VALUES)
    if rest[:2] != ["set", "env"]:
        return None
    pairs = dict(word.split("=", 1) for word in rest[2:] if "=" in word)
    words_left = [word for word in rest[2:] if "=" not in word]
    if not pairs or not words_left or any(word.endswith("-") for word in words_left):
        return None
    known.check(_objects(words_left), "changes the environment of")
    return AsStep({"set_env": pairs}, f"env {','.join(sorted(pairs))}", "set the variables that it had before")


def _delete_pod(words: list[str], known: Known) -> AsStep | None:
    options, rest = options_of(_after(words, ["kubectl"]) or [], _KUBECTL_VALUES)
    if rest[:1] != ["delete"] or not re.match(r"pods?(/|$)", rest[1] if len(rest) > 1 else ""):
        return None
    selector = options.get("-l") or options.get("--selector") or ""
    if selector:
        known.check(_selected(selector), "deletes the pod")
        return AsStep({"delete_pod": {"which": "all"}})
    names = _objects(rest[1:])
    if len(names) != 1:
        return None
    known.check(names, "deletes the pod")
    return AsStep({"delete_pod": {"which": "oldest"}})


def _selected(selector: str) -> list[str]:
    """The services whose pods a selector by label chooses; the selector itself where that cannot be told."""
    labels = [re.fullmatch(r"([^=!<>()\s]+)==?([^=!<>()\s]+)", part) for part in selector.split(",")]
    pairs = [(label[1], label[2]) for label in labels if label]
    if len(pairs) != len(labels):
        return [selector]
    return [value for name, value in pairs if _NAMES_POD.search(name)] or [pairs[-1][1]]


def _autoscale(words: list[str], known: Known) -> AsStep | None:
    values = _KUBECTL_VALUES | {"--min", "--max", "--cpu-percent"}
    options, rest = options_of(_after(words, ["kubectl"]) or [], values)
    least, most = options.get("--min", "1"), options.get("--max", "")
    if rest[:1] != ["autoscale"] or len(rest) < 2 or not (_COUNT.fullmatch(least) and _COUNT.fullmatch(most)):  # noqa: PLR2004 - and a name
        return None
    known.check(_objects(rest[1:]), "scales")
    share = f"{options.get('--cpu-percent', '80')}%"
    do = {"autoscale": {"min": int(least), "max": int(most), "cpu": share}}
    return AsStep(do, "autoscaler", "delete the autoscaler")


def _http(words: list[str], known: Known) -> AsStep | None:
    """A request that is more than a GET, to the target."""
    call = request_of(words, known.url)
    if call is None:
        return None
    if not isinstance(call.get("body"), dict) or not SETTING.search(call["path"]):
        return AsStep({"http": call})
    keys = ", ".join(sorted(call["body"]))
    return AsStep({"http": call}, f"{call['path']} {keys}", f"set {keys} to what it was")


_READERS: Final[tuple[Callable[[list[str], Known], AsStep | None], ...]] = (
    _restart,
    _scale,
    _limits,
    _set_env,
    _delete_pod,
    _autoscale,
    _http,
)
