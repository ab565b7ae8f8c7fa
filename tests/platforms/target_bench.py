"""A target with its record and its journal, as the tests of every platform hold it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from leakdrill.record.history import read_history
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.steps import Step
from leakdrill.scenario.target import ProcessTarget
from leakdrill.steps.step import carry_out

if TYPE_CHECKING:
    from leakdrill.record.history import Event

ROOT = Path(__file__).parents[2]
TOKEN = "of this run"  # noqa: S105 - it opens a service that lives for seconds


class TargetBench:
    """A target of `kind` in `folder`, as `fields` describe it over what all of them share."""

    def __init__(self, folder: Path, kind: type, *, run_id: str, **fields: object) -> None:
        spec = {"name": "inference-gateway", "metrics": "/metrics", **fields}
        self.folder = folder
        self.recorder = Recorder(folder / "history.jsonl")
        self.journal = Journal(folder / "journal.jsonl")
        self.target = kind(
            ProcessTarget.model_validate(spec),
            scenario_dir=folder,
            run_dir=folder,
            run_id=run_id,
            recorder=self.recorder,
            journal=self.journal,
            token=TOKEN,
        )

    def events(self, **wanted: str) -> list[Event]:
        """What its record holds so far."""
        return list(read_history(self.folder / "history.jsonl").where(**wanted))

    def post(self, path: str, **body: object) -> httpx.Response:
        """One request to the service, as an operator."""
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.post(self.target.base_url + path, json=body, headers=bearer, timeout=10)

    def step(self, **action: object) -> dict[str, str]:
        """Carry out one step of a runbook."""
        step = Step.model_validate({"name": "a step", "timeout": "20s", **action})
        return carry_out(step, self.target, run_dir=self.folder)

    def close(self) -> None:
        """Take it down."""
        self.target.stop()
        self.recorder.close()
        self.journal.close()
