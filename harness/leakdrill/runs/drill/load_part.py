"""The load on a drill's target, and the meters that are read while it lasts."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from leakdrill.load.locust import LocustLoad
from leakdrill.load.workers import HostsLoadWorkers
from leakdrill.meters.gpu import gpu_meters
from leakdrill.meters.machine import MachineMeter
from leakdrill.meters.sampler import Sampler
from leakdrill.meters.torch_allocator import TorchMeter
from leakdrill.record.events import LoadStart
from leakdrill.targets.kinds import find_capability

if TYPE_CHECKING:
    from leakdrill.load.workers import WorkerPlace
    from leakdrill.meters.meter import Meter
    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder
    from leakdrill.record.store import RunFolder
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.targets.base.capabilities import Target

READINGS_PER_S: Final = 10.0
_FIRST_REQUEST_TIMEOUT_S: Final = 20.0
_FIRST_SUCCESS_S: Final = 5.0
_SPARE_S: Final = 120.0  # Locust ends by itself this long after the drill should have ended it


class LoadPart:
    """Load and meters of one drill.

    Args:
        scenario: says what load, and what is read beside the target's own meters.
        target: what is loaded and read.
        folder: the run's folder.
        recorder: gets counts and readings.
        journal: gets each process before it is started.
    """

    def __init__(
        self, scenario: Scenario, target: Target, *, folder: RunFolder, recorder: Recorder, journal: Journal
    ) -> None:
        self._scenario = scenario
        self._target = target
        self._folder = folder
        self._recorder = recorder
        self._journal = journal
        self._load: LocustLoad | None = None
        self._stops = ExitStack()

    def start(self) -> None:
        """Start both, and return when requests arrive.

        Raises:
            LeakdrillError: when none arrives.
        """
        load = self._load = self._make()
        sampler = Sampler(self._meters(), self._recorder, rate_hz=READINGS_PER_S, requests=load.requests)
        self._stops.callback(sampler.stop)
        self._stops.callback(load.stop)
        sampler.start()
        with self._recorder.act(LoadStart()) as note:
            load.start()
            note.labels["pid"] = str(load.pid)
            load.wait_first_request(_FIRST_REQUEST_TIMEOUT_S, success_s=_FIRST_SUCCESS_S)

    def stop(self) -> None:
        """Stop the load, then the meters; does nothing the second time."""
        self._stops.close()

    def ended(self) -> str | None:
        """What has become of the load generator when it has ended, as a sentence; None while it runs."""
        if self._load is None or self._load.alive():
            return None
        reason = self._load.ended_by
        return f"Locust ended in the middle of the drill{f', because {reason}' if reason else ''}"

    def _make(self) -> LocustLoad:
        phases = self._scenario.phases
        return LocustLoad(
            self._scenario.load,
            host=self._target.base_url,
            run_dir=self._folder.path,
            run_id=self._folder.run_id,
            recorder=self._recorder,
            journal=self._journal,
            max_run_s=phases.warmup + phases.baseline + phases.load + phases.mitigate + phases.recover + _SPARE_S,
            place=self._place_of_workers(),
        )

    def _meters(self) -> list[Meter]:
        meters: list[Meter] = [*self._target.meters(), MachineMeter()]
        meters += gpu_meters(self._scenario.target.gpu, self._target, self._recorder)
        if self._scenario.torch is not None:
            meters.append(TorchMeter(self._target.base_url + self._scenario.torch.path, access=self._target.access))
        return meters

    def _place_of_workers(self) -> WorkerPlace | None:
        spec = self._scenario.load
        host = find_capability(self._target, HostsLoadWorkers)
        return host.load_workers() if host and spec.workers > 1 and spec.workers_on == "target" else None
