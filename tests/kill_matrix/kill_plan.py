"""Which drills are killed, when and how: every target with each step that it supports, in every phase, by every signal.

Which steps a target supports is asked of the registry, so that a step that is new is a row here or an error.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from leakdrill.scenario.steps import ACTIONS
from leakdrill.steps.step import kinds_with_step

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
TARGETS: Final = ("process", "docker", "compose", "kubernetes")
PHASES: Final = ("setup", "warmup", "baseline", "load", "mitigate", "recover", "teardown")
SIGNALS: Final = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

ALERTING: Final = "http, with Prometheus, Alertmanager and two Locust workers"
"""A row beside those of the steps: the same drill with everything that a drill can start."""

_FILE: Final = "kept.log"
ACTIONS_TAKEN: Final[dict[str, Any]] = {
    "http": {"path": "/admin/clear-cache"},
    "restart": {},
    "gc": {},
    "truncate_log": {"path": _FILE},
    "rotate_log": {"path": _FILE},
    "exec": {"command": ["sleep", "3"]},
    "command": {"shell": "sleep 3"},
    "kill": {"match": "leaky_apps", "signal": "CONT"},
    "set_limits": {"memory": "256MiB"},
    "scale": {"replicas": 2},
    "recreate": {"memory": "256MiB"},
    "prune": {},
    "autoscale": {"max": 2, "cpu": "70%"},
    "delete_pod": {},
    "set_env": {"KILLED": "1"},
    "delete_files": {"path": _FILE},
    "compress_files": {"path": _FILE},
    "copy_out": {"path": _FILE},
}
"""What each step does here; all of them leave the service able to go on."""

STEP: Final = "the step"
"""The name of the step, by which the cell knows that it has begun."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One drill that is ended: where it runs, which step it has, in which phase the signal comes, and which."""

    target: str
    step: str
    phase: str
    signal: signal.Signals

    @property
    def name(self) -> str:
        """Its name, in words that `ONLY` may choose."""
        return f"{self.target} / {self.step} / {self.phase} / {self.signal.name}"

    def scenario(self, runs: Path) -> str:
        """The drill, as a scenario file in `runs` whose phases are as short as they can be."""
        key = "http" if self.step == ALERTING else self.step
        prepare = {"exec": {"command": ["sh", "-c", f"head -c 100000 /dev/zero > {{disk}}/{_FILE}"]}}
        quick = {"seen": {"nothing": True, "within": "50ms"}}
        spec = {
            "name": f"kill/{self.target}",
            "target": _target(self.target),
            "leaks": [{"name": "unbounded-cache", "per_request": "64KiB"}],
            "load": {
                "locustfile": str(ROOT / "scenarios/gateway/locustfile.py"),
                "users": 2,
                "rate": "16/s",
                "workers": 2 if self.step == ALERTING else 1,
            },
            "phases": {"warmup": "1s", "baseline": "1s", "load": "1500ms", "mitigate": "30s", "recover": "1500ms"},
            "steps": [
                *([{"name": "prepare", **prepare, **quick}] if "path" in ACTIONS_TAKEN[key] and key != "http" else []),
                {"name": STEP, key: ACTIONS_TAKEN[key], **quick},
            ],
            "expect": {"memory": None},
        }
        if self.step == ALERTING:
            spec["alerts"] = {"rules": [str(ROOT / "scenarios/rules/resource-exhaustion.yaml")], "time_scale": 60}
        file = runs / "scenario.yaml"
        file.write_text(yaml.safe_dump(spec), encoding="utf-8")
        return str(file)


def cells() -> Iterator[Cell]:
    """Every cell."""
    for target in TARGETS:
        for step in (*steps_of(target), ALERTING):
            for phase in PHASES:
                for number in SIGNALS:
                    yield Cell(target, step, phase, number)


def steps_of(target: str) -> list[str]:
    """The steps that `target` supports.

    Raises:
        KeyError: when the registry has a step for which this file says nothing.
    """
    return [key for key in ACTIONS if ACTIONS_TAKEN[key] is not None and target in kinds_with_step(key)]


def _target(name: str) -> dict[str, Any]:
    if name == "compose":
        compose = {"file": str(ROOT / "docker-compose.yml"), "service": "gateway"}
        return {"name": "inference-gateway", "compose": compose}
    return {
        "name": "inference-gateway",
        "command": ["{python}", "-m", "leaky_apps.gateway", "--port", "{port}"],
        "container": {"image": "leakdrill-samples", "build": str(ROOT), "port": 8000},
        "limits": {"memory": "192MiB", "cpus": 1, "disk": "16MiB"},
    }
