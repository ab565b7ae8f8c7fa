"""`python crashing_drill.py FOLDER RUN_ID NUMBER WHEN`: the life of a target, cut off at one line of its journal."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "platforms"))

from crashing_journal import CrashingJournal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.target import ProcessTarget
from leakdrill.targets.process.target import LocalProcess

SERVICE = """
import socket, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], env={}, start_new_session=True)
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listening.accept()
    connection.recv(1000)
    connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
    connection.close()
"""
"""Answers, and has a child of another session with no environment at all."""


def main() -> None:
    """Start, run a step beside it, restart, stop; whatever is planned is undone."""
    folder, run_id, number, when = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    journal = CrashingJournal(folder / "journal.jsonl", number=number, when=when)
    spec = {
        "name": "tiny",
        "command": ["{python}", "-S", "-c", SERVICE, "{port}"],
        "ready": {"path": "/"},
        "stop_timeout": "0s",
        "limits": {"memory": "256MiB", "disk": "16MiB"},
    }
    target = LocalProcess(
        ProcessTarget.model_validate(spec),
        scenario_dir=folder,
        run_dir=folder,
        run_id=run_id,
        recorder=Recorder(folder / "history.jsonl"),
        journal=journal,
        token="t",  # noqa: S106 - nobody asks for it
    )
    target.start()
    target.execute(["sleep", "0"], output=folder / "output", timeout_s=20)
    target.restart()
    target.stop()
    journal.close()


if __name__ == "__main__":
    main()
