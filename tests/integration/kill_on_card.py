"""A step on a real process, in a process of its own in which the real pynvml finds the stand-in.

`python kill_on_card.py FOLDER`: starts a target with two workers and writes their numbers as a line of JSON, the first
process first; then carries out `kill: {match: worker, by: gpu_memory}` for each line of standard input, and writes what
came of it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.steps import Step
from leakdrill.scenario.target import ProcessTarget
from leakdrill.steps.step import StepFailed, carry_out
from leakdrill.targets.process.target import LocalProcess

SERVICE = """
import http.server, subprocess, sys
work = "import sys; sys.stdin.read()"
workers = [subprocess.Popen([sys.executable, "-c", work, "worker"], stdin=subprocess.PIPE) for _ in range(2)]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def main() -> None:
    """Start, answer every line, stop."""
    folder = Path(sys.argv[1])
    (folder / "service.py").write_text(SERVICE)
    spec = {"name": "on-a-card", "command": ["{python}", "{scenario_dir}/service.py", "{port}"], "gpu": {}}
    recorder, journal = Recorder(folder / "history.jsonl"), Journal(folder / "journal.jsonl")
    target = LocalProcess(
        ProcessTarget.model_validate(spec),
        scenario_dir=folder,
        run_dir=folder,
        run_id="kill-on-card",
        recorder=recorder,
        journal=journal,
        token="of this run",  # noqa: S106 - nothing asks for it
    )
    target.start()
    step = Step.model_validate({"name": "end it", "kill": {"match": "worker$", "by": "gpu_memory"}})
    try:
        say([target.pid, *(process.pid for process in target.processes() if process.pid != target.pid)])
        for _ in sys.stdin:
            try:
                say(carry_out(step, target))
            except StepFailed as e:
                say(str(e))
    finally:
        target.stop()
        recorder.close()
        journal.close()


def say(answer: object) -> None:
    """One line of JSON."""
    print(json.dumps(answer), flush=True)  # noqa: T201 - this is the answer


if __name__ == "__main__":
    main()
