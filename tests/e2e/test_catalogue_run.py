"""Many drills side by side: none undoes the other's, and Ctrl-C ends all of them without a trace."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from drill_runner import HERE, QUICK

from leakdrill.record.verdict import Outcome
from leakdrill.record.verdict_file import read_verdicts
from leakdrill.wait import wait_for
from terminal import on_a_terminal


@pytest.fixture
def calm(tmp_path):
    """Writes scenarios without a leak that take a few seconds: `calm("a")`."""

    def write(name: str, **phases: str) -> str:
        data = yaml.safe_load(QUICK.read_text())
        data |= {"name": f"test/{name}", "leaks": [], "steps": []}
        data["load"] |= {"locustfile": str((QUICK.parent / data["load"]["locustfile"]).resolve()), "rate": "16/s"}
        data["phases"] = {"warmup": "1s", "baseline": "3s", "load": "8s", "recover": "2s", **phases}
        data["alerts"] = {"rules": [str(HERE / "scenarios" / "rules.yaml")], "time_scale": 60}
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(data))
        return str(path)

    return write


@pytest.fixture
def catalogue_run(tmp_path):
    """Starts `leakdrill run` with several scenarios; one that still runs at the end is stopped."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "leakdrill", "run", *arguments, "--runs", str(tmp_path / "runs")]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)


@pytest.mark.long
def test_a_drill_that_begins_does_not_undo_one_that_runs(calm, catalogue_run, tmp_path):
    """Each drill cleans up after dead ones when it begins; the living beside it keep what is theirs."""
    names = [calm("long", load="14s"), calm("first"), calm("second")]
    process = catalogue_run(*names, "--jobs", "2", "--json", "--junit", str(tmp_path / "all.xml"))
    out, err = process.communicate(timeout=300)
    told = json.loads(out)
    assert [drill["scenario"] for drill in told["drills"]] == ["test/first", "test/long", "test/second"], err
    for drill in told["drills"]:
        record = Path(drill["record"])
        kept = [v for v in read_verdicts(record / "verdicts.json").verdicts if v.check == "target_keeps_running"]
        assert [v.outcome for v in kept] == [Outcome.PASS], drill
        assert '"name":"broken"' not in (record / "history.jsonl").read_text()
    assert process.returncode == told["exit_code"]
    assert (tmp_path / "all.xml").read_text().count("<testsuite ") == 3


def wait_for_load(runs, process):
    """Return when two drills are under load."""
    started = lambda: len(list(runs.glob("*/2*/load.csv"))) == 2  # noqa: E731 - said once, where it is used
    wait_for(lambda: started() or process.poll() is not None, what="load on two drills", timeout_s=120)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.long
def test_an_interrupt_ends_every_drill_and_undoes_everything(calm, catalogue_run, tmp_path, number):
    """The table says which were stopped, and the fixture of all drills finds nothing left on the machine."""
    process = catalogue_run(*(calm(name, load="300s") for name in ("one", "two", "three")), "--jobs", "2")
    wait_for_load(tmp_path / "runs", process)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, out + err
    assert out.count("was stopped before its end") >= 2
    assert "1 were not begun" in out
    assert "everything was undone" in err


@pytest.mark.long
def test_a_closed_terminal_ends_every_drill_and_undoes_everything(calm, tmp_path):
    """The terminal's end is SIGHUP for us alone: the drills run in sessions of their own, and would go on."""
    runs = tmp_path / "runs"
    drills = [calm(name, load="300s") for name in ("one", "two")]
    process = on_a_terminal([sys.executable, "-m", "leakdrill", "run", *drills, "--runs", str(runs)])
    try:
        wait_for_load(runs, process)
    finally:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 130, out
    assert len(list(runs.glob("*/2*/verdicts.json"))) == 2
