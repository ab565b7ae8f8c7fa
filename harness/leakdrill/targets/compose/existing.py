"""A service of a compose project that is up already, such as staging's: used as it is, left as it was.

What the drill itself changed there, the leaks that it switched on, is in the journal: they are switched off at the end,
also by `leakdrill clean` after a kill. Steps that would change the project are refused, for nobody could put it back
as it was; what a restart does, an operator would do too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.machine.ports import LOOPBACK
from leakdrill.record.events import TargetLeave, TargetStart
from leakdrill.record.undo import take_back
from leakdrill.targets.base.recorded import PART
from leakdrill.targets.compose.presence import check_up
from leakdrill.targets.compose.service import ComposeService
from leakdrill.targets.compose.undo import leaks_on
from leakdrill.targets.docker.engine import where

if TYPE_CHECKING:
    from docker.models.containers import Container

TOKEN_VARIABLE: Final = "LEAKDRILL_TOKEN"  # noqa: S105 - its name, not a token


class ExistingComposeService(ComposeService):
    """The service in the project that `compose.project` names."""

    @property
    def base_url(self) -> str:
        """Where it answers; raises as `start` does. The alerting comes up beside the target, and asks for it, too."""
        if not self._base_url:
            self._base_url = self._address(self._running())
        return self._base_url

    def start(self) -> None:
        """Find its containers, their token and its address, and return when it answers.

        Raises:
            BadInput: when nothing of the project runs, or what the load must reach is not published.
            TargetNotReady: when it does not answer.
        """
        with self._recorder.act(TargetStart(more={"project": self._project()})):
            containers = self._running()
            self._base_url = self._address(containers)
            self._log_keeper.start()
            self._token = _token(containers[0])
            entry = self._journal.plan(
                "leaks",
                part=PART,
                engine=where(self._client),
                project=self._project(),
                service=self.form.service,
                port=self.form.port,
                on={str(one.id): leaks_on(one.attrs, self.form.port) for one in containers},
            )
            self._journal.done(entry)
            self._replicas = self._of(self.form.service)
            self._follow()

    def stop(self) -> None:
        """Switch off what leaks; everything else stays as it is."""
        if self._replicas:
            self._replicas.expect_end()
        for entry in self._pending():
            with self._recorder.act(TargetLeave()) as note:
                note.value = take_back(self._journal, entry, self._undo)
                note.unknown = note.value is not None
        self._client.close()

    def _project(self) -> str:
        return str(self.form.project)

    def _running(self) -> list[Container]:
        containers: list[Container] = self._of(self.form.service).containers()
        check_up(containers, self.spec)
        return containers

    def _address(self, containers: list[Container]) -> str:
        door, port = self.form.service, self.form.port
        if self.form.entrance:
            door, port = self.form.entrance, self.form.entrance_port
            containers = self._of(door).containers()
        bound = [p for c in containers for p in c.attrs["NetworkSettings"]["Ports"].get(f"{port}/tcp") or []]
        if not bound:
            raise BadInput(
                f"target.compose: service {door} of the project {self._project()} publishes no port {port}; "
                "expected one, on loopback"
            )
        return f"http://{LOOPBACK}:{bound[0]['HostPort']}"


def _token(container: Container) -> str:
    pairs = [pair.partition("=") for pair in container.attrs["Config"]["Env"] or []]
    return next((value for name, _, value in pairs if name == TOKEN_VARIABLE), "")
