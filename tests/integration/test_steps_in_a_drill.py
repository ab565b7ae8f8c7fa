"""Steps in the order in which a drill carries them out, without Prometheus: what leaks when, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from leakdrill.record.events import LeakSwitchOff, LeakSwitchOn, StepAct, TargetRestart
from leakdrill.record.history import read_history
from leakdrill.runs.catalogue.catalogue import catalogue_root
from leakdrill.runs.drill.run import run_drill

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.record.history import Act

pytestmark = [pytest.mark.integration, pytest.mark.long]

ACTS = (LeakSwitchOn, LeakSwitchOff, StepAct, TargetRestart)
SCENARIO = """\
name: gateway/steps
target:
  name: inference-gateway
  command: ["{{python}}", -m, leaky_apps.gateway, --port, "{{port}}"]
  limits: {{memory: 256MiB}}
leaks: [{{name: unbounded-cache, per_request: 64KiB}}]
load: {{locustfile: {locustfile}, users: 2, rate: 20/s}}
phases: {{warmup: 500ms, baseline: 1s, load: 1s, mitigate: 10s, recover: 1s}}
steps:
  - {{name: look, exec: {{command: [sh, -c, "echo {{pid}}"]}}, seen: {{nothing: true, within: 100ms}}}}
  - {{name: give it room, set_limits: {{memory: 300MiB}}, seen: {{stays_within: 50%, within: 500ms}}}}
  - {{name: roll out, set_env: {{CACHE_ENTRIES: 10}}, seen: {{within: 500ms}}}}
"""


def test_a_leak_goes_on_after_its_service_was_restarted_with_other_variables(tmp_path: Path) -> None:
    """A changed setting that does not name the bug does not mend it, so the drill switches the leak on again."""
    file = tmp_path / "steps.yaml"
    file.write_text(SCENARIO.format(locustfile=catalogue_root() / "gateway" / "locustfile.py"))
    done = run_drill(file, runs=tmp_path / "runs", console=Console(quiet=True))
    assert done.error is None
    assert done.leftovers == []
    history = read_history(done.folder.history)
    acts = sorted([act for one in ACTS for act in history.acts(one)], key=_began)
    assert [act.name for act in acts] == [
        "switch_on", "look", "give it room", "roll out", "restart", "switch_on", "switch_off",
    ]  # fmt: skip
    assert all(act.succeeded for act in acts)
    assert (done.folder.path / "steps" / "look" / "output.txt").read_text().strip().isdigit()
    claims = {(v.check, v.subject) for v in done.verdicts}
    assert {("step_works", "look"), ("step_does_not_cure", "give it room"), ("step_works", "roll out")} <= claims


def _began(act: Act) -> int:
    return act.begin.index
