"""`leakdrill gate`: one build, or two in turn, under controlled load, slot after slot; then the judge.

    start ─ warm-up ─ slot, quiescent point, slot, … (until a planned look is certain, or time is up) ─ stop

With two builds their slots alternate, first one ahead and then the other: whatever the machine does falls on both.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.files import write_below
from leakdrill.judging.leak.gate import BASELINE, CANDIDATE, planned_looks, verdict_so_far
from leakdrill.judging.leak.leak_verdict import LeakOutcome
from leakdrill.judging.leak.looks import FEWEST_SLOTS, GENTLE_REQUESTS
from leakdrill.load.locustfile_check import why_not_loadable
from leakdrill.machine.signals import interruptible, uninterruptible
from leakdrill.record.events import GateTimeIsUp, Notice, RunBroken
from leakdrill.record.seal import RUN_JSON, STORED_BASELINE
from leakdrill.record.store import write_run_info
from leakdrill.reports.live import LiveView
from leakdrill.runs.gate.against import Against
from leakdrill.runs.gate.build import Build
from leakdrill.runs.gate.slot_load import LoadBroken
from leakdrill.runs.gate.warmup import has_settled, rises_plainly
from leakdrill.runs.placement import placed
from leakdrill.runs.session import RunSession, print_to
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from rich.console import Console

    from leakdrill.judging.leak.gate_baseline import BaselineFile
    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.runs.session import FinishedRun
    from leakdrill.scenario.scenario import Scenario

_TICK_S: Final = 0.25


def run_gate(
    scenario_file: Path,
    *,
    runs: Path,
    console: Console,
    against: Against | None = None,
    stored: BaselineFile | None = None,
    whole: bool = False,
    on: str | None = None,
) -> FinishedRun:
    """Measure the service in `scenario_file` and judge it, `against` another build in turn, or a `stored` baseline.

    It runs `on` another platform than the scenario says, where that is given.

    A `whole` run does not end before the slots that were asked for: what is to become a baseline.

    Raises:
        BadInput: when the scenario cannot be used; nothing was started then.
    """
    scenario = placed(read_scenario(scenario_file), on)
    problem = why_not_loadable(scenario.load)
    if problem:
        raise BadInput(f"{scenario_file}: load.locustfile: {problem}")
    return measure_service(
        scenario, scenario_file, runs=runs, console=console, against=against, stored=stored, whole=whole
    )


def measure_service(
    scenario: Scenario,
    scenario_file: Path,
    *,
    runs: Path,
    console: Console,
    against: Against | None = None,
    stored: BaselineFile | None = None,
    whole: bool = False,
) -> FinishedRun:
    """Measure the service of `scenario`, which is that of `scenario_file` or a variation of it, as `run_gate` does."""
    with RunSession(runs, scenario.name, notify=print_to(console), signals=interruptible()) as session:
        write_run_info(session.folder, scenario, scenario_file.resolve(), {}, kind="gate")
        if stored is not None:
            write_below(session.folder.path, STORED_BASELINE, stored.model_dump_json(indent=1))
        session.cover(RUN_JSON, *([STORED_BASELINE] if stored is not None else []))
        builds = _builds(Against(scenario, scenario_file.resolve().parent), against, session)
        with session.keeping_error(), LiveView(scenario, console) as view:
            session.recorder.subscribe(view.see)
            _Measurement(scenario, builds, session, stored, whole=whole).run()
    return session.finish()


def _builds(candidate: Against, baseline: Against | None, session: RunSession) -> list[Build]:
    folder = session.folder
    places = [(CANDIDATE, candidate, folder.path, folder.run_id, session.journal)]
    if baseline is not None:
        path = folder.path / BASELINE
        places.append((BASELINE, baseline, path, f"{folder.run_id}-b", session.open_journal(path)))
    return [
        Build(
            name,
            source.scenario,
            scenario_dir=source.scenario_dir,
            folder=path,
            run_id=run_id,
            recorder=session.recorder,
            journal=journal,
        )
        for name, source, path, run_id, journal in places
    ]


class _Measurement:
    """The phases of one gate run."""

    def __init__(
        self,
        scenario: Scenario,
        builds: Sequence[Build],
        session: RunSession,
        stored: BaselineFile | None,
        *,
        whole: bool,
    ) -> None:
        self._scenario = scenario
        self._stored = stored
        self._whole = whole
        self._gate = scenario.gate
        self._builds = builds
        self._session = session
        self._recorder = session.recorder
        self._corpora_begun = 0
        self._gentle = False

    def run(self) -> None:
        """Start, measure under each corpus, and take everything down whatever happened."""
        corpora = ("open", "closed") if self._gate.corpus == "both" else (self._gate.corpus,)
        try:
            with self._recorder.in_phase("setup"):
                for build in self._builds:
                    build.up()
            for corpus in corpora:
                if not self._measure(corpus):
                    break
        finally:
            with uninterruptible(), self._recorder.in_phase("teardown"):
                for build in reversed(self._builds):
                    build.down()
                self._session.undo()

    def _measure(self, corpus: str) -> bool:
        """Measure under `corpus`; returns whether the load lasted."""
        with self._recorder.in_phase("warmup"):
            for build in self._builds:
                build.start_load(corpus)
            lasted = self._lasts(self._warm_up)
        if lasted:
            with self._recorder.in_phase("slots"):
                lasted = self._lasts(partial(self._slots, corpus))
        for build in self._builds:
            build.load.stop()
        return lasted

    def _lasts(self, part: Callable[[], None]) -> bool:
        """Carry out a part of the measurement; a load that ends or hangs in it is recorded, and the verdict UNKNOWN."""
        try:
            part()
        except LoadBroken as e:
            self._recorder.record(RunBroken(str(e)))
            return False
        return True

    def _warm_up(self) -> None:
        """Load until its time is over, nothing can still wait to expire, and memory has settled; bounded.

        Where memory rises plainly, load is gentle from then on, and what came before it has to expire as well.
        """
        warmup = self._gate.warmup
        least_s = max(warmup.at_least, self._gate.longest_ttl)
        most_s = max(warmup.at_most, least_s)
        began = time.monotonic()
        readings: dict[str, list[tuple[float, float]]] = {build.name: [] for build in self._builds}
        while (elapsed := time.monotonic() - began) < most_s and self._alive():
            for build in self._builds:
                held = build.anonymous_bytes()
                if held is not None:
                    readings[build.name].append((elapsed, held))
            if self._becomes_gentle(readings.values()):
                least_s, most_s = elapsed + least_s, max(most_s, elapsed + least_s)
            if elapsed >= least_s and (self._gentle or all(map(has_settled, readings.values()))):
                break
            self._tick()
        for build in self._builds:
            build.load.rest()

    def _becomes_gentle(self, all_readings: Iterable[Sequence[tuple[float, float]]]) -> bool:
        """Whether load is gentle from now on; never where a stored baseline's requests are to be repeated."""
        plain = any(rises_plainly(readings) for readings in all_readings)
        if self._gentle or not plain or self._whole or self._stored is not None:
            return False
        self._gentle = True
        notice = f"memory rises plainly: {GENTLE_REQUESTS} requests a slot from now on, to keep quiescent points short"
        self._recorder.record(Notice(notice))
        return True

    def _tick(self) -> None:
        if not self._gentle:
            time.sleep(_TICK_S)
            return
        for build in self._builds:
            portion_s = _TICK_S / len(self._builds)
            build.load.let_through(portion_s, int(GENTLE_REQUESTS * _TICK_S / self._gate.slot))

    def _slots(self, corpus: str) -> None:
        for build in self._builds:
            build.record_count()
            build.record_types("before")
        deadline_s = self._deadline_s()
        self._until_certain(corpus, deadline_s)
        for build in self._builds:
            build.record_types("after")
            build.record_count()
        in_time = self._recorder.now_s() < deadline_s
        if self._gate.tracemalloc and in_time and self._alive() and self._verdict(corpus).outcome is LeakOutcome.LEAK:
            self._builds[0].record_sites()
        for build in self._builds:
            build.record_end()

    def _until_certain(self, corpus: str, deadline_s: float) -> None:
        """Slot after slot until a planned look has the answer, or time is up."""
        planned = planned_looks(self._scenario, self._stored)
        ends = {look.after_slots for look in planned}
        for number in range(1, planned[-1].after_slots + 1):
            if number > FEWEST_SLOTS and self._recorder.now_s() > deadline_s:
                self._recorder.record(GateTimeIsUp(float(number - 1), corpus=corpus))
                break
            for build in self._builds if number % 2 else reversed(self._builds):
                self._slot(build)
            if not self._alive() or (number in ends and self._decided(corpus, number)):
                break

    def _decided(self, corpus: str, slots_done: int) -> bool:
        """Whether a look has its answer, or the slots that were asked for are done and more would not give it."""
        verdict = self._verdict(corpus)
        if verdict.outcome is not LeakOutcome.UNKNOWN:
            return slots_done >= self._gate.slots or not self._whole
        return slots_done >= self._gate.slots and not verdict.more_would_settle

    def _deadline_s(self) -> float:
        """Returns when these slots must be over, from the start; every corpus and build has as long as one."""
        self._corpora_begun += 1
        return self._gate.at_most * self._corpora_begun * len(self._builds)

    def _verdict(self, corpus: str) -> LeakVerdict:
        return verdict_so_far(self._recorder.history(), self._scenario, corpus, self._stored)

    def _slot(self, build: Build) -> None:
        build.load.slot(gentle=self._gentle)
        build.quiescent_point()

    def _alive(self) -> bool:
        """Whether the builds and their load still run; raises EnvironmentProblem when the record was lost."""
        self._recorder.raise_if_lost()
        return all(build.alive() for build in self._builds)
