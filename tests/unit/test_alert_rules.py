"""Rules files are read with their places, scaled, and otherwise left as they are."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from leakdrill.alerting.rules import check_with_promtool, read_rules
from leakdrill.errors import BadInput
from leakdrill.runs.catalogue.catalogue import catalogue_root

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.alerting.rules import AlertRule

CATALOGUE = catalogue_root() / "rules"
RULES_FILES = sorted(
    path.stem for path in CATALOGUE.glob("*.yaml") if path.stem != "routing" and not path.stem.endswith("_test")
)
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

RULES = """\
groups:
  - name: g
    interval: 3s
    limit: 10
    rules:
      - alert: A
        expr: rate(a[5m]) > 1 and hour() > 3
        for: 5m
        keep_firing_for: 2m
        labels: {severity: warning}
        annotations: {summary: "over [5m] it's {{ $value }}"}
      - record: job:a
        expr: predict_linear(a[1h], 3600)
"""


def _written(tmp_path: Path, text: str, scale: float) -> tuple[str, list[str]]:
    source = tmp_path / "rules.yaml"
    source.write_text(text)
    done = read_rules([source]).write(tmp_path / "out", scale)
    return done.files[0].read_text(), done.remarks


def test_every_duration_of_a_file_is_divided(tmp_path: Path) -> None:
    """`for`, `keep_firing_for` and expressions are divided; limits, labels and annotations stay."""
    group = yaml.safe_load(_written(tmp_path, RULES, 60)[0])["groups"][0]
    alert, record = group["rules"]
    assert (alert["for"], alert["keep_firing_for"], group["limit"]) == ("5s", "2s", 10)
    assert alert["expr"] == "rate(a[5s]) > 1 and hour() > 3"
    assert alert["annotations"] == {"summary": "over [5m] it's {{ $value }}"}
    assert record == {"record": "job:a", "expr": "predict_linear(a[1m], 60)"}


def test_what_is_not_as_in_production_is_said(tmp_path: Path) -> None:
    """A clamped interval and an expression that cannot be scaled are each named with their rule or group."""
    interval, calendar = _written(tmp_path, RULES, 60)[1]
    assert interval.startswith("group g: its interval 3s divided by 60 is 50ms; evaluated every 100 ms instead")
    assert calendar == "rules.yaml: A: hour(): the calendar does not run faster in a rehearsal"


def test_scale_one_copies_the_file(tmp_path: Path) -> None:
    """Without a scale the file that Prometheus reads is the user's, byte for byte."""
    assert _written(tmp_path, RULES, 1) == (RULES, [])


def test_alerts_are_known_in_production_time(tmp_path: Path) -> None:
    """Each alerting rule has its name, labels, waits, group and line."""
    source = tmp_path / "rules.yaml"
    source.write_text(RULES)
    (alert,) = read_rules([source]).alerts
    assert (alert.name, dict(alert.labels), alert.group, alert.line) == ("A", {"severity": "warning"}, "g", 6)
    assert (alert.for_s, alert.keep_firing_for_s) == (300.0, 120.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("groups: [", ":1: not YAML"),
        ("[]", ":1: the file: found []; expected a mapping of keys to values"),
        ("rules: []", ":1: the file: has no groups"),
        ("groups: {}", ":1: groups: found {}; expected a list"),
        (RULES.replace("expr: rate(a[5m])", "expr: rate(a)"), ":7: groups[0].rules[0].expr: is not PromQL: "),
        (
            RULES.replace("expr: rate(a[5m])", "expr: rate(a[5m] smoothed)"),
            ":7: groups[0].rules[0].expr: uses `smoothed`",
        ),
        (
            RULES.replace("expr: rate(a[5m])", "expr: rate(a[5m + 1m])"),
            ":7: groups[0].rules[0].expr: uses ranges that are",
        ),
        (
            RULES.replace("expr: rate(a[5m])", "expr: a offset (5m)"),
            ":7: groups[0].rules[0].expr: uses offsets that are",
        ),
        (RULES.replace("for: 5m", "for: 5 minuets"), ':8: groups[0].rules[0].for: "5 minuets" is not a duration'),
        (RULES.replace("interval: 3s", "interval: x"), ':3: groups[0].interval: "x" is not a duration'),
        (RULES.replace("- alert: A", "- alrt: A"), ":6: groups[0].rules[0]: expected exactly one of alert and record"),
        ("groups:\n - name: g\n   rules:\n   - alert: A\n", ":4: groups[0].rules[0]: expr is missing"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str, says: str) -> None:
    """A file that cannot be used is refused with file, line, path, and what was expected."""
    source = tmp_path / "rules.yaml"
    source.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_rules([source])
    assert str(caught.value).startswith(f"{source}{says}")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A path that leads nowhere is the user's mistake."""
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_rules([tmp_path / "none.yaml"])


@needs_promtool
def test_promtool_has_the_last_word(tmp_path: Path) -> None:
    """What our reader lets pass and Prometheus refuses is refused with promtool's words."""
    source = tmp_path / "rules.yaml"
    source.write_text(RULES.replace("limit: 10", "lmit: 10"))
    with pytest.raises(BadInput, match="field lmit not found"):
        read_rules([source])


@needs_promtool
@pytest.mark.parametrize("name", RULES_FILES)
def test_the_catalogue_s_rules_are_clean(name: str) -> None:
    """Nothing in a rules file troubles promtool, and the unit tests that lie beside it pass."""
    assert check_with_promtool(CATALOGUE / f"{name}.yaml")
    command = ["promtool", "test", "rules", f"{name}_test.yaml"]
    done = subprocess.run(command, cwd=CATALOGUE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", RULES_FILES)
def test_every_alert_of_the_catalogue_is_tested(name: str) -> None:
    """Each alert has a case of its own in which it fires, at each of its levels."""
    asked = yaml.safe_load((CATALOGUE / f"{name}_test.yaml").read_text())["tests"]
    fires = {
        (ask["alertname"], alert["exp_labels"]["severity"])
        for test in asked
        for ask in test["alert_rule_test"]
        for alert in ask["exp_alerts"]
    }
    assert fires == {(alert.name, alert.labels["severity"]) for alert in _catalogue_alerts(name)}


@needs_promtool
@pytest.mark.parametrize("name", RULES_FILES)
def test_the_catalogue_s_rules_stay_valid_when_scaled(tmp_path: Path, name: str) -> None:
    """Divided by 60 the catalogue's rules are still rules, nothing in them resists, and every wait is shorter."""
    done = read_rules([CATALOGUE / f"{name}.yaml"]).write(tmp_path, 60)
    assert check_with_promtool(done.files[0])
    assert done.remarks == []
    scaled = read_rules(done.files).alerts
    assert [alert.for_s * 60 for alert in scaled] == [alert.for_s for alert in _catalogue_alerts(name)]


def test_long_ranges_are_divided_with_their_horizon(tmp_path: Path) -> None:
    """An hour of memory becomes a minute, and so does the hour predicted from it; so does an average's range."""
    trend, sustained = read_rules(read_rules([CATALOGUE / "trends.yaml"]).write(tmp_path, 60).files).alerts
    assert 'predict_linear(container_memory_usage_bytes{container!=""}[1m], 60)' in trend.expr
    assert "[5s])[30s:]) > 0.75" in sustained.expr
    assert "offset 30s" in sustained.expr


def _catalogue_alerts(name: str) -> tuple[AlertRule, ...]:
    return read_rules([CATALOGUE / f"{name}.yaml"]).alerts
