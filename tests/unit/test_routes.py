"""By which routes an alert goes through Alertmanager's tree, and when the calendar mutes them."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakdrill.alerting.matchers import Matcher, matchers_of
from leakdrill.alerting.routed import RouteNotes
from leakdrill.alerting.routes import RouteTree
from leakdrill.alerting.routing import read_routing
from leakdrill.alerting.time_intervals import is_inside
from leakdrill.record.events import AlertRouted, Notice
from leakdrill.record.recorder import Recorder
from leakdrill.yaml_file import dump_yaml

if TYPE_CHECKING:
    from pathlib import Path

CONFIG: dict[str, Any] = {
    "route": {
        "receiver": "default",
        "group_wait": "1m",
        "routes": [
            {"receiver": "audit", "matchers": ['team=~"shop|cart"'], "continue": "true"},
            {
                "match": {"severity": "critical"},
                "group_wait": "5s",
                "routes": [
                    {"receiver": "pager", "match_re": {"team": "sh.*"}},
                    {"receiver": "night", "matchers": ['{env!="",zone!~"eu-.*"}'], "mute_time_intervals": ["nights"]},
                ],
            },
            {"receiver": "chat", "matchers": ["severity = warning"], "active_time_intervals": ["office"]},
        ],
    },
    "receivers": [{"name": "pager", "pagerduty_configs": [{}], "slack_configs": [{}]}, {"name": "default"}],
    "time_intervals": [
        {"name": "nights", "time_intervals": [{"times": [{"start_time": "22:00", "end_time": "24:00"}]}]},
        {"name": "office", "time_intervals": [{"weekdays": ["monday:friday"], "location": "Europe/Berlin"}]},
    ],
}

_PLAIN = {"routes": [{**CONFIG["route"]["routes"][0], "continue": True}, *CONFIG["route"]["routes"][1:]]}
"""`continue` as a truth value: what is read of a user's file keeps it as it was written, and is written back so."""


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({}, ["default"]),
        ({"severity": "critical"}, ["default"]),  # takes the route, which has no receiver of its own
        ({"severity": "critical", "team": "shop"}, ["audit", "pager"]),
        ({"severity": "critical", "team": "xshop"}, ["default"]),
        ({"severity": "warning", "team": "cart"}, ["audit", "chat"]),
        ({"team": "cart"}, ["audit"]),
        ({"severity": "critical", "env": "", "zone": "us-1"}, ["default"]),
        ({"severity": "critical", "env": "prod", "zone": "us-1"}, ["night"]),
        ({"severity": "critical", "env": "prod", "zone": "eu-1"}, ["default"]),
    ],
)
def test_an_alert_takes_the_first_route_that_it_meets_and_more_after_continue(labels, receivers):
    routes = RouteTree(CONFIG).routes_of(labels)
    assert [route.receiver for route in routes] == receivers


def test_alertmanagers_own_tool_leads_alerts_to_the_same_receivers(tmp_path):
    """What `amtool` says of a tree with what people write in one."""
    amtool = shutil.which("amtool")
    if amtool is None:
        pytest.skip("amtool is not on this machine")
    file = tmp_path / "alertmanager.yml"
    receivers = [{"name": name} for name in ("default", "audit", "pager", "night", "chat")]
    file.write_text(dump_yaml({**CONFIG, "route": {**CONFIG["route"], **_PLAIN}, "receivers": receivers}))
    for severity, team, env in [
        ("critical", "shop", ""),
        ("critical", "x", "prod"),
        ("warning", "shop", ""),
        ("", "x", ""),
    ]:
        labels = {"severity": severity, "team": team, "env": env}
        told = subprocess.run(
            [amtool, "config", "routes", "test", "--config.file", file, *(f"{k}={v}" for k, v in labels.items())],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        assert [route.receiver for route in RouteTree(CONFIG).routes_of(labels)] == told.split(","), labels


def test_waits_come_from_the_route_or_from_above_or_are_alertmanagers_own():
    (route,) = RouteTree(CONFIG).routes_of({"severity": "critical"})
    assert (route.group_wait_s, route.group_interval_s) == (5.0, 300.0)
    (chat,) = RouteTree(CONFIG).routes_of({"severity": "warning"})
    assert chat.group_wait_s == 60.0


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('severity="critical"', [("severity", "=", "critical")]),
        ("severity=critical", [("severity", "=", "critical")]),
        (' a = "b, c" ', [("a", "=", "b, c")]),
        ('{a="b",c!~"d|e",}', [("a", "=", "b"), ("c", "!~", "d|e")]),
        (r'"my label" =~ "say \"x\"\n"', [("my label", "=~", 'say "x"\n')]),
        ("a!=", [("a", "!=", "")]),
    ],
)
def test_conditions_are_read_as_people_write_them(written, read):
    assert matchers_of({"matchers": [written]}) == [Matcher(*one) for one in read]


@pytest.mark.parametrize("written", ["severity", '="x"', 'a=~"("', 'a="b" c="d'])
def test_what_is_no_condition_is_refused(written):
    with pytest.raises(ValueError, match=r"is no condition|unclosed|error|parse"):
        matchers_of({"matchers": [written]})


