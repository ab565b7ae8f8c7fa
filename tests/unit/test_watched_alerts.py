"""What a scenario may say of alerting that others run, and what its record means."""

from __future__ import annotations

import pytest
from histories import ALERT, drill, plan
from pydantic import ValidationError

from leakdrill.judging.drill import judge_claims
from leakdrill.record.events import AlertSilenced, LeakSwitchOn, Notification
from leakdrill.scenario.alerts import Alerts

URL = "http://127.0.0.1:9090"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"prometheus": URL, "time_scale": 60}, "runs in production time; expected time_scale: 1, found 60"),
        ({"prometheus": URL, "rules": ["rules.yaml"]}, "rules and routing of its own"),
        ({"alertmanager": URL}, "together with the Prometheus"),
        ({"prometheus": "localhost:9090"}, "does not begin with http"),
        (
            {"prometheus": URL, "expect": [{"alert": "A", "fires_within": "1m", "receiver": "pager"}]},
            "a receiver can only be seen at the Alertmanager",
        ),
    ],
)
def test_what_cannot_be_asked_of_anothers_alerting(said, why):
    with pytest.raises(ValidationError, match=why):
        Alerts.model_validate(said)


def test_without_an_alertmanager_delivery_is_not_claimed():
    one = {"alert": "A", "fires_within": "1m"}
    assert not Alerts.model_validate({"prometheus": URL, "expect": [one]}).delivery_observable
    assert Alerts.model_validate({"prometheus": URL, "alertmanager": URL, "expect": [one]}).delivery_observable
    assert Alerts.model_validate({"rules": ["rules.yaml"], "expect": [one]}).delivery_observable


def told(record):
    (verdict,) = [v for v in judge_claims(record.history(), plan()) if v.check == "notification_arrives"]
    return verdict


def test_a_notification_seen_from_outside_says_how():
    record = drill().drop("alertmanager")
    record.sample(37, Notification("firing", receiver="pager", via="api", labels=ALERT))
    verdict = told(record)
    assert verdict.outcome == "PASS"
    assert "held by Alertmanager for the receiver pager" in verdict.message


def test_a_silence_is_named():
    verdict = told(drill().drop("alertmanager").sample(36, AlertSilenced("maintenance-1", labels=ALERT)))
    assert verdict.outcome == "FAIL"
    assert "a silence in Alertmanager mutes it (maintenance-1)" in verdict.message


@pytest.mark.parametrize("began_s", [15.01, 16.772679, 17.841004, 18.2, 19.137218, 23.107497])
def test_an_alert_that_had_its_whole_budget_and_did_not_fire_fails_wherever_the_leak_began(began_s):
    record = drill().drop("prometheus", "alert").drop("leak", "switch_on")
    record.act(LeakSwitchOn(leak="cache"), began_s, began_s + 0.04)
    (verdict,) = [v for v in judge_claims(record.history(), plan()) if v.check == "alert_fires_in_time"]
    assert (verdict.outcome, verdict.message) == ("FAIL", verdict.message)
    assert "had not fired 30 s after the leak began; budget 30 s" in verdict.message
