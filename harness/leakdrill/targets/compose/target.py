"""A service of a compose file as the target: brought up in a project of the run's own, and gone without a trace."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput
from leakdrill.machine.ports import LOOPBACK, free_port
from leakdrill.machine.process_tree import PART_VARIABLE
from leakdrill.record.events import TargetRestart, TargetScale, TargetStart
from leakdrill.record.journal_header import MARK_VARIABLE, NAME_PREFIX
from leakdrill.targets.base.recorded import PART, given_limits
from leakdrill.targets.compose.cli import Compose, write_config
from leakdrill.targets.compose.file import notice_of_replicas, own_config, set_service
from leakdrill.targets.compose.service import ComposeService
from leakdrill.targets.compose.undo import COMPOSE_PART
from leakdrill.targets.docker import limits as engine_limits
from leakdrill.targets.docker.engine import own_labels, where, with_labels
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leakdrill.record.journal import Entry
    from leakdrill.targets.compose.file import Config

FILE_NAME: Final = "compose.yaml"
"""In the run folder: the file that the run's own project is made of."""


class ComposeTarget(ComposeService):
    """The service, what it depends on and its entrance, all in a project that the run makes and removes.

    Attributes:
        restarting_steps: actions after which its containers are new ones, and have forgotten which leaks were on.
    """

    restarting_steps: Final = frozenset({"scale", "recreate"})

    _replica_notice: str | None = None
    _config: Config
    _compose: Compose

    def start(self) -> None:
        """Write the run's own file, build what it needs, bring it up, and return when every replica is ready.

        Raises:
            BadInput: when compose cannot use the file, or it has no such service.
            EnvironmentProblem: when compose or the engine refuses.
            TargetNotReady: when a replica ended or did not answer in time; everything made for it is gone then.
        """
        port = self.spec.port or free_port()
        user = Compose(self.form.file, project=self._project())
        found = user.config()
        self._config = own_config(found, self.form, labels=self._labels(), port=port)
        self._replica_notice = notice_of_replicas(found, self.form)
        self._base_url = f"http://{LOOPBACK}:{port}"
        env = {MARK_VARIABLE: self._journal.mark, PART_VARIABLE: COMPOSE_PART}
        self._compose = Compose(self._run_dir / FILE_NAME, project=self._project(), env=env)
        with self._recorder.act(TargetStart(port=str(port), more={"project": self._project()})):
            try:
                self._log_keeper.start()
                self._build()
                self._journal.plan(
                    "project", part=PART, name=self._project(), run_id=self._run_id, engine=where(self._client)
                )
                self._up(self.form.entrance or self.form.service)
                self._replicas = self._of(self.form.service)
                self._follow()
            except BaseException:
                self._take_back(self._pending())
                self._log_keeper.stop()
                raise

    def notices(self) -> Sequence[str]:
        """What cannot be enforced or read here, and what is not as the file says; known after `start`."""
        return (*super().notices(), *filter(None, [self._replica_notice]))

    def stop(self) -> None:
        """Remove the project; does nothing when it is gone."""
        super().stop()
        self._client.close()

    def scale(self, replicas: int) -> None:
        """Have so many replicas, and return when all of them answer.

        Raises:
            BadInput: for more than one without an entrance: nothing would spread the load.
            EnvironmentProblem: when compose refuses.
            TargetNotReady: when one does not come up.
        """
        if replicas > 1 and self.form.entrance is None:
            raise BadInput(
                f"target '{self.name}' has no entrance, so {show_count(replicas, 'replica')} would not share the load",
                hint="target.compose.entrance names the service in front, such as nginx",
            )
        with self._recorder.act(TargetScale(replicas=str(replicas))):
            self.form = self.form.model_copy(update={"replicas": replicas})
            self._given().expect_end()
            self._up(self.form.service, "--no-deps", "--no-recreate")
            self._follow()

    def recreate(self, *, memory_bytes: int | None, cpus: float | None) -> None:
        """Put other containers in the place of the replicas, with the limits that are given; the address stays.

        Raises:
            EnvironmentProblem: when compose refuses.
            TargetNotReady: when one does not come up.
        """
        self._now_limited(given_limits(memory_bytes, cpus))
        with self._recorder.act(TargetRestart()):
            self._again()

    def set_env(self, variables: Mapping[str, str]) -> None:
        """Put other containers in the place of the replicas, with `variables` added to their environment.

        Raises:
            EnvironmentProblem: when compose refuses.
            TargetNotReady: when one does not come up.
        """
        self.spec = self.spec.model_copy(update={"env": {**self.spec.env, **variables}})
        with self._recorder.act(TargetRestart()):
            self._again()

    def set_limits(self, *, memory_bytes: int | None, cpus: float | None) -> Sequence[str]:
        """Change the limits of every replica that are given; the engine enforces them at once.

        Raises:
            EnvironmentProblem: when the engine refuses, as it does for less memory than is in use.
        """
        changes = engine_limits.limits(memory_bytes, cpus)
        for container in self._given().containers():
            self._ask(partial(container.update, **changes), "change the limits")
        self._now_limited(given_limits(memory_bytes, cpus))
        return ()

    def share_cpus(self, *, shares: int | None, cores: str | None) -> None:
        """Change the weight and the cores of every replica; the engine enforces them at once.

        Raises:
            EnvironmentProblem: when the engine refuses, as it does for cores that are not there.
        """
        changes = engine_limits.shared_cpus(shares, cores)
        for container in self._given().containers():
            self._ask(partial(container.update, **changes), "change the share of the cores")

    def prune(self) -> Mapping[str, int]:
        """Remove what carries the run's label and is not in use; how many of each kind went.

        Raises:
            EnvironmentProblem: when the engine refuses.
        """
        mine = {"label": with_labels(self._labels())}
        kinds: dict[str, Callable[..., Any]] = {
            "ContainersDeleted": self._client.containers.prune,
            "NetworksDeleted": self._client.networks.prune,
            "VolumesDeleted": self._client.volumes.prune,
        }
        pruned = {key: self._ask(partial(prune, filters=mine), "prune") for key, prune in kinds.items()}
        return {key.removesuffix("Deleted").lower(): len(report.get(key) or []) for key, report in pruned.items()}

    def _labels(self) -> dict[str, str]:
        return own_labels(self._run_id, self._journal.mark)

    def _project(self) -> str:
        return re.sub(r"[^a-z0-9-]", "-", f"{NAME_PREFIX}{self._run_id}".lower())

    def _build(self) -> None:
        self._write()
        self._compose.check(self.form.file)
        built = [name for name, service in self._config["services"].items() if "build" in service]
        if built:
            self._compose.run("build", *built, timeout_s=1800)

    def _up(self, service: str, *flags: str) -> None:
        scaled = f"{self.form.service}={self.form.replicas}"
        self._compose.run("up", "--detach", "--no-build", *flags, "--scale", scaled, service)

    def _again(self) -> None:
        self._write()
        self._given().expect_end()
        self._up(self.form.service, "--no-deps", "--force-recreate")
        self._given().join()
        self._follow()

    def _write(self) -> None:
        env = {**self.spec.env, "LEAKDRILL_TOKEN": self._token}
        set_service(self._config, self.form.service, env=env, limits=self.spec.limits)
        write_config(self._config, self._run_dir / FILE_NAME)

    def _take_back(self, entries: Sequence[Entry]) -> list[str]:
        if self._replicas:
            self._replicas.expect_end()
        reasons = super()._take_back(entries)
        if self._replicas and not reasons:
            self._replicas.join()
        return reasons