@given(st.text(min_size=1, max_size=20))
def test_a_value_in_quotes_is_read_as_it_was(value):
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    (matcher,) = matchers_of({"matchers": [f'a="{quoted}"']})
    assert matcher.matches({"a": value})


@pytest.mark.parametrize(
    ("entry", "moment", "inside"),
    [
        ({}, "2026-11-27 12:00", True),
        ({"times": [{"start_time": "09:00", "end_time": "17:00"}]}, "2026-11-27 09:00", True),
        ({"times": [{"start_time": "09:00", "end_time": "17:00"}]}, "2026-11-27 17:00", False),
        ({"times": [{"start_time": "22:00", "end_time": "24:00"}]}, "2026-11-27 23:59", True),
        ({"weekdays": ["monday:thursday"]}, "2026-11-27 12:00", False),  # a Friday
        ({"weekdays": ["Friday"]}, "2026-11-27 12:00", True),
        ({"weekdays": ["sunday"]}, "2026-11-29 12:00", True),
        ({"days_of_month": ["-3:-1"]}, "2026-11-28 12:00", True),
        ({"days_of_month": ["-3:-1"]}, "2026-11-27 12:00", False),
        ({"days_of_month": ["1:5", "27"]}, "2026-11-27 12:00", True),
        ({"months": ["november:december"]}, "2026-11-27 12:00", True),
        ({"months": ["1:3"]}, "2026-11-27 12:00", False),
        ({"years": ["2020:2025"]}, "2026-11-27 12:00", False),
        ({"weekdays": ["friday"], "months": ["may"]}, "2026-11-27 12:00", False),
        ({"weekdays": ["saturday"], "location": "Asia/Tokyo"}, "2026-11-27 20:00", True),
    ],
)
def test_a_moment_lies_in_an_interval_or_not(entry, moment, inside):
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert is_inside([entry], at) is inside
    assert not is_inside([], at)


@pytest.mark.parametrize("entry", [{"times": [{"start_time": "9"}]}, {"weekdays": ["someday"]}, {"location": "Mars/X"}])
def test_an_interval_that_makes_no_sense_is_refused(entry):
    with pytest.raises(ValueError, match=r"time interval|time zone|invalid literal|not enough values"):
        is_inside([entry], datetime(2026, 11, 27, tzinfo=UTC))


def test_a_route_is_muted_within_one_kind_of_interval_and_outside_of_the_other():
    tree, night = RouteTree(CONFIG), datetime(2026, 11, 28, 23, 0, tzinfo=UTC)
    assert tree.muted(("nights",), (), night) == "within the time interval nights"
    assert tree.muted((), ("office",), night) == "outside of the time interval office"
    assert not tree.muted((), ("nights",), night)
    assert not tree.muted(("office",), (), night)


def test_the_ways_of_a_receiver_are_told():
    tree = RouteTree(CONFIG)
    assert (tree.ways_of("pager"), tree.ways_of("default")) == (("pagerduty", "slack"), ())


def held(**labels):
    return {"fingerprint": "1", "labels": labels, "status": {"state": "active"}}


def test_each_route_of_an_alert_is_recorded_once_with_its_line(tmp_path: Path):
    file = tmp_path / "routing.yaml"
    file.write_text(
        "route:\n  receiver: chat\n  routes:\n  - receiver: pager\n    matchers: [severity=critical]\n"
        "    mute_time_intervals: [always]\nreceivers: [{name: chat}, {name: pager, webhook_configs: [{url: http://x}]}]\n"
        "time_intervals: [{name: always, time_intervals: [{years: ['2000:2999']}]}]\n"
    )
    routing = read_routing(file, scale=60, webhook_url="http://127.0.0.1:9/notify")
    assert "routing.yaml:6: mute_time_intervals: " in routing.remarks[0]
    assert routing.remarks[0].endswith("; at this moment it mutes the route (within the time interval always)")
    recorder = Recorder(tmp_path / "history.jsonl")
    notes = RouteNotes(routing.tree, recorder)
    for _ in range(3):
        notes.note(held(alertname="A", severity="critical"))
    recorder.close()
    (told,) = recorder.history().of(AlertRouted)
    assert (told.receiver, told.route, told.ways) == ("pager", "routing.yaml:4", "webhook")
    assert (told.muted, told.group_wait_s) == ("within the time interval always", 0.5)
    assert told.labels == {"alertname": "A", "severity": "critical"}


def test_a_tree_that_cannot_be_read_is_told_once(tmp_path: Path):
    recorder = Recorder(tmp_path / "history.jsonl")
    notes = RouteNotes(RouteTree({"route": {"receiver": "a", "routes": [{"matchers": ["?"]}]}}), recorder)
    notes.note(held(alertname="A"))
    notes.note(held(alertname="A"))
    recorder.close()
    (notice,) = recorder.history().of(Notice)
    assert "by which routes Alertmanager leads an alert cannot be told: ? is no condition" in notice.message
