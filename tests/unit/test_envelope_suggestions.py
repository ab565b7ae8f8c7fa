"""Other ways to write an alert: how they are written, and that none is suggested that fires without a leak."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from leakdrill.alerting.rules import AlertRule, Rules, read_rules
from leakdrill.cli.main import exit_code
from leakdrill.envelope.candidates import MOST_CANDIDATES, Candidate, candidates, with_less_room
from leakdrill.envelope.envelope import Envelope, FalseAlarm, Sight
from leakdrill.envelope.measure import measure
from leakdrill.envelope.rewriting import Rewrite, rewrite
from leakdrill.envelope.search import suggestions
from leakdrill.envelope.settings import Settings
from leakdrill.envelope.suggestion import Suggestion, best_of, costs, gains
from leakdrill.envelope.written_rule import rule_as_yaml

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

WORKING = 'container_memory_working_set_bytes{container="x"} / container_spec_memory_limit_bytes{container="x"}'
USAGE = WORKING.replace("working_set", "usage")
FEW = Settings(speeds=5, slowest_s=14400, only=frozenset({"steady"}))


def an_alert(expr: str = f"{WORKING} > 0.8", for_s: float = 300.0) -> AlertRule:
    return AlertRule(
        name="A", labels={}, expr=expr, for_s=for_s, keep_firing_for_s=0.0, group="g", file=Path("r.yaml"), line=1
    )


def rules_file(folder: Path, expr: str, more: str = "", wait: str = "5m") -> Path:
    file = folder / "rules.yaml"
    rule = f"      - alert: A\n        expr: {json.dumps(expr)}\n        for: {wait}\n{more}"
    file.write_text(f"groups:\n  - name: g\n    rules:\n{rule}", encoding="utf-8")
    return file


def an_envelope(*spares: float | None, alarms: tuple[str, ...] = (), shape: str = "steady") -> Envelope:
    """Leaks of 10, 20, … minutes with these times to spare."""
    sights = tuple(Sight(600.0 * (index + 1), spare_s) for index, spare_s in enumerate(spares))
    false = tuple(FalseAlarm(alarm, 60.0, 3600.0) for alarm in alarms)
    return Envelope(alert=an_alert(), sights={shape: sights}, false_alarms=false, resources=("memory",))


@pytest.mark.parametrize(
    ("expr", "wanted", "text", "changes"),
    [
        ("a / b > 0.8", Rewrite(nearer=0.9), "a / b > 0.72", ("threshold 0.8 to 0.72",)),
        ("0.8 < a", Rewrite(nearer=0.9), "0.72 < a", ("threshold 0.8 to 0.72",)),
        ("a * 100 > 80", Rewrite(nearer=0.9), "a * 100 > 72", ("threshold 80 to 72",)),
        ("free < 0.1", Rewrite(nearer=0.9), "free < 0.19", ("threshold 0.1 to 0.19",)),
        ("free < 10", Rewrite(nearer=0.9), "free < 19", ("threshold 10 to 19",)),
        ("free < 900", Rewrite(nearer=0.9), "free < 1000", ("threshold 900 to 1000",)),
        ("a > 8 * 1024 * 1024", Rewrite(nearer=0.5), "a > 4 * 1024 * 1024", ("threshold 8 to 4",)),
        ("a > on (p) 0.8 * b", Rewrite(nearer=0.9), "a > on (p) 0.72 * b", ("threshold 0.8 to 0.72",)),
        ("a > 0.8 and hour() > 8", Rewrite(nearer=0.5), "a > 0.4 and hour() > 8", ("threshold 0.8 to 0.4",)),
        ("topk(5, a) > bool 2", Rewrite(nearer=0.5), "topk(5, a) > bool 1", ("threshold 2 to 1",)),
        ("rate(a[5m] offset 1m) > 0", Rewrite(windows=0.5), "rate(a[2m30s] offset 1m) > 0",
         ("range 5 min to 2 min 30 s",)),
        ("rate(a[1m]) > 0", Rewrite(windows=0.25), "rate(a[1m]) > 0", ()),
        ("max_over_time(a[1h:1m]) > 0", Rewrite(windows=2), "max_over_time(a[2h:1m]) > 0", ("range 1 h to 2 h",)),
        ("predict_linear(a[1h], 3600) < 0", Rewrite(horizon=2), "predict_linear(a[1h], 7200) < 0",
         ("horizon 3600 to 7200",)),
        ("a == 0.8", Rewrite(nearer=0.9), "a == 0.8", ()),
        ("a > -3", Rewrite(nearer=0.9), "a > -3", ()),
        ('a{b="container_memory_usage_bytes > 0.8"} > 1', Rewrite(working_set=True, nearer=0.9),
         'a{b="container_memory_usage_bytes > 0.8"} > 0.9', ("threshold 1 to 0.9",)),
        ('container_memory_usage_bytes{a="\\"[5m]"} > 1', Rewrite(working_set=True),
         'container_memory_working_set_bytes{a="\\"[5m]"} > 1', ("working set in place of usage",)),
    ],
)  # fmt: skip
def test_numbers_and_names_of_the_tree_are_replaced_and_nothing_in_a_string(
    expr: str, wanted: Rewrite, text: str, changes: tuple[str, ...]
) -> None:
    rewritten = rewrite(expr, wanted, least_range_s=60)
    assert (" ".join(rewritten.expr.split()), rewritten.changes) == (text, changes)


@pytest.mark.parametrize("expr", [f"{USAGE} > 0.8", "predict_linear(node_filesystem_avail_bytes[6h], 4 * 3600) < 0"])
def test_at_most_forty_ways_are_tried_and_no_two_are_alike(expr: str) -> None:
    found = candidates(an_alert(expr), scrape_s=15)
    assert 5 < len(found) <= MOST_CANDIDATES
    assert len({(one.alert.expr, one.alert.for_s) for one in found}) == len(found)
    assert (expr, 300.0) not in {(one.alert.expr, one.alert.for_s) for one in found}
    assert all(one.changes for one in found)


def test_where_usage_is_alerted_on_only_the_working_set_is_tried() -> None:
    found = candidates(an_alert(f"{USAGE} > 0.8"), scrape_s=15)
    assert found[0].changes == ("working set in place of usage",)
    assert not any("usage" in one.alert.expr for one in found)


def test_less_room_is_a_threshold_three_per_cent_nearer_and_one_evaluation_less_to_wait() -> None:
    keener = with_less_room(Candidate(an_alert("a > 0.76"), ("x",)), evaluate_s=30)
    assert (keener.expr.split(), keener.for_s) == (["a", ">", "0.7372"], 270.0)
    assert with_less_room(Candidate(an_alert("a > 1", for_s=0.0), ("x",)), evaluate_s=30).for_s == 0
    own = replace(an_alert("a > 1"), interval_s=60.0)
    assert with_less_room(Candidate(own, ("x",)), evaluate_s=30).for_s == 240


def test_what_sees_more_and_loses_nothing_is_better() -> None:
    old, new = an_envelope(None, None, 600), an_envelope(None, 300, 900)
    assert gains(old, new) == ("from 20 min on, before 30 min", "15 min to spare at 30 min, before 10 min")
    assert gains(new, old) == gains(old, old) == ()


@pytest.mark.parametrize(
    "new",
    [
        an_envelope(60, 300, 900, alarms=("nightly job",)),
        replace(an_envelope(60, 300, 900), reason="promtool refuses it"),
        an_envelope(60, None, 900),
        an_envelope(60, 200, 900),
    ],
    ids=["fires for nothing", "has no envelope", "loses a leak", "leaves too little"],
)
def test_what_fires_without_a_leak_or_loses_one_is_never_better(new: Envelope) -> None:
    assert gains(an_envelope(None, 300, 600), new) == ()


def test_what_fires_before_the_leak_is_never_better() -> None:
    early = replace(an_envelope(), sights={"steady": (Sight(600.0, 900.0, is_early=True),)})
    assert gains(an_envelope(None), early) == ()


def test_less_time_is_no_loss_where_half_an_hour_is_left_and_it_is_told() -> None:
    old, new = an_envelope(None, 7200), an_envelope(60, 3600)
    assert gains(old, new) == ("from 10 min on, before 20 min",)
    assert costs(old, new) == ("less: 1 h to spare at 20 min, before 2 h",)


def test_the_best_comes_first_and_one_that_changes_as_much_for_less_is_left_out() -> None:
    def way(envelope: Envelope, *changes: str) -> Suggestion:
        return Suggestion(Candidate(an_alert(), changes), envelope, ("better",))

    little, much = way(an_envelope(None, 60, 600), "a"), way(an_envelope(60, 120, 900), "a", "b")
    worse = way(an_envelope(None, 60, 600), "c", "d")
    assert best_of([little, worse, much], most=5) == (much, little)
    assert best_of([little, much], most=1) == (much,)


@needs_promtool
def test_a_lower_threshold_that_fires_in_a_healthy_course_is_not_suggested(tmp_path: Path) -> None:
    """A nightly job takes 70 %: 0.66 would see far more than 0.95, and fires for nothing."""
    rules = read_rules([rules_file(tmp_path, f"{WORKING} > 0.95")])
    (alert,) = rules.alerts
    lowest = next(one for one in candidates(alert, scrape_s=15) if "threshold 0.95 to 0.66" in one.changes)
    silent = frozenset({"steady", "nightly job"})
    (would,) = measure(Rules(rules.sources, (lowest.alert,)), replace(FEW, only=silent), edges=False)
    assert [alarm.shape for alarm in would.false_alarms] == ["nightly job"]
    (found,) = suggestions(rules, measure(rules, FEW), FEW)
    assert found.best
    assert found.fire_for_nothing > 0
    assert found.tried == len(found.best) + found.fire_for_nothing + found.refused + found.see_no_more
    assert len(found.healthy) == 9
    again = Rules(rules.sources, tuple(one.candidate.alert for one in found.best))
    every = measure(again, replace(FEW, only=None))
    assert [one.false_alarms for one in every] == [()] * len(found.best)
    assert all(lowest.alert.expr != one.candidate.alert.expr for one in found.best)


@needs_promtool
def test_the_command_prints_rules_to_paste_with_all_that_the_author_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = (
        "        labels: {severity: warning, team: 007}\n        annotations:\n"
        "          text: |\n            one\n            two {{ $value }}\n"
    )
    file = rules_file(tmp_path, f"{USAGE} > 0.8", more)
    few = ["--speeds", "4", "--slowest", "4h", "--only", "steady", "--only", "page cache", "--suggest"]
    assert exit_code(["envelope", str(file), *few]) == 0
    printed = capsys.readouterr().out
    assert "ways to write it are better" in printed
    assert "  - alert: A\n    expr: container_memory_working_set_bytes" in printed
    assert exit_code(["envelope", str(file), *few, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["suggestions"]
    (rule,) = yaml.safe_load(told["better"][-1]["rule"])
    (was,) = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"][0]["rules"]
    assert {**rule, "expr": was["expr"], "for": was["for"]} == was
    assert list(rule) == list(was)
    assert "team: 007" in told["better"][-1]["rule"]
    assert told["tried"] <= MOST_CANDIDATES
    assert "silent in page cache" in told["better"][-1]["gains"]


@needs_promtool
def test_where_nothing_is_better_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = rules_file(tmp_path, "deriv(container_memory_working_set_bytes[5m]) > 1", wait="0s")
    few = ["--speeds", "2", "--slowest", "2h", "--only", "steady", "--suggest"]
    assert exit_code(["envelope", str(file), *few]) == 0
    assert "none of " in capsys.readouterr().out


def test_a_rule_gets_its_for_behind_its_expression_and_loses_it_where_nothing_is_waited_for(tmp_path: Path) -> None:
    more = "        labels: {severity: warning}\n"
    rules = read_rules([rules_file(tmp_path, "a > 1", more)])
    (alert,) = rules.alerts
    assert rule_as_yaml(rules, replace(alert, for_s=0.0)).splitlines()[1:3] == ["  expr: a > 1", "  labels:"]
    assert rule_as_yaml(rules, replace(alert, for_s=90.0)).splitlines()[1:3] == ["  expr: a > 1", "  for: 1m30s"]
    blanks = replace(alert, expr='a{b="two  blanks"}\n  > 1')
    assert yaml.safe_load(rule_as_yaml(rules, blanks))[0]["expr"] == 'a{b="two  blanks"}\n  > 1\n'
