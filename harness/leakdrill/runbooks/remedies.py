"""Which commands are meant to mend something: those of which a reader wants to see that they worked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.calls import calls, program
from leakdrill.runbooks.fragment import FragmentKind

if TYPE_CHECKING:
    from leakdrill.runbooks.calls import Words
    from leakdrill.runbooks.fragment import Fragment

_CHANGES: Final = frozenset({FragmentKind.CHANGE, FragmentKind.DESTRUCTIVE})
_CLUSTER: Final = frozenset(
    {"delete", "scale", "rollout", "patch", "edit", "apply", "replace", "set", "drain", "cordon", "uncordon"}
)
_ENGINE: Final = frozenset(
    {"restart", "stop", "start", "kill", "rm", "rmi", "update", "up", "down", "prune", "scale", "pause"}
)
_SERVICE: Final = frozenset({"restart", "stop", "start", "reload", "try-restart", "kill"})
_ALWAYS: Final = frozenset(
    {"kill", "pkill", "killall", "rm", "truncate", "sysctl", "logrotate", "redis-cli", "reboot", "swapoff"}
)


def is_remedy(fragment: Fragment) -> bool:
    """Returns whether a command changes a service or a machine, not only files of the person who types it."""
    return fragment.kind in _CHANGES and any(_is_remedy(words) for words in calls(fragment))


def _is_remedy(words: Words) -> bool:
    name, rest = program(words), [word for word in words[1:] if not word.startswith("-")]
    if name in ("kubectl", "oc", "k"):
        return bool(_CLUSTER & {*rest[:2]})
    if name in ("docker", "podman", "nerdctl", "docker-compose"):
        return bool(_ENGINE & {*rest[:3]})
    if name in ("systemctl", "service", "supervisorctl", "initctl"):
        return bool(_SERVICE & {*rest[:2]})
    if name == "helm":
        return bool({"upgrade", "rollback", "uninstall"} & {*rest[:1]})
    if name == "find":
        return "-delete" in words
    return name in _ALWAYS or (name == "curl" and writes_over_http(words))


def writes_over_http(words: Words) -> bool:
    """Returns whether curl is asked for another method than GET and HEAD."""
    joined = " ".join(words)
    return any(
        f"{flag}{method}" in joined
        for flag in ("-X ", "-X", "--request ", "--request=")
        for method in ("POST", "PUT", "PATCH", "DELETE")
    )


def is_replaced_by_itself(fragment: Fragment) -> bool:
    """Returns whether what is ended comes back without a person: a pod of a workload, a supervised process."""
    for words in calls(fragment):
        rest = [word for word in words[1:] if not word.startswith("-")]
        if program(words) in ("kill", "pkill", "killall"):
            return True
        if program(words) in ("kubectl", "oc") and (
            "drain" in rest or any(word.split("/")[0] in ("pod", "pods", "po") for word in rest)
        ):
            return True
    return False
