"""Everything that a drill starts: made from the scenario, up in the order of need, down in reverse.

    alerting ─┐
    target ───┴─ load and meters

The target and the alerting start side by side: neither needs the other to come up, and a drill's time is dear.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from leakdrill.record.events import Notice
from leakdrill.runs.drill.absent_paths import absent_paths
from leakdrill.runs.drill.alert_states import AlertStates
from leakdrill.runs.drill.alerting_part import AlertingPart
from leakdrill.runs.drill.load_part import LoadPart
from leakdrill.runs.loading import loading
from leakdrill.steps.context import Surroundings
from leakdrill.targets.base.capabilities import Losable
from leakdrill.targets.kinds import find_capability, make_target

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.alerting.rules import Rules
    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder
    from leakdrill.record.store import RunFolder
    from leakdrill.scenario.scenario import Scenario


class Environment:
    """The parts of one drill.

    Args:
        scenario: what to build.
        rules: its rules, as `check_plan` read them.
        plan: its file, whose folder its command may refer to as `{scenario_dir}`.
        folder: the run's folder.
        recorder: gets everything that happens.
        journal: gets each change before it is made.

    Raises:
        BadInput: when the routing cannot be used, or those to be watched do not answer; nothing was
            started then.
    """

    def __init__(
        self,
        scenario: Scenario,
        rules: Rules,
        *,
        plan: Path,
        folder: RunFolder,
        recorder: Recorder,
        journal: Journal,
    ) -> None:
        self.run_dir = folder.path
        self.target = make_target(
            scenario,
            scenario_dir=plan.resolve().parent,
            run_dir=folder.path,
            run_id=folder.run_id,
            recorder=recorder,
            journal=journal,
        )
        self.alerting = AlertingPart(scenario, rules, self.target, folder=folder, recorder=recorder, journal=journal)
        self.alerts = AlertStates(scenario)
        self._load = LoadPart(scenario, self.target, folder=folder, recorder=recorder, journal=journal)
        self._recorder, self._journal, self._run_id = recorder, journal, folder.run_id
        self._variables: dict[str, str] = {}
        self._scenario, self._plan = scenario, plan
        self._target_begun = False
        recorder.subscribe(self.alerts.note)

    def up(self) -> None:
        """Start everything and return when requests arrive.

        Raises:
            LeakdrillError: when a part does not come up; the caller takes the rest down.
        """
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="alerting") as pool:
            alerting = pool.submit(self.alerting.start)
            self._target_begun = True
            self.target.start()
            alerting.result()
        for notice in (*self.target.notices(), *self.alerting.remarks):
            self._recorder.record(Notice(notice))
        for remark in absent_paths(self._plan, self._scenario, self.target):
            self._recorder.record(Notice(remark))
        with loading():
            self._load.start()

    @property
    def surroundings(self) -> Surroundings:
        """What steps find beside the target; known after `up`."""
        return Surroundings(self._journal, self._run_id, self.alerting.prometheus_url, self._variables)

    def down(self) -> None:
        """Stop everything, newest first; does nothing the second time."""
        with ExitStack() as stops:
            if self._target_begun:
                stops.callback(self.target.stop)
            stops.callback(self.alerting.stop)
            stops.callback(self._load.stop)
            self._target_begun = False

    def broken(self) -> str | None:
        """Returns which part the drill cannot go on without has ended, or None."""
        losable = find_capability(self.target, Losable)
        if losable and losable.lost:
            return f"the target was lost sight of: {losable.lost}"
        server = self.alerting.ended()
        ended = f"{server} ended in the middle of the drill" if server else self._load.ended()
        return self.alerting.lost() or ended
