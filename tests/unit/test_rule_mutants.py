"""Small wrong changes to rules, and whether drills notice them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parents[1] / "sabotage"))

from tape import Tape

from leakdrill.alerting.rules import AlertRule, read_rules
from leakdrill.alerting.time_scale import parse
from leakdrill.cli.main import exit_code
from leakdrill.errors import BadInput
from leakdrill.mutation.accepted import read_accepted, with_accepted
from leakdrill.mutation.drill_record import StoredDrill
from leakdrill.mutation.mutants import Mutant, mutants_of
from leakdrill.mutation.score import Score, Tried, scores
from leakdrill.mutation.told import outcome, scores_as_json
from leakdrill.mutation.wrong_exprs import wrong_exprs
from leakdrill.record.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

ROOT = Path(__file__).parents[2]
ACCEPTED = ROOT / "tests" / "recorded" / "accepted_mutants.yaml"


def drills(*names: str) -> list[StoredDrill]:
    found = []
    for name in names:
        tape = Tape(name)
        assert tape.scenario is not None
        found.append(StoredDrill(name, tape.history(), tape.scenario))
    return found


def rule(expr: str = "x > 2", *, for_s: float = 0.0, **labels: str) -> AlertRule:
    return AlertRule(
        name="A", labels=labels, expr=expr, for_s=for_s, keep_firing_for_s=0.0, group="g", file=Path("r.yaml"), line=3
    )


def score(tried: Sequence[Tried], *, expecting: tuple[str, ...] = ("drill",)) -> Score:
    return Score(alert=rule(severity="warning"), tried=tuple(tried), drills=("drill",), expecting=expecting)


def tried(what: str = "threshold halved", *, noticed: str = "") -> Tried:
    return Tried(Mutant(0, what, rule(), "x > 1"), noticed)


@pytest.mark.parametrize(
    ("expr", "what", "wrong"),
    [
        ("x > 3", "comparison turned", "x < 3"),
        ("x > 3", "threshold doubled", "x > 6"),
        ("3 < x", "threshold halved", "1.5 < x"),
        ('x{a="b"} > 3', "label value mistyped", 'x{a="bx"} > 3'),
        ("rate(x[5m]) > 3", "rate and increase confused", "increase(x[5m]) > 3"),
        ("increase(x[5m]) > 3", "rate and increase confused", "rate(x[5m]) > 3"),
        ("rate(x[5m]) > 3", "range shorter than a scrape", "rate(x[1s]) > 3"),
        ("x > 3", "bool after the comparison", "x > bool 3"),
        ("sum by (pod) (x) > 3", "by dropped", "sum(x) > 3"),
        ("a / on (pod) group_left (q) b >= 3", "comparison turned", "a / on (pod) group_left (q) b <= 3"),
        ("a > on (pod) group_left () b", "comparison turned", "a < on (pod) group_left () b"),
    ],
)
def test_one_small_thing_is_wrong_at_a_time(expr: str, what: str, wrong: str) -> None:
    assert (what, parse(wrong).prettify()) in wrong_exprs(expr)


def test_each_place_is_changed_by_itself() -> None:
    turned = [expr for what, expr in wrong_exprs("x > 3 and y > 4") if what == "comparison turned"]
    assert turned == ["x < 3 and y > 4", "x > 3 and y < 4"]


def test_a_change_that_changes_nothing_is_no_mutant() -> None:
    assert not [what for what, _ in wrong_exprs("x > 0") if what.startswith("threshold")]


def test_for_and_severity_have_mutants_too() -> None:
    found = {one.what: one for one in mutants_of(0, rule(for_s=60.0, severity="critical"))}
    assert found["for four times as long"].alert.for_s == 240.0
    assert found["severity swapped"].alert.labels == {"severity": "warning"}
    assert not {"for four times as long", "severity swapped"} & {one.what for one in mutants_of(0, rule())}


@pytest.mark.long
@needs_promtool
def test_the_drills_hold_the_rules_that_they_expect() -> None:
    accepted = read_accepted(ACCEPTED)
    survivors, left = [], accepted
    for file, names in (("python-memory", ("sealed", "twin")), ("resource-exhaustion", ("cache", "disk", "replicas"))):
        rules = read_rules([ROOT / "scenarios" / "rules" / f"{file}.yaml"])
        found, unused = with_accepted(scores(rules, drills(*names)), accepted)
        left = [entry for entry in left if entry in unused]
        assert [one for one in found if one.expecting]
        survivors += [(file, one.title, t.mutant.what) for one in found if one.expecting for t in one.survivors]
    assert not survivors
    assert not left, "accepted, and noticed all the same"


@needs_promtool
def test_without_a_drill_that_expects_it_a_wrong_rule_survives() -> None:
    rules = read_rules([ROOT / "scenarios" / "rules" / "python-memory.yaml"])
    (found,) = scores(rules, drills("twin"))
    assert (found.drills, found.expecting) == (("twin",), ())
    assert "threshold doubled" in {one.mutant.what for one in found.survivors}
    noticed = {one.mutant.what: one.noticed for one in found.tried if one.noticed}
    assert noticed["bool after the comparison"] == "twin: it fires where nothing leaks"
    assert outcome([found]) == Outcome.UNKNOWN


def test_a_survivor_of_an_expected_rule_fails_and_an_accepted_one_does_not(tmp_path: Path) -> None:
    file = tmp_path / "accepted.yaml"
    file.write_text(
        "accepted:\n- {alert: A, mutant: threshold halved, kind: weak, reason: no twin, drill: a twin}\n"
        "- {alert: B, mutant: threshold halved, kind: equivalent, reason: none}\n"
    )
    survives = score([tried(), tried("threshold doubled", noticed="drill: late")])
    assert (survives.noticed, outcome([survives])) == (1, Outcome.FAIL)
    (told,), unused = with_accepted([survives], read_accepted(file))
    assert (told.noticed, outcome([told])) == (2, Outcome.PASS)
    assert told.tried[0].accepted == "weak: no twin; it takes a twin"
    assert [entry.alert for entry in unused] == ["B"]
    facts = scores_as_json([survives], unused)
    assert facts["rules"][0]["tried"][0]["takes"].startswith("a healthy twin")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{alert: A, mutant: m, kind: weak, reason: r}", "drill is missing"),
        ("{alert: A, mutant: m, kind: other, reason: r}", "expected equivalent or weak"),
        ("{alert: A, kind: equivalent, reason: r}", "mutant is missing"),
        ("{alert: A, mutant: m, kind: equivalent, reason: r, why: x}", "is not known here"),
    ],
)
def test_an_entry_without_its_reason_is_refused(tmp_path: Path, entry: str, message: str) -> None:
    file = tmp_path / "accepted.yaml"
    file.write_text(f"accepted:\n- {entry}\n")
    with pytest.raises(BadInput, match=message):
        read_accepted(file)


@needs_promtool
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no stored drill is named"),
        (["--runs", "{folder}/none"], "is no folder"),
        (["--runs", "{folder}"], "no stored drill is named"),
        (["--runs", "{folder}", "--scenarios", "x/y"], "no stored drill of x/y is named"),
        (["{folder}"], "is not a run folder"),
        (["{folder}", "--accept", "{folder}/none.yaml"], "none.yaml"),
    ],
)
def test_bad_input_is_one_message_and_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "x > 1"}]}]}))
    assert exit_code(["mutate", str(file), *(one.format(folder=tmp_path) for one in arguments)]) == 3
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
