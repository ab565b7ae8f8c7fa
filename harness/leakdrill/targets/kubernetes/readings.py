"""The last reading of each pod: recorded as it comes, and kept for steps that choose the heaviest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from leakdrill.record.events import PodResources

if TYPE_CHECKING:
    from leakdrill.record.recorder import Recorder


class PodReadings:
    """What the meters read of each pod, by its name."""

    def __init__(self, recorder: Recorder) -> None:
        self.by_pod: dict[str, dict[str, float]] = {}
        self._recorder = recorder

    def note(self, pod: str, values: dict[str, float]) -> None:
        """Keep and record one reading of `pod`."""
        self.by_pod[pod] = values
        self._recorder.record(replace(PodResources.of(values), pod=pod))
