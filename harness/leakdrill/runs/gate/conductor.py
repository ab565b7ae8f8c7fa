"""`leakdrill gate`: one build, or two in turn, under controlled load, slot after slot; then the judge.

    start ─ warm-up ─ slot, quiet point, slot, quiet point … (until a planned look is certain, or time is up) ─ stop

With two builds their slots alternate, first one ahead and then the other: whatever the machine does falls on both.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from leakdrill.errors import LeakdrillError
from leakdrill.judging.analyze import STORED_BASELINE, analyze
from leakdrill.judging.leak.gate import BASELINE, CANDIDATE, planned_looks, verdict_so_far
from leakdrill.judging.leak.looks import FEWEST_SLOTS, GENTLE_REQUESTS
from leakdrill.judging.leak.verdict import LeakOutcome
from leakdrill.machine.signals import interruptible, uninterruptible
from leakdrill.record.recorder import Recorder
from leakdrill.record.store import create_run, write_run_info
from leakdrill.reports.live import LiveView
from leakdrill.runs.drill.run import Finished, placed
from leakdrill.runs.gate.build import Build
from leakdrill.runs.gate.warmup import has_settled, rises_plainly
from leakdrill.runs.undo import clean_runs
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rich.console import Console

    from leakdrill.judging.leak.baseline_file import BaselineFile
    from leakdrill.judging.leak.verdict import LeakVerdict
    from leakdrill.record.verdict import Verdict
    from leakdrill.runs.gate.against import Against
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
) -> Finished:
    """Measure the service in `scenario_file` and judge it, `against` another build in turn, or a `stored` baseline.

    It runs `on` another platform than the scenario says, where that is given.

    A `whole` run does not end before the slots that were asked for: what is to become a baseline.

    Raises:
        BadInput: when the scenario cannot be used; nothing was started then.
    """
    scenario = placed(read_scenario(scenario_file), on)
    for problem in clean_runs(runs):
        console.print(f"left by an earlier drill: {problem}", markup=False)
    folder = create_run(runs, scenario.name)
    write_run_info(folder, scenario, scenario_file.resolve(), {}, kind="gate")
    recorder = Recorder(folder.history)
    builds = [
        Build(
            CANDIDATE, scenario, scenario_dir=scenario_file.resolve().parent,
            folder=folder.path, run_id=folder.run_id, recorder=recorder,
        )
    ]  # fmt: skip
    if against is not None:
        builds.append(
            Build(
                BASELINE, against.scenario, scenario_dir=against.scenario_dir,
                folder=folder.path / BASELINE, run_id=f"{folder.run_id}-b", recorder=recorder,
            )
        )  # fmt: skip
    if stored is not None:
        (folder.path / STORED_BASELINE).write_text(stored.model_dump_json(indent=1), encoding="utf-8")
    measured = _Measurement(scenario, builds, recorder, stored, whole=whole)
    error: LeakdrillError | None = None
    try:
        with LiveView(scenario, console) as view, interruptible():
            recorder.subscribe(view.see)
            measured.run()
    except LeakdrillError as e:
        error = e
    finally:
        recorder.close()
    return Finished(folder, scenario, analyze(folder), error, measured.leftovers)


def gate_service(scenario_file: Path, *, runs: Path, console: Console) -> list[Verdict]:
    """The verdicts on the service in `scenario_file`.

    Raises:
        LeakdrillError: when it could not be measured.
    """
    done = run_gate(scenario_file, runs=runs, console=console)
    if done.error is not None:
        raise done.error
    return done.verdicts


class _Measurement:
    """The phases of one gate run."""

    def __init__(
        self,
        scenario: Scenario,
        builds: Sequence[Build],
        recorder: Recorder,
        stored: BaselineFile | None,
        *,
        whole: bool,
    ) -> None:
        self._scenario = scenario
        self._stored = stored
        self._whole = whole
        self._gate = scenario.gate
        self._builds = builds
        self._recorder = recorder
        self._corpora_begun = 0
        self._gentle = False
        self.leftovers: list[str] = []

    def run(self) -> None:
        """Start, measure under each corpus, and take everything down whatever happened."""
        corpora = ("open", "closed") if self._gate.corpus == "both" else (self._gate.corpus,)
        try:
            with self._recorder.in_phase("setup"):
                for build in self._builds:
                    build.up()
            for corpus in corpora:
                self._measure(corpus)
        finally:
            with uninterruptible(), self._recorder.in_phase("teardown"):
                self.leftovers = [reason for build in reversed(self._builds) for reason in build.down()]

    def _measure(self, corpus: str) -> None:
        with self._recorder.in_phase("warmup"):
            for build in self._builds:
                build.start_load(corpus)
            self._warm_up()
        with self._recorder.in_phase("slots"):
            self._slots(corpus)
        for build in self._builds:
            build.stop_load()

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
                seen = build.anonymous_bytes()
                if seen is not None:
                    readings[build.name].append((elapsed, seen))
            if self._becomes_gentle(readings.values()):
                least_s, most_s = elapsed + least_s, max(most_s, elapsed + least_s)
            if elapsed >= least_s and (self._gentle or all(map(has_settled, readings.values()))):
                break
            self._tick()
        for build in self._builds:
            build.rest()

    def _becomes_gentle(self, all_readings: Iterable[Sequence[tuple[float, float]]]) -> bool:
        """Whether load is gentle from now on; never where a stored baseline's requests are to be repeated."""
        plain = any(rises_plainly(readings) for readings in all_readings)
        if self._gentle or not plain or self._whole or self._stored is not None:
            return False
        self._gentle = True
        notice = f"memory rises plainly: {GENTLE_REQUESTS} requests a slot from now on, to keep quiet points short"
        self._recorder.sample("drill", "notice", notice)
        return True

    def _tick(self) -> None:
        if not self._gentle:
            time.sleep(_TICK_S)
            return
        for build in self._builds:
            portion_s = _TICK_S / len(self._builds)
            build.let_through(portion_s, int(GENTLE_REQUESTS * _TICK_S / self._gate.slot))

    def _slots(self, corpus: str) -> None:
        for build in self._builds:
            build.note_types("before")
        deadline_s = self._deadline_s()
        self._until_certain(corpus, deadline_s)
        for build in self._builds:
            build.note_types("after")
        in_time = self._recorder.now_s() < deadline_s
        if self._gate.tracemalloc and in_time and self._alive() and self._verdict(corpus).word is LeakOutcome.LEAK:
            self._builds[0].note_sites()

    def _until_certain(self, corpus: str, deadline_s: float) -> None:
        """Slot after slot until a planned look has the answer, or time is up."""
        planned = planned_looks(self._scenario, self._stored)
        ends = {look.after_slots for look in planned}
        for number in range(1, planned[-1].after_slots + 1):
            if number > FEWEST_SLOTS and self._recorder.now_s() > deadline_s:
                self._recorder.sample("gate", "time_is_up", float(number - 1), corpus=corpus)
                break
            for build in self._builds if number % 2 else reversed(self._builds):
                self._slot(build)
            if not self._alive() or (number in ends and self._decided(corpus, number)):
                break

    def _decided(self, corpus: str, slots_done: int) -> bool:
        """Whether a look has its answer, or the slots that were asked for are done and more would not give it."""
        found = self._verdict(corpus)
        if found.word is not LeakOutcome.UNKNOWN:
            return slots_done >= self._gate.slots or not self._whole
        return slots_done >= self._gate.slots and not found.more_would_settle

    def _deadline_s(self) -> float:
        """When these slots must be over, in seconds since the start; every corpus and build has as long as one."""
        self._corpora_begun += 1
        return self._gate.at_most * self._corpora_begun * len(self._builds)

    def _verdict(self, corpus: str) -> LeakVerdict:
        return verdict_so_far(self._recorder.history(), self._scenario, corpus, self._stored)

    def _slot(self, build: Build) -> None:
        build.slot(gentle=self._gentle)
        build.quiet_point()

    def _alive(self) -> bool:
        return all(build.alive() for build in self._builds)
