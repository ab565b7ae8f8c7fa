"""Which leaks an alert sees: courses, series and labels that are made, and what Prometheus' own engine says of them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from leakdrill.alerting.rules import read_rules
from leakdrill.cli.main import exit_code
from leakdrill.envelope.against import changes
from leakdrill.envelope.alert_plan import CannotBeMade, plan_of
from leakdrill.envelope.heat_map import short
from leakdrill.envelope.label_values import fitting_value
from leakdrill.envelope.leak_shapes import LEAK_SHAPES, Clock
from leakdrill.envelope.measure import measure
from leakdrill.envelope.notation import notation
from leakdrill.envelope.quantities import quantity_of
from leakdrill.envelope.requirement import Requirement, judge
from leakdrill.envelope.sentence import sees
from leakdrill.envelope.settings import Settings
from leakdrill.envelope.sheet import answers

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from leakdrill.envelope.envelope import Envelope

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

USAGE = 'container_memory_usage_bytes{container="x"} / container_spec_memory_limit_bytes{container="x"}'
WORKING = USAGE.replace("usage", "working_set")


def rules_file(folder: Path, *alerts: tuple[str, str], records: str = "") -> Path:
    """A file with an alert for each expression and `for`."""
    rules = "".join(
        f"      - {{alert: A{number}, expr: {json.dumps(expr)}, for: {wait}}}\n"
        for number, (expr, wait) in enumerate(alerts)
    )
    file = folder / "rules.yaml"
    file.write_text(f"groups:\n  - name: g\n    rules:\n{records}{rules}", encoding="utf-8")
    return file


def measured(folder: Path, *alerts: tuple[str, str], records: str = "", fastest: float = 120, slowest: float = 7200,
             speeds: int = 5, only: AbstractSet[str] = frozenset({"steady"})) -> list[Envelope]:  # fmt: skip
    settings = Settings(fastest_s=fastest, slowest_s=slowest, speeds=speeds, only=frozenset(only))
    return measure(read_rules([rules_file(folder, *alerts, records=records)]), settings)


def reason_of(folder: Path, expr: str) -> str:
    rules = read_rules([rules_file(folder, (expr, "0s"))])
    with pytest.raises(CannotBeMade) as caught:
        plan_of(rules.alerts[0], rules)
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1, 1, 1], "1+0x2"),
        ([1, 2, 3, 3, 3], "1+1x2 3+0x1"),
        ([3, 2, 1], "3-1x2"),
        ([np.nan, np.nan, 5], "_x2 5+0x0"),
        ([5, 5, np.nan], "5+0x1 stale"),
        ([5, np.nan, np.nan, np.nan, 7], "5+0x0 stale _x2 7+0x0"),
    ],
)
def test_values_are_written_as_straight_lines_with_gaps_and_an_end(values: list[float], text: str) -> None:
    assert notation(np.array(values)) == text


@pytest.mark.parametrize(
    ("conditions", "usual", "value"),
    [
        ([("=", "x")], "app", "x"),
        ([("!=", "")], "app", "app"),
        ([("!=", ""), ("!=", "POD")], "app", "app"),
        ([("=~", "api-.+")], "app", "api-app"),
        ([("=~", "a|b"), ("!=", "a")], "app", "b"),
        ([("=~", "/var/lib/[^/]+")], "/", "/var/lib/app"),
        ([("=~", r"node-\d+")], "n", "node-1"),
        ([("=~", "(prod|stage)-db[0-9]{2}")], "n", "prod-db00"),
        ([("!~", "app|x|a|1")], "app", "node-1"),
        ([("=", "")], "app", ""),
        ([("=", "a"), ("=", "b")], "app", None),
        ([("=~", "(")], "app", None),
    ],
)
def test_a_value_meets_every_condition_or_there_is_none(
    conditions: list[tuple[str, str]], usual: str, value: str | None
) -> None:
    assert fitting_value(conditions, usual) == value


@pytest.mark.parametrize(
    "name", ["http_requests_total", "node_disk_read_bytes_total", "memory_errors", "queue_size", "jvm_threads_state"]
)
def test_what_a_name_does_not_say_is_not_guessed(name: str) -> None:
    assert quantity_of(name, {}) is None


@pytest.mark.parametrize("shape", list(LEAK_SHAPES))
def test_every_leak_ends_at_its_limit(shape: str) -> None:
    course = LEAK_SHAPES[shape](Clock(scrape_s=15, quiet_s=600, takes_s=1800, baseline=0.35))
    leaking = course.replicas[-1 if shape == "deployments" else 0]
    assert leaking.used[round(course.kills_s[-1] / 15) - 1] > 0.9
    assert not leaking.up[-1]
    assert course.kills_s[-1] == course.ends_s


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ("rate(http_requests_total[5m]) > 3", "http_requests_total"),
        ("up == 0", "watches no memory"),
        ('container_memory_rss{container="a",container="b"} > 1', "meets its conditions"),
        ("container_memory_rss > 5 * own_budget_of_the_team", "own_budget_of_the_team"),
        ("deriv(container_memory_rss[5d]) > 1", "looks back 5 d"),
    ],
)
def test_an_alert_that_cannot_be_played_is_named_with_the_reason(tmp_path: Path, expr: str, text: str) -> None:
    assert text in reason_of(tmp_path, expr)


@needs_promtool
def test_a_threshold_is_seen_as_the_arithmetic_says(tmp_path: Path) -> None:
    """From 35 % to the kill, 90 % is passed when 15 % of the room is left: five minutes of it need 33 min and more."""
    (found,) = measured(tmp_path, (f"{WORKING} > 0.9", "5m"), only={"steady", "page cache"})
    seen = [sight for sight in found.steady if sight.is_seen]
    left = (1 - 0.9) / (1 - 0.35)
    assert seen[0].takes_s * left == pytest.approx(300, abs=60)
    for sight in seen:
        assert sight.spare_s == pytest.approx(sight.takes_s * left - 300, abs=2 * sight.within_s)
    assert "35 %" in sees(found, 0.35)
    assert not any(alarm.shape == "page cache" for alarm in found.false_alarms)


@needs_promtool
def test_usage_is_deceived_by_page_cache_and_the_working_set_is_not(tmp_path: Path) -> None:
    usage, working = measured(tmp_path, (f"{USAGE} > 0.8", "5m"), (f"{WORKING} > 0.8", "5m"),
                              only={"beside page cache", "page cache", "cache fills"})  # fmt: skip
    assert [alarm.shape for alarm in usage.false_alarms] == ["page cache"]
    assert all(sight.is_early for sight in usage.sights["beside page cache"])
    assert working.false_alarms == ()
    assert not any(sight.is_early for sight in working.sights["beside page cache"])


@needs_promtool
def test_no_alert_fires_for_a_service_that_is_dead(tmp_path: Path) -> None:
    """Without a staleness marker Prometheus sees the last value for five minutes more, and `for: 3m` would be over."""
    (found,) = measured(tmp_path, (f"{WORKING} > 0.8", "3m"), slowest=240, speeds=2)
    assert [sight.spare_s for sight in found.steady] == [None, None]


@needs_promtool
def test_an_alert_that_fires_at_the_baseline_is_early_at_every_speed(tmp_path: Path) -> None:
    """Slow leaks are evaluated seldom; their quiet time is long enough all the same for `for` to be over."""
    (found,) = measured(tmp_path, (f"{WORKING} > 0.3", "2m"), fastest=3600, slowest=2_419_200, speeds=3)
    assert all(sight.is_early for sight in found.steady)


@needs_promtool
def test_a_recording_rule_is_evaluated_too(tmp_path: Path) -> None:
    record = f"      - {{record: 'own:share', expr: {json.dumps(WORKING)}}}\n"
    direct, recorded = measured(tmp_path, (f"{WORKING} > 0.8", "1m"), ("own:share > 0.8", "1m"), records=record)
    assert [sight.is_seen for sight in direct.steady] == [sight.is_seen for sight in recorded.steady]
    assert any(sight.is_seen for sight in recorded.steady)


@needs_promtool
@pytest.mark.parametrize(
    "expr",
    [
        """sum by (pod) (container_memory_working_set_bytes{container!=""})
        / on (pod) group_left () sum by (pod) (kube_pod_container_resource_limits{resource="memory"}) > 0.8""",
        "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes > 0.8",
        '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) > 0.8',
        'node_filesystem_avail_bytes{mountpoint=~"/data/.+"} / node_filesystem_size_bytes < 0.2',
        "process_open_fds / process_max_fds > 0.8",
        "DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE) > 0.8",
        "predict_linear(container_memory_rss[30m], 600) > container_spec_memory_limit_bytes",
        "rate(container_cpu_usage_seconds_total[5m]) > ignoring (cpu) (container_spec_cpu_quota * 8e-6)",
        'jvm_memory_used_bytes{area="heap"} / jvm_memory_max_bytes{area="heap"} > 0.8',
    ],
)
def test_rules_as_people_write_them_see_a_slow_leak(tmp_path: Path, expr: str) -> None:
    """Both sides of a division get labels that agree, counters count, and there is history to look back at."""
    (found,) = measured(tmp_path, (expr, "1m"), fastest=7200, speeds=1)
    assert found.reason == ""
    assert [sight.is_seen for sight in found.steady] == [True], found


@needs_promtool
def test_restarts_are_seen_after_the_kills_only(tmp_path: Path) -> None:
    (found,) = measured(tmp_path, ("increase(kube_pod_container_status_restarts_total[15m]) > 1", "0s"), slowest=300,
                        speeds=2, only={"steady", "crash loop"})  # fmt: skip
    assert all(sight.spare_s is None for sight in found.steady)
    assert all(sight.kills_before >= 2 for sight in found.sights["crash loop"])


@needs_promtool
def test_a_rule_that_the_engine_refuses_takes_no_other_with_it(tmp_path: Path) -> None:
    """The three replicas become one series with one set of labels, which an alert may not have twice."""
    twice = "label_replace(container_memory_rss, 'id', 'x', '', '') > 1"
    same = "label_replace(sum by (pod) (container_memory_rss), 'pod', 'same', '', '') > 1"
    found = measured(tmp_path, (same, "0s"), (twice, "0s"), slowest=300, speeds=2, only={"steady", "one of three"})
    assert "same labelset" in found[0].reason
    assert found[1].reason == ""


@needs_promtool
def test_what_is_required_passes_fails_and_is_unknown(tmp_path: Path) -> None:
    found = measured(tmp_path, (f"{USAGE} > 0.8", "5m"), slowest=14400, only={"steady", "page cache"})
    outcomes = [
        [str(one.outcome) for one in judge(found, required)]
        for required in (
            Requirement(must_see_s=3000, spare_s=60),
            Requirement(must_see_s=3000, spare_s=36000),
            Requirement(must_see_s=120),
            Requirement(must_see_s=1e9),
            Requirement(no_false_alarms=True),
        )
    ]
    assert outcomes == [["PASS"], ["FAIL"], ["FAIL"], ["UNKNOWN"], ["FAIL"]]
    assert [str(one.outcome) for one in judge([], Requirement(must_see_s=60))] == ["UNKNOWN"]


@needs_promtool
def test_the_command_prints_a_map_of_80_columns_json_and_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    file = str(rules_file(tmp_path, (f"{USAGE} > 0.8", "5m"), ("rate(http_requests_total[5m]) > 3", "5m")))
    few = ["--speeds", "3", "--slowest", "2h", "--only", "steady"]
    assert exit_code(["envelope", file, *few]) == 0
    printed = capsys.readouterr().out
    assert "--" in printed
    assert "1 of 2 alerts have no envelope" in printed
    assert "no healthy course was tried" in printed
    assert " 1 core," in " ".join(printed.split())
    assert exit_code(["envelope", file, *few, "--must-see", "2m"]) == 1
    capsys.readouterr()
    assert exit_code(["envelope", file, *few, "--must-see", "1h", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    page = tmp_path / "page.html"
    assert exit_code(["envelope", file, *few, "--against", file, "--html", str(page)]) == 0
    html = page.read_text(encoding="utf-8")
    assert '<td class="blind"><span aria-hidden="true">✗</span><span class="unseen">blind</span></td>' in html
    assert '<td class="enough">' in html
    assert "http_requests_total" in html
    assert "A0: sees what it saw" in capsys.readouterr().out
    assert told["alerts"][0]["leaks"]["steady"][0]["spare_s"] is None
    assert [one["outcome"] for one in told["verdicts"]] == ["PASS"]


@needs_promtool
def test_against_older_rules_it_says_what_was_won_and_lost(tmp_path: Path) -> None:
    """Working set for usage, and a shorter wait: less is false, more is seen; a longer wait loses that."""
    shapes = {"steady", "page cache"}
    old, new = (
        measured(tmp_path, (expr, wait), only=shapes)
        for expr, wait in ((f"{USAGE} > 0.8", "15m"), (f"{WORKING} > 0.8", "1m"))
    )
    (better,), (worse,), (same,) = changes(old, new), changes(new, old), changes(new, new)
    assert better.lost == worse.won == same.won == same.lost == ()
    assert any("silent in page cache" in text for text in better.won)
    assert any(text.startswith("sees leaks from") for text in worse.lost)
    assert [str(one) for one in changes(old, [])] == ["A0: lost: it is gone"]
    assert [str(one) for one in changes([], new)] == ["A0: won: it is new"]


@pytest.mark.parametrize(
    "options",
    [
        ["--limit", "much"],
        ["--limit", "soup=3"],
        ["--limit", "descriptors=none"],
        ["--baseline", "100%"],
        ["--fastest", "2d", "--slowest", "1d"],
        ["--slowest", "9000w"],
        ["--speeds", "0"],
        ["--scrape", "0s"],
        ["--scrape", "5m"],
        ["--spare", "5m"],
        ["--must-see", "soon"],
        ["--only", "slow"],
    ],
)
def test_options_that_mean_nothing_are_refused(
    options: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = str(rules_file(tmp_path, (f"{USAGE} > 0.8", "5m")))
    assert exit_code(["envelope", file, *options]) == 3
    assert options[0] in capsys.readouterr().err


def test_answers_are_read_from_what_promtool_prints() -> None:
    output = (
        '        got: {leakdrill_question="7|first", leakdrill_rule="0"} 1.98E+03\n'
        '        got: {leakdrill_question="7|count", leakdrill_rule="0"} 3E+00, '
        '{leakdrill_question="7|count", leakdrill_rule="1"} 2E+00\n'
        '        got: {leakdrill_question="7|ran"} 1E+00\n'
    )
    firings, ran = answers(output)
    assert {key: (one.first_s, one.evaluations) for key, one in firings.items()} == {("7", "0"): (1980.0, 3)}
    assert ran == {"7"}


@pytest.mark.parametrize(("seconds", "text"), [(45, "45s"), (119, "119s"), (240, "4m"), (7200, "2h"), (1e6, "11d")])
def test_a_cell_holds_a_duration_in_few_characters(seconds: float, text: str) -> None:
    assert short(seconds) == text
