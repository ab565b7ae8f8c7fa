"""`python guarded_drill.py RUNS [fork] [SECONDS]`: a session with a target, which says when it is up and then waits.

With `fork` it leaves a child that keeps everything open that it has open, as a careless library would.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from leakdrill.machine.signals import interruptible
from leakdrill.runs.session import RunSession
from leakdrill.scenario.target import ProcessTarget
from leakdrill.targets.process.target import LocalProcess

TARGET = ProcessTarget.model_validate(
    {
        "name": "tiny",
        "command": ["{python}", "-m", "http.server", "{port}", "--bind", "127.0.0.1"],
        "ready": {"path": "/"},
        "limits": {"memory": "256MiB", "disk": "16MiB"},
    }
)


def main() -> None:
    """Start, say so, wait, and undo."""
    runs, options = Path(sys.argv[1]), sys.argv[2:]
    with RunSession(runs, "tiny", notify=print, signals=interruptible()) as session, session.keeping_error():
        target = LocalProcess(
            TARGET,
            scenario_dir=runs,
            run_dir=session.folder.path,
            run_id=session.folder.run_id,
            recorder=session.recorder,
            journal=session.journal,
            token="t",  # noqa: S106 - nobody asks for it
        )
        target.start()
        if "fork" in options and not os.fork():
            time.sleep(60)
            os._exit(0)
        os.write(1, b"up\n")
        time.sleep(next((float(option) for option in options if option.isdecimal()), 60.0))


if __name__ == "__main__":
    main()
