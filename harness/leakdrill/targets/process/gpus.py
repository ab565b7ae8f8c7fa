"""The GPUs of a process: CUDA is told them by the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leakdrill.scenario.target import ProcessTarget


def on_its_cards(target: ProcessTarget) -> ProcessTarget:
    """`target` with its cards in the environment of its process; a container is given them by the engine."""
    if target.gpu is None or target.kind != "process":
        return target
    return target.model_copy(update={"env": {**target.gpu.environment, **target.env}})
