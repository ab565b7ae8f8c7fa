"""How the rows of the tables of checks are made: names, sentences, and when each is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import drill, plan, twin, twin_plan
from test_watch_checks import plan as watch_plan

from leakdrill.judging.checks.alerts import for_each_alert
from leakdrill.judging.checks.return_to_baseline import RETURNS, STAYS, resource_returns, resource_stays
from leakdrill.judging.evidence.check import always, where
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.leak import gate
from leakdrill.judging.watch import judge as watch_judge
from leakdrill.record.history import History

NOTHING = History([])
SCENARIO = plan()
HELD = Claim("pigs_do_not_fly", "pig").holds("none flew")


def says(history, *, scenario):
    assert (history, scenario) == (NOTHING, SCENARIO)
    return HELD


def test_a_claim_that_is_always_made_has_its_name_its_sentence_and_its_judge():
    row = always("pigs_do_not_fly", "No pig flies.", says)
    ((claim, judge),) = row.cases(NOTHING, SCENARIO)
    assert (dict(row.claims), claim, judge()) == ({"pigs_do_not_fly": "No pig flies."}, Claim("pigs_do_not_fly"), HELD)


def test_a_claim_is_made_where_it_applies():
    asked = []
    row = where(lambda *of: asked.append(of) or len(asked) > 1, "a", "B.", says)
    assert [len(list(row.cases(NOTHING, SCENARIO))) for _ in "12"] == [0, 1]
    assert asked == [(NOTHING, SCENARIO)] * 2


def test_a_claim_about_alerts_is_made_of_each_where_it_applies():
    seen = []
    row = for_each_alert(
        lambda *of: of == (NOTHING, SCENARIO), "a", "B.", lambda history, **of: seen.append((history, of)) or HELD
    )
    (alert,) = SCENARIO.alerts.expect
    ((claim, judge),) = row.cases(NOTHING, SCENARIO)
    assert (dict(row.claims), claim, judge()) == ({"a": "B."}, Claim("a", "HighMemoryUsage"), HELD)
    assert seen == [(NOTHING, {"alert": alert, "scenario": SCENARIO})]
    assert list(row.cases(drill().history(), SCENARIO)) == []


@pytest.mark.parametrize(("kept", "made"), [(RETURNS, resource_returns), (STAYS, resource_stays)])
def test_a_claim_about_resources_is_made_of_each_that_leaks_or_of_a_twins(kept, made):
    seen = []
    row = made(("memory", "disk", "cpu", "threads"), lambda history, **of: seen.append((history, of)) or HELD)
    assert all(kept.claims[claim] == sentence for claim, sentence in row.claims.items())
    assert len(row.claims) == 4
    for record, scenario in ((drill(), SCENARIO), (twin(), twin_plan())):
        history = record.history()
        cases = list(row.cases(history, scenario))
        assert [c.claim for c in cases] == [
            c.claim for c in kept.cases(history, scenario) if c.claim.check in row.claims
        ]
        assert [c.judge() for c in cases] == [HELD] * len(cases)
        assert [(h, of["scenario"], of["name"]) for h, of in seen] == [(history, scenario, "memory")] * len(cases)
        seen.clear()


def test_a_claim_of_the_gate_is_made_always():
    row = gate._always("a", "B.", lambda history: replace(HELD, message=str(history is NOTHING)))
    ((claim, judge),) = row.cases(NOTHING, None)
    assert (dict(row.claims), claim, judge().message) == ({"a": "B."}, Claim("a"), "True")


def test_a_claim_of_watch_is_made_where_it_applies():
    seen, asked = [], watch_plan()
    (row,) = watch_judge._where(
        lambda of: of is asked, "a", "B.", lambda history, **of: seen.append((history, of)) or HELD
    )
    ((claim, judge),) = row.cases(NOTHING, asked)
    assert (dict(row.claims), claim, judge()) == ({"a": "B."}, Claim("a"), HELD)
    assert seen == [(NOTHING, {"plan": asked})]
    assert row.cases(NOTHING, watch_plan(limit_bytes=3)) == []
