"""The conductor: phases in order, and undo always.

    setup ─ warmup ─ baseline ─ load (leaks on) ─ mitigate (steps) ─ recover (leaks off) ─ teardown

It decides when, and records what it did. What a phase needs lives in `environment.py` (what is started),
`steps/` (what is done) and `judging/` (what it means). It judges nothing.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from leakdrill.machine.signals import uninterruptible
from leakdrill.record.events import LeakSwitchOff, LeakSwitchOn, RunBroken, StepAct
from leakdrill.runs.drill.torch_snapshot import take_snapshot
from leakdrill.scenario.seen import Seen
from leakdrill.steps.step import StepFailed, carry_out
from leakdrill.steps.switch import switch
from leakdrill.targets.base.capabilities import Renewing
from leakdrill.targets.kinds import find_capability

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.runs.drill.environment import Environment
    from leakdrill.runs.session import RunSession
    from leakdrill.scenario.leaks import Leak
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.scenario.steps import Step

_TICK_S = 0.05


class _Broken(Exception):  # noqa: N818 - leaves the phases; caught in this file
    """A part that the drill cannot go on without has ended."""


class Drill:
    """One run of one scenario in its environment."""

    def __init__(self, scenario: Scenario, environment: Environment, session: RunSession) -> None:
        self._scenario = scenario
        self._environment = environment
        self._session = session
        self._recorder = session.recorder
        self._leaking: dict[str, Leak] = {}

    def run(self) -> None:
        """Carry the drill from setup to teardown. Whatever happens, everything that was started is taken down.

        Raises:
            LeakdrillError: when the environment did not come up. A part that dies later ends the drill early and is
                recorded as `broken`; the verdicts then say UNKNOWN.
        """
        try:
            with self._recorder.in_phase("setup"):
                self._environment.up()
            self._phases()
        except _Broken as e:
            self._recorder.record(RunBroken(str(e)))
        finally:
            with uninterruptible(), self._recorder.in_phase("teardown"):
                self._environment.down()
                self._session.undo()

    def _phases(self) -> None:
        for name, play in (
            ("warmup", self._warmup),
            ("baseline", self._baseline),
            ("load", self._load),
            ("mitigate", self._mitigate),
            ("recover", self._recover),
        ):
            with self._recorder.in_phase(name):
                play()

    def _warmup(self) -> None:
        self._hold(self._scenario.phases.warmup)
        self._environment.alerting.wait_until_watching()

    def _baseline(self) -> None:
        self._hold(self._scenario.phases.baseline)
        self._environment.alerting.record_rules()
        self._take_snapshot("baseline")

    def _load(self) -> None:
        for leak in self._scenario.leaks:
            self._switch(leak, on=True)
        self._hold(self._scenario.phases.load, until=self._everything_delivered)

    def _mitigate(self) -> None:
        """Carry out the steps, one after the other."""
        if self._scenario.steps:
            self._stop_leaks("first_step")
        deadline = time.monotonic() + self._scenario.phases.mitigate
        began = time.monotonic()
        for last, step in _with_last(self._scenario.steps):
            self._carry_out(step, began=began, deadline=deadline)
            if not last or self._ends_with_its_cause(step):
                self._hold((step.seen or Seen()).within)

    def _ends_with_its_cause(self, step: Step) -> bool:
        """Whether switching the leaks off, which comes next, would do what `step` should have done."""
        metric = self._scenario.metric_of(step)
        slows = step.seen is not None and step.seen.effect == "slows_by"
        return any(
            leak.resource == metric and (slows or leak.peak is not None or metric == "cpu")
            for leak in self._leaking.values()
        )

    def _recover(self) -> None:
        self._stop_leaks("recover")
        self._hold(self._scenario.phases.recover)
        self._take_snapshot("recover")

    def _take_snapshot(self, moment: str) -> None:
        torch = self._scenario.torch
        if torch is not None and torch.snapshot is not None:
            take_snapshot(
                torch.snapshot,
                self._environment.target,
                self._recorder,
                moment=moment,
                run_dir=self._environment.run_dir,
            )

    def _everything_delivered(self) -> bool:
        expected = self._scenario.alerts.expect
        return bool(expected) and all(self._environment.alerts.delivered(alert) for alert in expected)

    def _carry_out(self, step: Step, *, began: float, deadline: float) -> None:
        timely = self._wait_for_trigger(step, began=began, deadline=deadline)
        act = StepAct(step.name, step.action_name)
        with contextlib.suppress(StepFailed), self._recorder.act(act) as note:
            if not timely:
                raise StepFailed(f"the alert {step.on} did not fire in time, so the step was not carried out")
            here = self._environment
            facts = carry_out(step, here.target, run_dir=here.run_dir, surroundings=here.surroundings)
            note.labels.update(facts)
            self._leak_again_after_restart(step)

    def _leak_again_after_restart(self, step: Step) -> None:
        """A restart does not mend the bug: what still leaks when the service comes back leaks again."""
        renewing = find_capability(self._environment.target, Renewing)
        if step.action.restarts or (renewing and step.action_name in renewing.restarting_steps):
            for leak in list(self._leaking.values()):
                self._switch(leak, on=True)

    def _wait_for_trigger(self, step: Step, *, began: float, deadline: float) -> bool:
        if step.after is not None:
            self._hold(step.after - (time.monotonic() - began))
        if step.on is None:
            return True
        on = step.on
        wait_s = min(step.timeout, deadline - time.monotonic())
        self._hold(wait_s, until=lambda: self._environment.alerts.has_fired(on))
        return self._environment.alerts.has_fired(on)

    def _stop_leaks(self, moment: str) -> None:
        for leak in [leak for leak in self._leaking.values() if leak.stops == moment]:
            self._switch(leak, on=False)

    def _switch(self, leak: Leak, *, on: bool) -> None:
        act = LeakSwitchOn(leak.name) if on else LeakSwitchOff(leak.name)
        with contextlib.suppress(StepFailed), self._recorder.act(act):
            switch(leak, self._environment.target, on=on)
        if on:
            self._leaking[leak.name] = leak
        else:
            self._leaking.pop(leak.name, None)

    def _hold(self, seconds: float, *, until: Callable[[], bool] = lambda: False) -> None:
        """Let the load run for `seconds`, or until `until` holds; leave early when a part has died."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not until():
            self._recorder.raise_if_lost()
            broken = self._environment.broken()
            if broken:
                raise _Broken(broken)
            time.sleep(min(_TICK_S, left))


def _with_last(steps: list[Step]) -> list[tuple[bool, Step]]:
    return [(index == len(steps) - 1, step) for index, step in enumerate(steps)]
