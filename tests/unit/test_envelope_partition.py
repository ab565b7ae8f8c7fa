"""Courses that are played side by side: each alert does in each what it does when that is played alone."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from leakdrill.envelope.partition import parted, parted_groups
from leakdrill.envelope.promtool import play
from leakdrill.envelope.sheet import Play, Sheet

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

EXPRS = (
    "used > 60",
    "sum(used) > 90",
    "sum by (pod) (used) > 60",
    "sum without (pod) (used) > 90",
    "count(used > 40) > 1",
    "topk(1, used) > 60",
    "used / on (pod) limit > 0.6",
    "used / on (pod) group_left (node) limit > bool 0.6 == 1",
    "limit * on (pod) group_right () used > 6000",
    "sum(used) / on () sum(limit) > 0.5",
    "used / ignoring (x) limit > 0.6",
    "used > 60 and on (pod) limit > 0",
    "used > 60 unless on (node) limit < 0",
    "used > 60 or on (pod) used > 50",
    "predict_linear(used[5m], 600) > 100",
    "max_over_time(sum(used)[5m:1m]) > 90",
    "share > 0.6",
    "time() - timestamp(used) >= 0 and used > 70",
    "quantile(0.9, used) > 60",
    'count_values("at", used) > 1',
    'label_replace(used, "pod", "same$1", "pod", "(.*)") > 60',
)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ("sum(a) > 1", "sum by (leakdrill_play) (a) > 1"),
        ("topk by (x) (3, a)", "topk by (leakdrill_play, x) (3, a)"),
        ("sum without (x) (a)", "sum without (x) (a)"),
        ("a / on (x) group_left (y) b", "(a) / on (leakdrill_play, x) group_left (y) (b)"),
        ("a and on () b > bool 3", "(a) and on (leakdrill_play) (b > bool 3)"),
        ("a / ignoring (x) b", "a / ignoring (x) b"),
        ("absent(a)", None),
        ("a and on () hour() > 3", None),
        ("b > scalar(a)", None),
        ("a > vector(1)", None),
        ("a @ end() > 1", None),
    ],
)
def test_the_label_is_added_where_labels_are_named_or_dropped(expr: str, text: str | None) -> None:
    found = parted(expr)
    assert (None if found is None else " ".join(found.split())) == text


def test_rules_of_which_one_cannot_be_parted_are_not() -> None:
    assert parted_groups([{"name": "g", "rules": [{"expr": "a"}, {"expr": "absent(a)"}]}]) is None


@needs_promtool
def test_side_by_side_each_alert_does_what_it_does_alone() -> None:
    """Three courses that differ in speed and length, one of which never fires anything."""
    rules = [
        {"alert": "A", "expr": expr, "for": "1m", "labels": {"leakdrill_rule": str(number)}}
        for number, expr in enumerate(EXPRS)
    ]
    groups = [
        {"name": "recorded", "rules": [{"record": "share", "expr": "sum by (pod) (used) / on (pod) limit"}]},
        {"name": "alerts", "rules": rules},
    ]
    plays = tuple(
        Play(
            str(number),
            {
                'used{pod="a",node="n"}': f"0+{rise}x{count} stale",
                'used{pod="b",node="n"}': f"45+0x{count}",
                'limit{pod="a",node="n"}': f"100+0x{count}",
                'limit{pod="b",node="n"}': f"100+0x{count}",
            },
            15.0,
            15.0 * count,
        )
        for number, (rise, count) in enumerate([(1, 100), (3, 33), (0, 120)])
    )
    alone = Sheet(groups, 30.0, plays)
    together = Sheet(parted_groups(groups) or [], 30.0, plays, side_by_side=True)
    one, other = play([alone]), play([together])
    assert not one.problems
    assert not other.problems
    assert one.firings == other.firings
    assert {rule for _, rule in one.firings} >= {str(number) for number in range(10)}
    assert other.firings != play([replace(together, groups=groups)]).firings
