"""Coverage: every instruction of a document has a drill or a reason, and what a scenario says it covers exists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from leakdrill.cli.main import exit_code
from leakdrill.errors import BadInput
from leakdrill.runs.catalogue.alert_coverage import action_of, alert_coverage, step_coverage
from leakdrill.runs.catalogue.catalogue import catalogue, catalogue_root, catalogue_rules
from leakdrill.runs.catalogue.coverage import problems, read_coverage
from leakdrill.runs.catalogue.coverage_table import print_coverage, print_drilled
from leakdrill.runs.catalogue.runbook_coverage import covered_by_runbooks
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.scenario import Scenario

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = """\
document: book
title: A book
instructions:
  - {id: book/restart, section: One, says: "if it leaks, restart it"}
  - {id: book/scale, section: Two, says: "if it is busy, scale it", not_drilled: needs Kubernetes}
"""


def scenario(name: str = "gateway/a", **changes: object) -> Scenario:
    plan = {"name": name, "target": {"name": "api", "command": ["x"]}, "load": {"locustfile": "l.py"}}
    return Scenario.model_validate({**plan, **changes})


def written(tmp_path: Path, text: str) -> list[Path]:
    path = tmp_path / "coverage.yaml"
    path.write_text(text)
    return [path]


@pytest.fixture(scope="module")
def scenarios() -> list[Scenario]:
    return [read_scenario(entry.path) for entry in catalogue()]


def test_an_instruction_has_the_drills_that_cover_it(tmp_path: Path) -> None:
    """A drill or a reason is enough; nothing is wrong then."""
    drills = [scenario("gateway/a", covers=["book/restart"]), scenario("gateway/b", covers=["book/restart"])]
    (book,) = read_coverage(written(tmp_path, DOCUMENT), drills)
    assert [one.drills for one in book.instructions] == [("gateway/a", "gateway/b"), ()]
    assert book.counts() == {"drilled": 1, "reason": 1, "open": 0, "in_runbooks": 0}
    assert problems([book], drills) == []


def test_an_instruction_with_neither_drill_nor_reason_is_wrong(tmp_path: Path) -> None:
    """It is named with its file, and with what is expected."""
    (book,) = read_coverage(written(tmp_path, DOCUMENT), [])
    (problem,) = problems([book], [])
    assert problem.startswith(f"{tmp_path / 'coverage.yaml'}: book/restart: has no drill; expected a scenario")


def test_what_a_runbook_rehearses_is_drilled_and_counted_by_itself(tmp_path: Path) -> None:
    """A rehearsal is a drill: an instruction that it alone carries out is not open."""
    runbooks = {"runbooks/memory": ["book/restart", "book/restrat"]}
    (book,) = read_coverage(written(tmp_path, DOCUMENT), [], runbooks)
    assert [(one.drills, one.runbooks) for one in book.instructions] == [((), ("runbooks/memory",)), ((), ())]
    assert book.counts() == {"drilled": 1, "reason": 1, "open": 0, "in_runbooks": 1}
    (unknown,) = problems([book], [], runbooks)
    assert unknown.startswith('runbooks/memory: covers: "book/restrat" is no instruction')


def test_the_catalogue_s_runbooks_cover_instructions_of_every_document_and_their_wrong_twins_none(
    scenarios: list[Scenario],
) -> None:
    """The wrong twin carries out something else than what is written."""
    runbooks = covered_by_runbooks()
    assert not [name for name in runbooks if name.endswith("-wrong")]
    documents = read_coverage(sorted(catalogue_root().glob("*/coverage.yaml")), scenarios, runbooks)
    assert [document.document for document in documents if not document.counts()["in_runbooks"]] == []
    assert [p for p in problems(documents, scenarios, runbooks) if "is no instruction" in p] == []


def test_an_id_that_no_document_has_and_one_that_stands_twice_are_wrong(tmp_path: Path) -> None:
    """A mistyped id would otherwise leave an instruction open and look like a drill of another."""
    drills = [scenario("gateway/a", covers=["book/restart", "book/restrat"])]
    (book,) = read_coverage(written(tmp_path, DOCUMENT.replace("book/scale", "book/restart")), drills)
    unknown, twice = problems([book], drills)
    assert unknown.startswith('gateway/a: covers: "book/restrat" is no instruction')
    assert twice.startswith("book/restart: stands twice")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (DOCUMENT.replace('says: "if it leaks, restart it"', "said: x"), ":4: instructions[0].said: is not a key"),
        (DOCUMENT.replace("section: One, ", ""), ":4: instructions[0]: section is missing; expected a text"),
        (DOCUMENT.replace("book/restart", "restart"), ':4: instructions[0].id: found "restart"; expected book/…'),
        (DOCUMENT.replace("needs Kubernetes", '" "'), ":5: instructions[1].not_drilled: found"),
        ("document: book\n", ":1: the file: title is missing; expected a text"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str, says: str) -> None:
    """A file that cannot be used is refused with file, line, place, and what was expected."""
    with pytest.raises(BadInput) as caught:
        read_coverage(written(tmp_path, text), [])
    assert str(caught.value).startswith(f"{tmp_path / 'coverage.yaml'}{says}")


@pytest.mark.parametrize("path", sorted(catalogue_root().glob("*/coverage.yaml")), ids=lambda path: path.parent.name)
def test_every_instruction_of_the_catalogue_has_a_drill_or_a_reason(path: Path, scenarios: list[Scenario]) -> None:
    """An operator who takes any sentence of the document finds the drill, or why there is none."""
    assert problems(read_coverage([path], scenarios), []) == []


def test_the_catalogue_s_scenarios_cover_what_exists(scenarios: list[Scenario]) -> None:
    """No scenario names an instruction that no document has."""
    documents = read_coverage(sorted(catalogue_root().glob("*/coverage.yaml")), scenarios)
    assert [p for p in problems(documents, scenarios) if "is no instruction" in p] == []


def test_an_alert_fires_where_it_is_expected_and_is_silent_where_it_would_fail_the_drill() -> None:
    """What may fire counts for neither; the twins among the silent are named by themselves."""
    rules = catalogue_root() / "rules" / "pipeline.yaml"
    alerts = {"rules": [rules]}
    expected = [{"alert": "HighMemoryUsage", "fires_within": "9s"}]
    leak = [{"name": "x", "per_request": "1KiB"}]
    drills = [
        scenario("p/leak", alerts={**alerts, "expect": expected}, leaks=leak),
        scenario("p/may", alerts={**alerts, "may_fire": [{"alert": "HighMemoryUsage"}]}, leaks=leak),
        scenario("p/twin", alerts=alerts),
        scenario("p/fast", alerts=alerts, leaks=leak),
        scenario("p/other", alerts={"rules": []}),
    ]
    (alert,) = alert_coverage([rules], drills)
    assert (alert.alert, alert.severity, alert.fires_in) == ("HighMemoryUsage", "warning", ("p/leak",))
    assert alert.silent_in == ("p/twin", "p/fast")
    assert alert.silent_in_twins == ("p/twin",)


def test_every_level_of_every_alert_fires_in_a_drill_and_stays_silent_in_a_twin(scenarios: list[Scenario]) -> None:
    """A level that no drill reaches could be mistyped, or lie beyond the kill, and nobody would know."""
    levels = alert_coverage(catalogue_rules(), scenarios)
    places = {f"{one.rules}: {one.alert} ({one.severity})": (one.fires_in, one.silent_in_twins) for one in levels}
    assert [level for level, (fires, _) in places.items() if not fires] == []
    assert [level for level, (_, silent) in places.items() if not silent] == []


def test_a_step_cures_or_must_not_or_only_looks() -> None:
    """The same action of one service is one line, whatever the step is called."""
    steps = [
        {"name": "a", "gc": {}, "seen": {"stays_within": "10%"}},
        {"name": "b", "http": {"path": "/admin/config?x=1", "body": {"batch_size": 1}}},
        {"name": "c", "exec": {"command": ["{python}", "{scenario_dir}/look.py", "x"]}, "seen": {"nothing": True}},
        {"name": "d", "exec": {"command": ["/bin/grep", "-E", "x"]}, "seen": {"nothing": True}},
        {"name": "e", "set_env": {"MODE": "safe"}},
    ]
    found = step_coverage([scenario("p/a", steps=steps), scenario("p/b", steps=[{"name": "gc", "gc": {}}])])
    assert [step.action for step in found] == [
        "exec grep", "exec look.py", "gc", "http /admin/config batch_size", "set_env MODE",
    ]  # fmt: skip
    collect = found[2]
    assert (collect.service, collect.cures_in, collect.cures_nothing_in) == ("p", ("p/b",), ("p/a",))
    assert found[0].looks_in == ("p/a",)


def test_every_action_has_words_of_its_own(scenarios: list[Scenario]) -> None:
    """Whatever a scenario of the catalogue does can be named in a line."""
    assert all(action_of(step) for one in scenarios for step in one.steps)


def test_a_person_sees_instructions_reasons_and_what_is_missing(tmp_path: Path, scenarios: list[Scenario]) -> None:
    """The tables name every instruction, with its drills or its reason, and every alert with its level."""
    console = Console(width=200, record=True, color_system=None)
    print_coverage(read_coverage(written(tmp_path, DOCUMENT), []), console)
    print_drilled(alert_coverage(catalogue_rules(), scenarios), step_coverage(scenarios), console)
    text = console.export_text()
    assert "book: A book: 2 instructions, 0 drilled, 1 with a reason, 1 with neither" in text
    assert "neither a drill nor a reason" in text
    assert "not drilled: needs Kubernetes" in text
    assert "HighMemoryUsage (emergency)" in text


def test_the_command_prints_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Documents, alerts, steps and problems; the exit code tells whether there are any problems."""
    code = exit_code(["scenarios", "--covers", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == bool(told["problems"])
    assert {"documents", "alerts", "steps", "problems"} <= told.keys()
    assert "GPUMemoryExhaustion" in {alert["alert"] for alert in told["alerts"]}
