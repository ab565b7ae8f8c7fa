"""The drill's own Alertmanager: delivery is part of what a drill proves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.alerting.server import Server, find_binary
from leakdrill.record.events import AlertmanagerExited, AlertmanagerStart

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.alerting.routing import Routing
    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder

BINARIES: Final = ("prometheus-alertmanager", "alertmanager")
PACKAGE: Final = "prometheus-alertmanager"


class AlertmanagerServer:
    """An Alertmanager on a free loopback port, without a cluster, with everything of its own under the run's folder.

    Args:
        run_dir: the run's folder; it uses `alertmanager` in it.
        recorder: gets `AlertmanagerStart`, and `AlertmanagerExited` when it ends unasked.
        journal: hears of process and data folder before they exist.
        run_id: marks the process as ours.
        routing: what it is told to do, waits already divided.
    """

    def __init__(self, run_dir: Path, recorder: Recorder, journal: Journal, *, run_id: str, routing: Routing) -> None:
        self._server = Server("Alertmanager", run_dir / "alertmanager", journal, run_id=run_id, on_exit=self._note_exit)
        self._recorder = recorder
        self._routing = routing

    @property
    def url(self) -> str:
        """The address that it answers at; known after `start`."""
        return self._server.url

    @property
    def pid(self) -> int:
        """The process id; 0 before `start`."""
        return self._server.pid

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._server.alive()

    def start(self) -> None:
        """Start it and return when it is ready.

        Raises:
            EnvironmentProblem: when Alertmanager is not installed.
            ComponentDied: when it does not come up; with the last lines of its log.
        """
        binary = find_binary(BINARIES, package=PACKAGE)
        self._server.folder.mkdir(parents=True, exist_ok=True)
        config = self._server.folder / "alertmanager.yml"
        self._routing.write(config)
        with self._recorder.act(AlertmanagerStart()) as note:
            self._server.start(lambda port: [binary, f"--config.file={config}", *self._flags(port)])
            note.labels["pid"], note.labels["url"] = str(self.pid), self.url

    def stop(self) -> None:
        """End it and remove its data; configuration and log stay. May be called again."""
        self._server.stop()

    def _note_exit(self, code: float) -> None:
        self._recorder.record(AlertmanagerExited(code))

    def _flags(self, port: int) -> list[str]:
        return [
            f"--web.listen-address=127.0.0.1:{port}",
            f"--storage.path={self._server.data}",
            "--cluster.listen-address=",
        ]
