"""The parts of the gateway, and which leak is in which part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from leaky_apps.gateway.cache import ResponseCache
from leaky_apps.gateway.feature_store import FeatureStore
from leaky_apps.gateway.inference import Inference, Workers
from leaky_apps.gateway.jobs import Jobs
from leaky_apps.gateway.leaks.bloated_worker import BloatedWorker
from leaky_apps.gateway.leaks.catastrophic_regex import CatastrophicRegex
from leaky_apps.gateway.leaks.checkpoints import Checkpoints
from leaky_apps.gateway.leaks.hot_loop import HotLoop
from leaky_apps.gateway.leaks.huge_json import HugeJson
from leaky_apps.gateway.leaks.large_arrays import LargeArrays
from leaky_apps.gateway.leaks.large_inputs import LargeInputs
from leaky_apps.gateway.leaks.leaked_connections import LeakedConnections
from leaky_apps.gateway.leaks.leaked_files import LeakedFiles
from leaky_apps.gateway.leaks.leaked_threads import LeakedThreads
from leaky_apps.gateway.leaks.log_flood import LogFlood
from leaky_apps.gateway.leaks.retained_requests import RetainedRequests
from leaky_apps.gateway.leaks.stale_model_files import StaleModelFiles
from leaky_apps.gateway.leaks.stuck_requests import StuckRequests
from leaky_apps.gateway.leaks.temp_files import TempFiles
from leaky_apps.gateway.leaks.unbounded_cache import UnboundedCache
from leaky_apps.gateway.leaks.uncollected_requests import UncollectedRequests
from leaky_apps.gateway.leaks.unreleased_weights import UnreleasedWeights
from leaky_apps.gateway.model_store import ModelStore
from leaky_apps.gateway.pending import AuditReports
from leaky_apps.gateway.request_log import RequestLog
from leaky_apps.leak import Leak
from leaky_apps.service.admission import Admission

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leaky_apps.gateway.call import Call


class Parts:
    """One of each.

    Attributes:
        stages: what every call passes before the model works on it.
        leaks: all of them, off.
    """

    def __init__(self, disk: Path) -> None:
        self.cache = ResponseCache()
        self.log = RequestLog(disk / "gateway.log")
        self.admission = Admission()
        self.inference = Inference()
        self.workers = Workers()
        self.models = ModelStore(disk / "model_cache")
        self.features = FeatureStore()
        self.reports = AuditReports(self.inference)
        self.jobs = Jobs()
        self.candidates = LargeArrays(self.inference)
        staged = _staged(self.inference, disk)
        self.stages: tuple[Callable[[Call], None], ...] = tuple(leak.see for leak in staged)
        self.leaks: tuple[Leak, ...] = (*self._in_parts(), *staged)

    def _in_parts(self) -> tuple[Leak, ...]:
        return (
            UnboundedCache(self.cache),
            LogFlood(self.log),
            UnreleasedWeights(self.models),
            StaleModelFiles(self.models),
            LeakedConnections(self.features),
            StuckRequests(self.reports),
            BloatedWorker(self.jobs),
            self.candidates,
        )


class Staged(Leak, Protocol):
    """A leak that sits in the way of every call."""

    def see(self, call: Call) -> None:
        """Let `call` pass, and keep what the leak keeps of it."""


def _staged(inference: Inference, disk: Path) -> tuple[Staged, ...]:
    return (
        CatastrophicRegex(),
        HugeJson(),
        HotLoop(),
        RetainedRequests(),
        UncollectedRequests(),
        LeakedThreads(),
        LeakedFiles(disk / "vocabulary.txt"),
        TempFiles(disk / "tmp"),
        Checkpoints(disk / "checkpoints"),
        LargeInputs(inference),
    )
