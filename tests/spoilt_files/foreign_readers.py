"""The readers of other programs' files: each as a drill has it read, up to what it makes of it before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import foreign_files

from leakdrill.alerting.routing import read_routing
from leakdrill.alerting.rules import read_rules
from leakdrill.record.signature import read_key
from leakdrill.runbooks.bindings import BoundFile
from leakdrill.scenario.compose import ComposeForm
from leakdrill.scenario.target import Limits, ProcessTarget
from leakdrill.targets.compose.file import own_config, set_service
from leakdrill.targets.compose.reader import read_compose
from leakdrill.targets.existing.search import find_process
from leakdrill.targets.kubernetes.claims import new_claims
from leakdrill.targets.kubernetes.deployment import quantities
from leakdrill.targets.kubernetes.manifests import (
    placed,
    read_manifests,
    service_container,
    with_env,
    with_limits,
    workload_of,
)
from leakdrill.targets.kubernetes.workload_kind import DEPLOYMENT, why_none_is_replaced, why_some_stay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIMITS: Final = Limits.model_validate({"memory": "64MiB", "cpus": 0.5})
NOTHING_LISTENS: Final = "http://127.0.0.1:9"


def readers_of(folder: Path) -> list[tuple[str, dict[Path, bytes], Callable[[Path], Any]]]:
    """Returns the name, the originals in `folder`, and the function of each."""
    return [
        ("others' rules", _files(folder / "foreign-rules", foreign_files.RULES), lambda path: read_rules([path])),
        ("others' routing", _files(folder / "foreign-routing", foreign_files.ROUTINGS), _routing),
        ("compose file", _files(folder / "compose", {"compose.yaml": foreign_files.COMPOSE}), _compose),
        ("placed manifests", _files(folder / "placed", {"queue.yaml": foreign_files.STATEFUL_SET}), _placed),
        ("bindings", _files(folder / "bindings", {"bindings.yaml": foreign_files.BINDINGS}), BoundFile),
        ("key", _files(folder / "key", {"key": foreign_files.KEY}), read_key),
        ("pid file", _files(folder / "pid", {"shop.pid": b"4194304\n"}), _process),
    ]


def _files(folder: Path, contents: Any) -> dict[Path, bytes]:
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {folder / name: content for name, content in contents.items()}


def _routing(path: Path) -> None:
    read_routing(path, scale=60.0, webhook_url=NOTHING_LISTENS)


def _compose(path: Path) -> None:
    config = read_compose(path, {})
    own = own_config(config, ComposeForm(file=path, service="web", port=8000), labels={"leakdrill.run": "a"}, port=9)
    set_service(own, "web", env={"A": "b"}, limits=LIMITS)


def _placed(path: Path) -> None:
    chosen = workload_of(read_manifests([path]), None)
    container, kind = service_container(chosen.data, None), chosen.kind or DEPLOYMENT
    made = with_limits(with_env(chosen.data, container, [{"name": "A", "value": "b"}]), container, quantities(2**26, 1))
    made = placed(made, namespace="run", run="run")
    why_none_is_replaced(made), why_some_stay(made), kind.wanted_pods(made)
    if kind.scalable:
        list(new_claims(made, min(kind.wanted_pods(made) + 1, 5)))


def _process(path: Path) -> None:
    spec = ProcessTarget.model_validate({"name": "shop", "url": NOTHING_LISTENS, "pid_file": str(path)})
    find_process(spec)
