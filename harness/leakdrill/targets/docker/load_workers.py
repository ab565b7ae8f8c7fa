"""Locust workers as containers, on the network of the target's own."""

from __future__ import annotations

import io
import tarfile
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.load.worker_bundle import FOLDER
from leakdrill.load.workers import MEMORY_BYTES, PART, WorkerState
from leakdrill.machine.ports import address_towards
from leakdrill.record.undo import take_back
from leakdrill.targets.docker.container import engine_errors
from leakdrill.targets.docker.engine import own_labels, where
from leakdrill.targets.docker.remote_engine import engine_host
from leakdrill.targets.docker.undo import UNDO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.load.workers import WorkerPlan
    from leakdrill.record.journal import Entry, Journal

_LOG_LINES: Final = 2000


class ContainerWorkers:
    """A Docker network as the place of a load's workers.

    Args:
        client: of the engine.
        run_id: in their names and their label.
        journal: gets each before it is made.
        neighbour: the container that the load goes to; they join its network.
        addresses: where the target answers there, such as `172.17.0.3:8000`; empty while it does not.
    """

    def __init__(
        self,
        client: DockerClient,
        *,
        run_id: str,
        journal: Journal,
        neighbour: Callable[[], Container],
        addresses: Callable[[], Sequence[str]],
    ) -> None:
        self._client = client
        self._run_id = run_id
        self._journal = journal
        self._neighbour = neighbour
        self._addresses = addresses
        self._made: list[Container] = []
        self._entries: list[Entry] = []

    def addresses(self) -> list[str]:
        """Where the target answers now; empty while it does not."""
        return [f"http://{address}" for address in self._addresses()]

    def master_host(self) -> str:
        """This machine's address on the network: its gateway, where the engine is this machine's.

        Raises:
            BadInput: when the engine runs elsewhere, because nothing here tells which of our addresses leads back.
            EnvironmentProblem: when no route leads there.
        """
        host = engine_host(self._client)
        if host:
            raise BadInput(
                f"load.workers: the engine runs on {host}, and so would the workers; expected "
                "load.master_host, an address of this machine that they can reach"
            )
        try:
            return address_towards(network_of(self._neighbour())[1])
        except OSError as e:
            raise EnvironmentProblem(
                f"load.workers: no route leads to the network of the target: {e.strerror or e}"
            ) from e

    def start(self, plan: WorkerPlan) -> None:
        """Start them.

        Raises:
            BadInput: when the engine has no such image and cannot pull it.
            EnvironmentProblem: when it refuses.
        """
        self._demand_image(plan.image)
        network = network_of(self._neighbour())[0]
        files = packed(plan.files)
        for worker_index in range(plan.count):
            name = self._journal.header.own_name(f"{self._run_id}-load-{worker_index + 1}")
            data = {"part": PART, "name": name, "run_id": self._run_id, "engine": where(self._client)}
            entry = self._journal.plan("container", **data)
            self._entries.append(entry)
            made = self._make(plan, name, worker_index, network)
            self._journal.done(entry, id=str(made.id))
            self._ask(partial(made.put_archive, "/", files), "take the files of")
            self._ask(made.start, "start")
            self._made.append(made)

    def states(self) -> list[WorkerState]:
        """What the engine says of each.

        Raises:
            EnvironmentProblem: when it does not answer.
        """
        return [self._state(container) for container in self._made]

    def log(self, name: str) -> str:
        """What a worker wrote last; empty when nothing can be had."""
        worker = next((container for container in self._made if container.name == name), None)
        try:
            return worker.logs(tail=_LOG_LINES).decode(errors="replace") if worker else ""
        except engine_errors():
            return ""

    def stop(self) -> None:
        """Remove them; what does not go stays in the journal."""
        for entry in reversed(self._entries):
            take_back(self._journal, entry, UNDO)
        self._entries, self._made = [], []

    def _make(self, plan: WorkerPlan, name: str, worker_index: int, network: str) -> Container:
        options = self._options(plan, name, worker_index, network)
        made: Container = self._ask(partial(self._client.containers.create, plan.image, **options), "make")
        return made

    def _options(self, plan: WorkerPlan, name: str, worker_index: int, network: str) -> dict[str, Any]:
        return {
            "name": name,
            # The first word as the entrypoint: an empty one would mean the image's own.
            "entrypoint": [plan.command[0]],
            "command": list(plan.command[1:]),
            "environment": plan.env_of(worker_index),
            "labels": own_labels(self._run_id, self._journal.mark),
            "working_dir": FOLDER,
            "network": network,
            "init": True,
            "mem_limit": MEMORY_BYTES,
            "security_opt": ["no-new-privileges:true"],
        }

    def _state(self, container: Container) -> WorkerState:
        import docker.errors

        name = str(container.name)
        try:
            container.reload()
        except docker.errors.NotFound:
            return WorkerState(name, "the container is gone from the engine", ended=True)
        except engine_errors() as e:
            raise EnvironmentProblem(f"the engine did not describe the load's worker {name}: {e}") from e
        state = container.attrs["State"]
        if container.status in ("created", "running"):
            return WorkerState(name, f"container {container.status}", ended=False)
        oom = ", OOM-killed" if state.get("OOMKilled") else ""
        return WorkerState(name, f"container ended with {state['ExitCode']}{oom}", ended=True)

    def _demand_image(self, image: str) -> None:
        import docker.errors

        try:
            self._client.images.get(image)
        except docker.errors.ImageNotFound:
            self._pull(image)
        except engine_errors() as e:
            raise EnvironmentProblem(f"the engine did not look for the image {image}: {e}") from e

    def _pull(self, image: str) -> None:
        try:
            self._client.images.pull(image)
        except engine_errors() as e:
            raise BadInput(
                f"load.image: the engine has no image {image} and cannot pull it: {e}",
                hint="name one with Locust in it, such as locustio/locust, or build ours: make images",
            ) from e

    def _ask(self, request: Callable[[], Any], action: str) -> Any:
        try:
            return request()
        except engine_errors() as e:
            raise EnvironmentProblem(f"load.workers: the engine did not {action} a worker: {e}") from e


def network_of(container: Container) -> tuple[str, str]:
    """The first network of a container that runs, and its address there; empty words where it has none."""
    networks: Mapping[str, Any] = container.attrs["NetworkSettings"]["Networks"] or {}
    for name, network in networks.items():
        if network.get("IPAddress"):
            return name, str(network["IPAddress"])
    return "", ""


def packed(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of `files`, below `FOLDER` and readable by everybody."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, content in files.items():
            item = tarfile.TarInfo(f"{FOLDER.strip('/')}/{path}")
            item.size, item.mode = len(content), 0o644
            archive.addfile(item, io.BytesIO(content))
    return out.getvalue()
