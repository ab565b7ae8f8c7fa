"""What is resident of the program's files stays so while it runs, and comes again after a start."""

from __future__ import annotations

from histories import MIB, Record, plan

from leakdrill.judging.evidence.resident_files import resident_file_doubts
from leakdrill.record.events import CgroupResources, ProcessTree, RunPhase, TargetReplicas, TargetRestart

FILES_MIB = 20


def _record(
    after_mib: float, *, anonymous_mib: float | None = None, mapped_mib: float = 200, processes: float = 1
) -> Record:
    """A service with so much of files in memory from 20 s on; of anonymous memory it has less by the same ratio."""
    after_anonymous_mib = 30 * after_mib / FILES_MIB if anonymous_mib is None else anonymous_mib
    record = Record()
    record.act(RunPhase(phase="baseline"), 0, 10)
    record.act(RunPhase(phase="recover"), 10, 40)
    for tick in range(400):
        t, late = tick / 10, tick >= 200
        files = after_mib if late else FILES_MIB
        anonymous = after_anonymous_mib if late else 30.0
        tree = ProcessTree(
            rss_bytes=(anonymous + files) * MIB,
            processes=processes if late else 1.0,
            virtual_bytes=(mapped_mib if late else 200.0) * MIB,
        )
        record.sample(t, tree).sample(t, CgroupResources(anon_bytes=anonymous * MIB))
    return record


def _texts(record: Record) -> list[str]:
    return [doubt.text for doubt in resident_file_doubts(record.history(), plan())]


def test_the_same_files_are_no_reason_for_doubt() -> None:
    assert _texts(_record(FILES_MIB)) == []


def test_less_of_them_is_in_doubt() -> None:
    assert _texts(_record(18)) == ["18 MiB of files were resident at 20 s; by the baseline it would be 20 MiB"]


def test_pages_of_files_that_the_kernel_took_back_are_no_reason_for_doubt() -> None:
    assert _texts(_record(6, anonymous_mib=30)) == []
    assert _texts(_record(6, anonymous_mib=24)) == []
    assert len(_texts(_record(6, anonymous_mib=18))) == 1


def test_files_that_are_no_longer_mapped_are_not_missed() -> None:
    assert _texts(_record(10, mapped_mib=190)) == []


def test_fewer_processes_have_fewer_files() -> None:
    assert _texts(_record(10, processes=0.0)) == []


def test_what_was_started_anew_has_them_at_the_end() -> None:
    record = _record(18.6)
    record.act(TargetRestart(), 19, 20)
    assert _texts(record) == []
    record = _record(10, mapped_mib=100)
    record.act(TargetRestart(), 19, 20)
    assert len(_texts(record)) == 1


def test_each_replica_has_them() -> None:
    record = _record(30, processes=3.0)
    assert _texts(record) == []
    assert len(_texts(record.sample(19, TargetReplicas(replicas=3.0)))) == 1


def test_a_program_that_maps_next_to_nothing_says_nothing() -> None:
    record = _record(0.1)
    record.change("process", "tree", lambda e: {**e.value, "rss_bytes": 31 * MIB} if e.t < 20 else e.value)
    assert _texts(record) == []
