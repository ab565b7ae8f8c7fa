"""The leaks that a drill has switched on in a pod that runs on: each is in the journal until it is off.

A container that was restarted since, and a pod that is gone or another one, leak no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakdrill.machine.ports import free_port
from leakdrill.targets.base.balancer import Balancer
from leakdrill.targets.base.leak_request import as_kept, switch_off
from leakdrill.targets.kubernetes.pod import parse_pod
from leakdrill.targets.kubernetes.port_forward import PodConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from leakdrill.machine.http_access import Access
    from leakdrill.record.journal import Entry, Journal
    from leakdrill.scenario.actions import HttpCall
    from leakdrill.scenario.http_access import HttpAccess
    from leakdrill.targets.kubernetes.api import Cluster


class PodLeaks:
    """Those of one pod.

    Args:
        cluster: where it runs.
        http: how requests to it are made, as the scenario says it.
        access: the same, filled in.
        folder: what relative files of `http` are seen from.
        journal: gets each before it is switched on.
        part: tells its entries from those of other targets.
        identity: finds it again: `path`, `uid`, `container`, `container_id` and the `port` that it listens on.
    """

    def __init__(
        self,
        cluster: Cluster,
        http: HttpAccess,
        *,
        access: Access,
        folder: Path,
        journal: Journal,
        part: str,
        identity: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._cluster = cluster
        self._http = http
        self._access = access
        self._folder = folder
        self._journal = journal
        self._part = part
        self._identity = identity
        self._on: dict[str, tuple[Entry, HttpCall]] = {}

    def note_switched_on(self, leak: str, off: HttpCall) -> None:
        """Remember in the journal that `off` ends the leak that is about to be switched on."""
        self.note_switched_off(leak)
        entry = self._journal.plan(
            "pod leak",
            part=self._part,
            name=leak,
            folder=str(self._folder),
            http=self._http.model_dump(mode="json"),
            **self._identity(),
            **self._cluster.place,
            **as_kept(off),
        )
        self._on[leak] = (entry, off)

    def note_switched_off(self, leak: str) -> None:
        """Forget it: the leak is off."""
        if leak in self._on:
            self._journal.undone(self._on.pop(leak)[0])

    def end(self) -> list[str]:
        """Switch off what is still on, with the secrets that the journal does not hold; says what would not go.

        Raises:
            EnvironmentProblem: when the API server does not answer.
        """
        reasons = []
        for leak, (entry, off) in list(self._on.items()):
            if reason := switch_off_in_pod(self._cluster, entry.data, off, self._access):
                reasons.append(f"the leak {leak} could not be switched off: {reason}")
            else:
                self.note_switched_off(leak)
        return reasons


def switch_off_in_pod(cluster: Cluster, data: Mapping[str, Any], off: HttpCall, access: Access) -> str | None:
    """Send the request that ends the leak of an entry; says why the leak is not off, and None when nothing leaks.

    Raises:
        EnvironmentProblem: when the API server refuses or does not answer.
    """
    manifest = cluster.find(str(data["path"]))
    if manifest is None or manifest["metadata"]["uid"] != data["uid"]:
        return None
    if parse_pod(manifest, str(data["container"])).container_id != data["container_id"]:
        return None
    meta, port = manifest["metadata"], free_port()

    def connect(pod: str) -> PodConnection:
        return PodConnection(cluster, namespace=meta["namespace"], pod=pod, port=int(data["port"]))

    front = Balancer(port, pods=lambda: [str(meta["name"])], connect=connect, answers=cluster.answers)
    front.start()
    try:
        return switch_off(off, front.url, access)
    finally:
        front.stop()
