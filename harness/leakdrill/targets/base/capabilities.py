"""What the drill may ask of any target, and the capabilities that only some have, each a small Protocol.

A step asks for the one it needs with `capability(target, Restartable, step="restart")` of `targets/kinds.py`, which
says plainly when the target lacks it and which kinds have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import psutil

    from leakdrill.agent.client import AgentClient
    from leakdrill.machine.http_access import Access
    from leakdrill.meters.meter import Meter
    from leakdrill.scenario.actions import HttpCall
    from leakdrill.scenario.steps import Step


@runtime_checkable
class Target(Protocol):
    """A service under drill."""

    part_types: ClassVar[Sequence[type]]
    """The classes of `parts`."""

    @property
    def parts(self) -> Sequence[object]:
        """Objects that hold capabilities of it, for a kind that does not hold all of them itself."""

    @property
    def name(self) -> str:
        """Its name, published as the label `container`."""

    @property
    def base_url(self) -> str:
        """Where it answers, such as `http://127.0.0.1:49153`; without a slash at the end. Stable over restarts."""

    @property
    def token(self) -> str:
        """The run's token; admin endpoints ask for it as `Authorization: Bearer <token>`."""

    @property
    def access(self) -> Access:
        """How requests to it are made: headers and certificates."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of its published series, `container` among them."""

    def start(self) -> None:
        """Start it and return when it is ready.

        Raises:
            TargetNotReady: with status, log lines and a hint.
        """

    def stop(self) -> None:
        """Stop it and all its children, and take back everything made for it. Never raises for what is gone already."""

    def meters(self) -> Sequence[Meter]:
        """What can be read of it on this machine."""

    def notices(self) -> Sequence[str]:
        """What this machine cannot enforce or read, one sentence each; known after `start`."""


@runtime_checkable
class Restartable(Protocol):
    """A target that can be restarted in place, with the same limits and address."""

    def restart(self) -> None:
        """Stop, start, and return when it is ready again."""


@runtime_checkable
class Logged(Protocol):
    """A target whose files can be reached."""

    def file(self, path: str) -> Path:
        """Where `path` (absolute, `{disk}/…` or relative to the disk) lies; refuses what is not the target's own."""


