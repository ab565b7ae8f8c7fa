"""Names are any text, through a whole plan: read, written for Prometheus, found again, recorded, judged, told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from histories import drill, plan
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as classic_families
from pydantic import ValidationError

from leakdrill.alerting.exporter import Exporter
from leakdrill.alerting.rules import read_rules
from leakdrill.judging.doubted import find_doubts
from leakdrill.judging.drill import judge_claims
from leakdrill.judging.evidence.detection_limit import meant
from leakdrill.printable import printable
from leakdrill.record.alerting_events import jobs_text
from leakdrill.record.event import event_line, read_event
from leakdrill.record.events import (
    AlertInhibited,
    AlertSilenced,
    AlertTransition,
    CgroupResources,
    MemoryThreshold,
    Notice,
    Notification,
    SelectorMatches,
)
from leakdrill.record.store import RunFolder
from leakdrill.record.verdict import Outcome
from leakdrill.reports.junit import junit_xml
from leakdrill.reports.markdown import markdown
from leakdrill.reports.openmetrics import openmetrics
from leakdrill.runs.drill.plan_check import check_plan
from leakdrill.scenario.alerts import AlertName, parse_alert_name
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.target import SeriesLabels
from leakdrill.targets.base.object_name import object_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leakdrill.record.history import Event

NAMES = [
    "JvmNon-heapMemoryFillingUp",
    "cart memory (high)",
    "k8s.pod.memory.high",
    'Disk "data" is {full}',
    "Disk {full}",
    "a{b=c}",
    '"in quotes"',
    "back\\slash \\d+ {{x}}",
    "two\nlines",
    "Speicher über 90 % \N{EM DASH} 内存 💧",
    "Memory: 90%, [urgent] = #1 & <now>",
    "-",
    "null",
    "1.10",
]
LABELS = {"severity": "warning", "k8s.pod.name": 'a, b="c" {d}\n', "receiver": "us", "via": "mail", "at": "night"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("labels", [{}, LABELS])
def test_what_is_told_of_an_alert_is_read_as_that_alert(name: str, labels: dict[str, str]) -> None:
    alert = AlertName(alert=name, labels=labels)
    assert parse_alert_name(str(alert)) == {"alert": name, "labels": labels}
    assert str(alert).isprintable()


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
odd_texts = st.text("ab \"\\{}=,\n\t'é", min_size=1, max_size=8)


@settings(max_examples=50, deadline=None)
@given(name=texts | odd_texts, labels=st.dictionaries(odd_texts, odd_texts | st.just(""), max_size=3))
def test_any_alert_is_read_again(name: str, labels: dict[str, str]) -> None:
    assert parse_alert_name(str(AlertName(alert=name, labels=labels))) == {"alert": name, "labels": labels}


@pytest.mark.parametrize("text", ["a{", "a}", "a{b}", "a{b=c}{d=e}", "{b=c}", 'a{b="c}', "", " "])
def test_what_is_no_alert_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no alert; expected Name or"):
        parse_alert_name(text)


@pytest.mark.parametrize(
    "event",
    [
        lambda labels: AlertTransition("firing", labels=labels, at=3.0),
        lambda labels: Notification("firing", receiver="pager", labels=labels),
        lambda labels: Notification("firing", receiver="pager", via="api", labels=labels),
        lambda labels: AlertInhibited("Other", by_severity="critical", labels=labels),
        lambda labels: AlertSilenced("1234", labels=labels),
    ],
)
@settings(max_examples=30, deadline=None)
@given(
    labels=st.dictionaries(
        texts | st.sampled_from(["receiver", "receiver_", "receiver__", "via", "via_", "at", "by_severity", "_", ""]),
        texts,
        max_size=6,
    )
)
def test_labels_of_an_alert_come_back_whatever_they_are_called(
    event: Callable[[dict[str, str]], Any], labels: dict[str, str]
) -> None:
    recorded = replace(event(labels), index=0)
    again = type(recorded).from_event(read_event(event_line(recorded.to_event()), "here"))
    assert again == recorded


@settings(max_examples=50, deadline=None)
@given(names=st.sets(texts | st.sampled_from(["a,b", "[", '["a"]', "kubelet", ","])))
def test_scrape_jobs_come_back_whatever_they_are_called(names: set[str]) -> None:
    event = SelectorMatches(1.0, jobs=jobs_text(names))
    assert set(event.job_names) == names


def test_labels_of_an_alert_are_not_taken_for_what_the_record_says_of_its_rule() -> None:
    alert = plan(alerts=_alerts("A", {"rule": "r1", "alert": "x", "severity": "page"})).alerts.expect[0]
    for severity, is_meant in (("page", True), ("", True), ("{{ $labels.severity }}", True), ("ticket", False)):
        assert meant(alert, MemoryThreshold(alert="A", severity=severity, rule="rules.yaml:3")) is is_meant


def _alerts(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "rules": ["rules.yml"],
        "expect": [{"alert": name, "labels": labels, "fires_within": "30s", "receiver": "pager"}],
        "may_fire": [{"alert": "other", "labels": labels}],
    }


@pytest.mark.parametrize("name", NAMES[2:10:2])
def test_a_drill_on_such_an_alert_passes_and_is_told_of(name: str) -> None:
    scenario = plan(name="Shop-v1.2/Cart_2", alerts=_alerts(name, LABELS))
    record = drill()
    record.events = [_renamed(event, {"alertname": name, **LABELS, "team.name": "x"}) for event in record.events]
    verdicts = judge_claims(record.history(), scenario)
    assert {v.outcome for v in verdicts} == {Outcome.PASS}, [v for v in verdicts if v.outcome != "PASS"]
    subject = str(scenario.alerts.expect[0])
    assert [v.subject for v in verdicts].count(subject) == 4

    suite = next(iter(JUnitXml.fromstring(junit_xml(verdicts, name=scenario.name).encode())))
    assert suite.name == scenario.name
    assert sum(f"[{printable(subject)}]" in case.name for case in suite) == 4
    assert "Shop-v1.2/Cart" in markdown(verdicts, name=scenario.name)
    samples = [
        sample
        for family in text_string_to_metric_families(openmetrics(verdicts, name=scenario.name))
        for sample in family.samples
    ]
    assert {s.labels["scenario"] for s in samples} == {scenario.name}
    assert sum(s.name == "leakdrill_severity" and s.labels["subject"] == printable(subject) for s in samples) == 4


def _renamed(event: Event, labels: dict[str, str]) -> Event:
    for kind in (AlertTransition, Notification):
        read = kind.read(event)
        if read is not None:
            return replace(read, labels=labels).to_event()
    return event


RULES = {
    "groups": [
        {
            "name": 'a "group" {1}',
            "rules": [
                {
                    "alert": name,
                    "expr": f"a{{b={json.dumps(name, ensure_ascii=False)}}} > {number}",
                    "for": "5m",
                    "labels": {"severity": "warning", "what": f'{number}, "é" {{a}}'},
                }
                for number, name in enumerate(NAMES)
            ],
        }
    ]
}


@pytest.mark.parametrize("scale", [1, 60])
def test_rules_of_such_names_are_written_as_they_are(scale: int, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(RULES, allow_unicode=True))
    read = read_rules([path])
    (written,) = read.write(tmp_path / "out", scale).files
    again = read_rules([written]).alerts
    assert [rule.name for rule in again] == NAMES
    assert [rule.labels for rule in again] == [rule.labels for rule in read.alerts]
    assert [rule.group for rule in again] == ['a "group" {1}'] * len(NAMES)


@pytest.mark.parametrize("in_short", [True, False])
def test_a_plan_finds_rules_of_such_names_wherever_it_names_them(in_short: bool, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES, allow_unicode=True))
    (tmp_path / "locustfile.py").touch()

    def named(name: str) -> Any:
        labels = {"severity": "warning", "what": f'{NAMES.index(name)}, "é" {{a}}'}
        return str(AlertName(alert=name, labels=labels)) if in_short else {"alert": name, "labels": labels}

    whole = [{"alert": name, "labels": {"severity": "warning"}} for name in NAMES]
    scenario = {
        "name": "Shop-v1.2",
        "target": {"name": "Shop v1.2 {é}", "command": ["true"]},
        "load": {"locustfile": "locustfile.py"},
        "alerts": {
            "rules": ["rules.yaml"],
            "time_scale": 60,
            "expect": [{**one, "fires_within": "20s"} for one in whole],
            "silent": whole,
            "may_fire": whole,
        },
        "steps": [{"name": name, "on": named(name), "gc": {}} for name in NAMES],
    }
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(scenario, allow_unicode=True))
    assert len(check_plan(path, read_scenario(path)).alerts) == len(NAMES)


@pytest.mark.parametrize("name", ["shop-v1.2", "Shop", "shop_cart/v2", "Team.Shop/Cart-2", "A", "1.10"])
def test_a_scenario_may_be_called_so(name: str, tmp_path: Path) -> None:
    assert plan(name=name).name == name
    run = RunFolder(tmp_path / name.replace("/", "-") / "20261127T000000Z").run_id
    assert set(run) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_drills_that_differ_in_capitals_or_dots_have_marks_of_their_own(tmp_path: Path) -> None:
    names = ("shop-v1-2", "shop-v1.2", "Shop-v1.2", "shop-v1_2", "SHOP-V1-2")
    assert len({RunFolder(tmp_path / name / "20261127T000000Z").run_id for name in names}) == len(names)


@pytest.mark.parametrize("name", [*NAMES, "Shop.v1", "x" * 300, "é", "a/../b"])
def test_engines_and_clusters_get_a_name_that_they_take(name: str) -> None:
    made = object_name(name)
    assert 0 < len(made) <= 63
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not made.startswith("-")
    assert not made.endswith("-")
    assert object_name("cart-2") == "cart-2"


def test_no_two_targets_get_one_name() -> None:
    names = [*NAMES, "Shop", "shop", "sh op", "sh-op", "x" * 300, "x" * 299]
    assert len({object_name(name) for name in names}) == len(names)


class Readings:
    started_at = 0.0

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        listener(CgroupResources(anon_bytes=1.0, usage_bytes=2.0).to_event())


@pytest.mark.parametrize("name", NAMES[3:9:5])
def test_a_target_of_such_a_name_is_published_under_it(name: str) -> None:
    exporter = Exporter(Readings(), labels={"container": name, "k8s.pod.name": name}, stale_after_s=60.0)
    exporter.start()
    try:
        page = httpx.get(f"http://{exporter.address}/metrics", trust_env=False).text
    finally:
        exporter.stop()
    (usage,) = [
        sample
        for family in classic_families(page)
        for sample in family.samples
        if sample.name == "container_memory_usage_bytes"
    ]
    assert usage.labels["container"] == name
    assert usage.labels["k8s_pod_name"] == name  # how Prometheus 2 reads it; Prometheus 3 is given it as it is


@pytest.mark.parametrize("label", ["", "__name__", "__address__"])
def test_a_label_that_prometheus_keeps_for_itself_is_refused(label: str) -> None:
    with pytest.raises(ValidationError, match="should match pattern"):
        SeriesLabels.model_validate({"container": {label: "x"}})
    for good in ("_", "_a", "a", "é", "k8s.pod.name", "a b"):
        assert SeriesLabels.model_validate({"container": {good: "x"}}).container == {good: "x"}


@pytest.mark.parametrize("name", ["the target has no cgroup of its own", "memory limit 9 is watched, not enforced: x"])
def test_a_remark_on_a_rule_is_not_taken_for_one_on_the_target(name: str) -> None:
    """What is told at the start of a drill begins with what it is about, and no name of the user's comes first."""
    without, limited = drill(), drill()
    without.drop("cgroup")
    for record in (without, limited.change("cgroup", "resources", _without_limit)):
        told = [doubt.text for doubt in find_doubts(record.history(), plan())]
        record.sample(2.0, Notice(f"rules.yaml: {name}: time(): ages are in rehearsal seconds"))
        assert [doubt.text for doubt in find_doubts(record.history(), plan())] == told
        assert told


def _without_limit(event: Event) -> dict[str, float]:
    values = event.value if isinstance(event.value, dict) else {}
    return {key: value for key, value in values.items() if key != "limit_bytes"}
