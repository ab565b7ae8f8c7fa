"""The base of every target of a run: its identity, its log, its entries in the journal, its end, its limits.

No capability is in here: some targets can do very little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from leakdrill.machine.http_access import access_to
from leakdrill.record.events import TargetLimits, TargetStop
from leakdrill.record.undo import take_back
from leakdrill.targets.base.log_keeper import LogKeeper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leakdrill.machine.http_access import Access
    from leakdrill.record.journal import Entry, Journal
    from leakdrill.record.recorder import Recorder
    from leakdrill.record.undo import UndoTable
    from leakdrill.scenario.target import ProcessTarget

PART: Final = "target"
"""Value of `part` in the target's journal entries, and of `LEAKDRILL_PART` in its processes."""

LOG_NAME: Final = "target.log"


class RecordedTarget:
    """The target `spec` of one run.

    Args:
        spec: what to run and with which limits.
        scenario_dir: folder of the scenario file.
        run_dir: gets `target.log`.
        run_id: marks everything that is made.
        recorder: gets starts, restarts, stops and an end that nobody asked for.
        journal: gets each change before it is made.
        token: the admin endpoints demand it; the service has it in `LEAKDRILL_TOKEN`.
        part: tells it in the journal from other targets of the same run.

    Raises:
        BadInput: when a variable that `spec.http` names is not set, or a file in it is not what it should be.

    Attributes:
        spec: as it is now: steps change limits and environment.
        log: what the service writes.
    """

    _undo: ClassVar[UndoTable]
    """How the entries of this kind of target are undone."""

    part_types: ClassVar[Sequence[type]] = ()

    def __init__(
        self,
        spec: ProcessTarget,
        *,
        scenario_dir: Path,
        run_dir: Path,
        run_id: str,
        recorder: Recorder,
        journal: Journal,
        token: str,
        part: str = PART,
    ) -> None:
        self.spec = spec
        self._access = access_to(spec.http, scenario_dir.resolve(), https=(spec.url or "").startswith("https:"))
        self.log = run_dir.resolve() / LOG_NAME
        self._scenario_dir = scenario_dir.resolve()
        self._run_id = run_id
        self._recorder = recorder
        self._journal = journal
        self._token = token
        self._part = part
        self._log_keeper = LogKeeper(self.log, recorder)

    @property
    def parts(self) -> Sequence[object]:
        """Objects that hold capabilities of it besides those that it has itself."""
        return ()

    @property
    def name(self) -> str:
        """Its name, published as the label `container`."""
        return self.spec.name

    @property
    def gpus(self) -> Sequence[int | str]:
        """The GPUs that the scenario names, by index or UUID."""
        return tuple(self.spec.gpu.devices) if self.spec.gpu else ()

    @property
    def token(self) -> str:
        """What its admin endpoints ask for."""
        return self._token

    @property
    def access(self) -> Access:
        """How requests to it are made."""
        return self._access

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of its published series."""
        return {**self.spec.labels, "container": self.name}

    def stop(self) -> None:
        """End it and take back everything made for it; does nothing when that is gone."""
        entries = self._pending()
        if entries:
            with self._recorder.act(TargetStop()) as note:
                reasons = self._take_back(entries)
                if reasons:
                    note.value, note.unknown = "; ".join(reasons), True
        self._log_keeper.stop()

    def _pending(self, kind: str | None = None) -> list[Entry]:
        """What of it is still to be undone, newest first; only the entries of `kind`, where that is given."""
        mine = [entry for entry in self._journal.pending() if entry.data.get("part") == self._part]
        return [entry for entry in mine if kind in (None, entry.kind)]

    def _take_back(self, entries: Sequence[Entry]) -> list[str]:
        """Undo `entries`, newest first; returns why, for each that would not go."""
        return [reason for entry in entries if (reason := take_back(self._journal, entry, self._undo))]

    def _now_limited(self, wanted: Mapping[str, float]) -> None:
        """The limits `wanted` (`memory` in bytes, `cpus` in cores) hold from now on: remember and record them."""
        self.spec = self.spec.model_copy(update={"limits": self.spec.limits.model_copy(update=wanted)})
        limits = {name: float(value) for name, value in wanted.items()}
        self._recorder.record(TargetLimits(memory_bytes=limits.get("memory"), cpus=limits.get("cpus")))


def given_limits(memory_bytes: int | None, cpus: float | None) -> dict[str, float]:
    """Those of the two that are given, by the names that a scenario has for them."""
    return {name: value for name, value in (("memory", memory_bytes), ("cpus", cpus)) if value is not None}
