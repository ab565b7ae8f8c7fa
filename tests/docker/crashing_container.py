"""`python crashing_container.py FOLDER RUN_ID NUMBER WHEN`: the life of a container, cut off at one line."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "platforms"))

from crashing_journal import CrashingJournal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.target import ProcessTarget
from leakdrill.targets.docker.target import DockerTarget

SPEC = {
    "name": "gateway",
    "command": ["unused"],
    "limits": {"memory": "192MiB"},
    "stop_timeout": "1s",
    "container": {"image": "leakdrill-samples", "port": 8000},
}


def main() -> None:
    """Start it, put another in its place, stop it."""
    folder, run_id, number, when = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    journal = CrashingJournal(folder / "journal.jsonl", number=number, when=when)
    target = DockerTarget(
        ProcessTarget.model_validate(SPEC),
        scenario_dir=folder,
        run_dir=folder,
        run_id=run_id,
        recorder=Recorder(folder / "history.jsonl"),
        journal=journal,
        token="t",  # noqa: S106 - nobody asks for it
    )
    target.start()
    target.set_env({"A": "1"})
    target.stop()


if __name__ == "__main__":
    main()