@runtime_checkable
class Executable(Protocol):
    """A target beside whose service a command can be run, as an operator would."""

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` in the service's environment and folder, its output into `output`; return its exit status.

        Raises:
            LeakdrillError: when it could not be started, or ran for longer than `timeout_s`; it is ended then.
        """


@runtime_checkable
class FilesInside(Executable, Protocol):
    """A target whose disk may be out of reach from here."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def disk_inside(self) -> str | None:
        """Where its disk lies inside, when only commands inside reach it; None when `file` does."""


@runtime_checkable
class Signallable(Protocol):
    """A target whose processes can be told apart."""

    @property
    def pid(self) -> int | None:
        """Its first process; None when it does not run."""

    def processes(self) -> Sequence[psutil.Process]:
        """Those that live now and belong to it alone."""


@runtime_checkable
class OnGpus(Protocol):
    """A target that computes on GPUs of this machine."""

    @property
    def gpus(self) -> Sequence[int | str]:
        """Their indices or UUIDs, as NVML knows them; empty where the scenario names none."""


@runtime_checkable
class Choosy(Protocol):
    """A target that knows before its start which steps it cannot do, because of what it finds there."""

    def check_steps(self, steps: Sequence[Step]) -> None:
        """Raises BadInput for steps that it cannot do."""


@runtime_checkable
class Limitable(Protocol):
    """A target whose limits can be changed while it runs."""

    def set_limits(self, *, memory_bytes: int | None, cpus: float | None) -> Sequence[str]:
        """Change those that are given; returns one sentence for each that is only watched.

        Raises:
            LeakdrillError: when it does not run.
        """


@runtime_checkable
class Pinnable(Protocol):
    """A target whose share of cores that others use, too, can be changed while it runs."""

    def share_cpus(self, *, shares: int | None, cores: str | None) -> None:
        """Give it the weight `shares` (1024 is usual) and the cores `cores` (`0-1,3`); what is None stays.

        Raises:
            LeakdrillError: when it does not run, or there are no such cores.
        """


@runtime_checkable
class KnownOutside(Protocol):
    """A target that programs on this machine call by a name of its own, such as `docker stats NAME`."""

    @property
    def known_as(self) -> Mapping[str, str]:
        """What it is called: `container`; or `pod`, `namespace` and `context`.

        Raises:
            LeakdrillError: while it does not run.
        """


@runtime_checkable
class Configurable(Protocol):
    """A target that can be restarted with another environment."""

    def set_env(self, variables: Mapping[str, str]) -> None:
        """Restart it with `variables` added to its environment, for good.

        Raises:
            LeakdrillError: when they cannot be used (it goes on running then), or it did not come back.
        """


@runtime_checkable
class Losable(Protocol):
    """A target that is reached and watched through something that may go away."""

    @property
    def lost(self) -> str | None:
        """Why nothing can be known of it any more; None while it can."""


class ScrapeJob(Protocol):
    """A way for Prometheus to series that others publish."""

    def start(self) -> dict[str, object]:
        """Prepare what Prometheus needs, and return the job for its configuration."""

    def stop(self) -> None:
        """Take back what was prepared."""


@runtime_checkable
class KubeletScraped(Protocol):
    """A target of which the alerts may be judged on the kubelet's own series."""

    @property
    def kubelet_job(self) -> ScrapeJob | None:
        """How Prometheus gets them; None where the exporter's are published instead."""


@runtime_checkable
class Renewing(Protocol):
    """A target whose processes are new ones after steps that elsewhere leave them running."""

    @property
    def restarting_steps(self) -> frozenset[str]:
        """Actions, by their names in a scenario, after which it has forgotten which leaks were on."""


@runtime_checkable
class Outliving(Protocol):
    """A target that goes on after the drill: what a step or a leak has switched on in it stays on."""

    def note_switched_on(self, leak: str, off: HttpCall) -> None:
        """Remember, on disk, that `off` ends the leak that is about to be switched on."""

    def note_switched_off(self, leak: str) -> None:
        """Forget it: the leak is off."""


@runtime_checkable
class Replicated(Protocol):
    """A target that may run as several replicas."""

    def replica_urls(self) -> Sequence[str]:
        """Where each of them answers by itself, as `base_url` is written."""


@runtime_checkable
class Scalable(Protocol):
    """A target that can be given more replicas, or fewer."""

    def scale(self, replicas: int) -> None:
        """Run `replicas`, and return when they serve.

        Raises:
            LeakdrillError: when they do not come up.
        """


@runtime_checkable
class SelfReplacing(Protocol):
    """A target whose platform puts another replica in the place of one that is deleted."""

    def delete_replicas(self, which: str) -> Sequence[str]:
        """Delete the `heaviest`, `oldest`, `newest` or `all`, and return their names when others serve.

        Raises:
            LeakdrillError: when no others come up.
        """


@runtime_checkable
class Recreatable(Protocol):
    """A target whose containers can be replaced by others."""

    def recreate(self, *, memory_bytes: int | None, cpus: float | None) -> None:
        """Replace them, with the limits that are given, and return when the new ones are ready.

        Raises:
            LeakdrillError: when they do not come up.
        """


@runtime_checkable
class Prunable(Protocol):
    """A target that may leave things lying about on an engine."""

    def prune(self) -> Mapping[str, int]:
        """Remove what is the run's own and not in use; how many of each kind went.

        Raises:
            LeakdrillError: when the engine refuses.
        """


@runtime_checkable
class Neighboured(Protocol):
    """A target with other services beside it."""

    def execute_beside(self, service: str, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` in another service's container; as `Executable.execute`."""


@runtime_checkable
class Autoscalable(Protocol):
    """A target whose platform can choose how many replicas run."""

    def autoscale(self, *, least: int, most: int, cpu: float | None, memory: float | None) -> Sequence[str]:
        """Have between `least` and `most` replicas, by shares of what each requests; returns what is to be known.

        Raises:
            LeakdrillError: when the platform refuses.
        """


@runtime_checkable
class AgentHost(Target, Protocol):
    """A target on this machine into whose Python processes an agent can be brought."""

    def pids(self) -> Sequence[int]:
        """The numbers of its processes now; none where they cannot be seen from here."""

    def bring_agent(self, folder: Path) -> AgentClient:
        """Have every Python that starts in it from now on answer in `folder`, which is private; returns who asks them.

        Raises:
            EnvironmentProblem: when that cannot be; it starts without then.
        """


@runtime_checkable
class Copyable(Protocol):
    """A target out of which files can be copied, wherever they lie."""

    def copy(self, path: str, to: Path, *, timeout_s: float) -> None:
        """Copy the file `path`, as the scenario calls it, to `to` on this machine.

        Raises:
            LeakdrillError: when there is no such file, or it cannot be had.
        """
